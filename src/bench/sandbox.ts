// The whole scene of a benchmark: a relay in this process, one daemon process per party, markers and grants. Closing it leaves nothing behind,
// on any way out: processes are ended by their handles, the directory is removed, also when this process is told to leave at once.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HotlinkError } from '../../native-free/errors.js';
import { startRelay } from '../relay/index.js';
import { type PartyScene, partySettings } from './burst-options.js';
import { EMAILS, type Link, uploadAcl, writeMarkers } from './layout.js';
import { Party } from './party.js';
import { freePorts, releasePorts } from './ports.js';
import { probeUntilListening } from './probes.js';

/** From the daemons' start to the last listener. Markers are found within 250 ms; the rest is process start on a busy machine. */
const LISTEN_DEADLINE_MS = 20_000;
/** Other programs take ports too. */
const PORT_ATTEMPTS = 3;

export interface Scene extends PartyScene {
  /** How many links there are; each takes two ports. */
  linkCount: number;
  plan: (ports: readonly number[]) => Link[];
  /** Directory for each party's log. */
  partyLogDir?: string;
}

type Relay = Awaited<ReturnType<typeof startRelay>>;

export class Sandbox {
  readonly links: readonly Link[];
  readonly parties: readonly Party[];
  readonly #relay: Relay;
  readonly #dir: string;
  readonly #removeAtExit: () => void;

  private constructor(links: readonly Link[], parties: readonly Party[], relay: Relay, dir: string) {
    this.links = links;
    this.parties = parties;
    this.#relay = relay;
    this.#dir = dir;
    this.#removeAtExit = () => rmSync(dir, { recursive: true, force: true });
    process.on('exit', this.#removeAtExit);
  }

  get ports(): number[] {
    return this.links.flatMap((link) => [link.from.port, link.to.port]);
  }

  /** Rejects as soon as a daemon leaves unasked. */
  get failed(): Promise<never> {
    return Promise.race(this.parties.map((party) => party.failed));
  }

  /**
   * Sets the scene and waits until every port answers.
   * @throws HotlinkError ERR_HLNK_PORT_BUSY when ports were taken again and again; whatever a daemon that leaves early says
   */
  static async open(options: Scene, signal: AbortSignal): Promise<Sandbox> {
    for (let attempt = 1; ; attempt++) {
      const sandbox = await Sandbox.#start(options);
      try {
        await Promise.race([Promise.all(sandbox.parties.map((party) => party.ready())), sandbox.failed, aborted(signal)]);
        const missing = await Promise.race([probeUntilListening(sandbox.ports, LISTEN_DEADLINE_MS, signal), sandbox.failed]);
        if (missing.length === 0 && (await Promise.race([sandbox.#listening(signal), sandbox.failed]))) return sandbox;
        if (attempt === PORT_ATTEMPTS) {
          throw new HotlinkError(
            'ERR_HLNK_PORT_BUSY',
            `nobody of ours listens on ${missing.join(', ') || 'some of the ports'} after ${LISTEN_DEADLINE_MS} ms, ${attempt} times over`,
          );
        }
      } catch (error) {
        await sandbox.close();
        throw error;
      }
      await sandbox.close();
    }
  }

  /**
   * Somebody answering on a port is not enough: with hundreds of them one may be a connection's of another program, or the probe's own. The daemons
   * know. @returns false when one of them does not listen in time
   */
  async #listening(signal: AbortSignal): Promise<boolean> {
    const giveUpMs = performance.now() + LISTEN_DEADLINE_MS;
    for (const party of this.parties) {
      const ports = this.links.flatMap(({ from, to }) => [from, to]).filter(({ email }) => email === party.email);
      for (;;) {
        const proxies = (await party.telemetry())?.live.proxies.filter(({ listening }) => listening) ?? [];
        if (ports.every(({ port }) => proxies.some((proxy) => proxy.port === port))) break;
        if (performance.now() > giveUpMs) return false;
        await delay(50, undefined, { signal });
      }
    }
    return true;
  }

  static async #start(options: Scene): Promise<Sandbox> {
    const ports = await freePorts(2 * options.linkCount);
    const links = options.plan(ports);
    const emails = EMAILS.filter((email) => links.some((link) => link.from.email === email || link.to.email === email));
    const dir = await mkdtemp(join(tmpdir(), 'hotlink-burst-'));
    let relay: Relay | undefined;
    try {
      relay = await startRelay({ listen: '127.0.0.1:0' });
      const dataDirOf = (email: string): string => join(dir, email);
      const acls = await writeMarkers(links, `run-${process.pid}`, dataDirOf);
      for (const acl of acls) await uploadAcl(relay.url, acl);
      if (options.partyLogDir !== undefined) await mkdir(options.partyLogDir, { recursive: true });
      const logDir = options.partyLogDir === undefined ? {} : { logDir: options.partyLogDir };
      const server = relay.url;
      const parties = emails.map(
        (email, id) => new Party({ email, server, dataDir: dataDirOf(email), settings: partySettings(options, id), ...logDir }),
      );
      return new Sandbox(links, parties, relay, dir);
    } catch (error) {
      await relay?.close();
      await rm(dir, { recursive: true, force: true });
      releasePorts(ports);
      throw error;
    }
  }

  /** Daemons first, so that they can say goodbye to the relay; then the relay; then the files. */
  async close(): Promise<void> {
    await Promise.all(this.parties.map((party) => party.stop()));
    await this.#relay.close();
    await rm(this.#dir, { recursive: true, force: true });
    releasePorts(this.ports);
    process.off('exit', this.#removeAtExit);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
