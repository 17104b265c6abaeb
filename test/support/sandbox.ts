// A relay and any number of identities in this process, each a real data plane with its own temporary data directory and markers, for
// tests that watch whole streams. Everything is on loopback with ports from the system, and gone when `close` resolves.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, releasePorts } from '../../src/bench/ports.js';
import { createHotlink, type Hotlink, type HotlinkError, type HotlinkOptions } from '../../src/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';

export const ALICE = 'alice@example.com';
export const BOB = 'bob@example.com';

/** A port that nobody listens on, another one every time. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

/** Resolves when `condition` holds, looking again every few milliseconds; fails after `ms`, which are many for what takes a moment on an idle machine. */
export async function until(what: string, condition: () => boolean, ms = 30_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`timed out after ${ms} ms waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @returns a connected socket with half-close, as an application would dial it */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  // Streams still open when a data plane stops are reset; a test that expects one listens for itself.
  socket.on('error', () => {});
  return socket;
}

export interface Party {
  email: string;
  link: Hotlink;
  port: number;
  markerDir: string;
  fatal: HotlinkError[];
  events: { what: string; fields: Record<string, unknown> }[];
}

/** A relay as far as a sandbox cares: ours, or a double of upstream's. */
export interface AnyRelay {
  readonly url: string;
  close(): Promise<void>;
}

export class Sandbox<R extends AnyRelay = RelayServer> {
  relay: R;
  readonly home: string;
  readonly parties: Party[] = [];
  readonly #ports = new Set<number>();

  private constructor(relay: R, home: string) {
    this.relay = relay;
    this.home = home;
  }

  static async open(): Promise<Sandbox> {
    return Sandbox.over(await startRelay({ listen: '127.0.0.1:0' }));
  }

  /** Around a relay that runs already; the sandbox closes it. */
  static over<R extends AnyRelay>(relay: R): Sandbox<R> {
    return new Sandbox(relay, mkdtempSync(join(tmpdir(), 'hotlink-test-')));
  }

  dataDir(email: string): string {
    return join(this.home, email);
  }

  /** Writes the marker of a channel, with the ACL at the relay that goes with it. @returns the marker's directory */
  async writeMarker(me: string, peer: string, directory: string, ports: Record<string, number>): Promise<string> {
    const relative = `${me}/shared/flows/test/run1/_mpc/${directory}`;
    const path = join(this.dataDir(me), 'datasites', relative);
    mkdirSync(path, { recursive: true });
    const acl = `rules:\n  - pattern: '**'\n    access:\n      admin: ['${me}']\n      write: ['${me}', '${peer}']\n      read: ['${me}', '${peer}']\n`;
    const answer = await fetch(`${this.relay.url}/api/v1/acl?user=${me}&key=${relative}/syft.pub.yaml`, { method: 'PUT', body: acl });
    if (!answer.ok) throw new Error(`the relay refused the ACL: ${await answer.text()}`);
    writeFileSync(join(path, 'stream.tcp'), JSON.stringify({ from: me, to: peer, port: 0, ports }));
    return path;
  }

  /** Starts an identity whose marker is in place. Without word on lanes it has those that upstream knows; the direct one has tests of its own. */
  async start(email: string, port: number, markerDir: string, options: Partial<HotlinkOptions> = {}): Promise<Party> {
    const link = createHotlink({
      email,
      server: this.relay.url,
      dataDir: this.dataDir(email),
      threads: 1,
      lanes: ['webrtc', 'relay'],
      ...options,
    });
    const party: Party = { email, link, port, markerDir, fatal: [], events: [] };
    this.#ports.add(port);
    link.on('fatal', (error) => party.fatal.push(error));
    link.on('event', (what, fields) => party.events.push({ what, fields }));
    this.parties.push(party);
    await link.start();
    return party;
  }

  /** Alice and Bob with one channel between them, both listening and both at the relay. */
  async pair(options: Partial<HotlinkOptions> = {}, bobOptions: Partial<HotlinkOptions> = options): Promise<[Party, Party]> {
    const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
    const alice = await this.start(ALICE, ports[ALICE] as number, await this.writeMarker(ALICE, BOB, '0_to_1', ports), options);
    const bob = await this.start(BOB, ports[BOB] as number, await this.writeMarker(BOB, ALICE, '1_to_0', ports), bobOptions);
    await until('both parties listen and are at the relay', () =>
      [alice, bob].every(({ link }) => {
        const { relay, channels } = link.status();
        return relay.state === 'up' && channels.length > 0 && channels.every((channel) => channel.listening);
      }),
    );
    return [alice, bob];
  }

  /** A party's copy of a datasite directory. */
  folder(email: string, relative: string): string {
    return join(this.dataDir(email), 'datasites', relative);
  }

  /** Stops one identity; it may be started again. */
  async stop(email: string): Promise<void> {
    const at = this.parties.findIndex((party) => party.email === email);
    const [party] = this.parties.splice(at, 1);
    await party?.link.stop();
  }

  /** Stops all identities at once. */
  async stopAll(): Promise<void> {
    await Promise.all(this.parties.splice(0).map(({ link }) => link.stop()));
    releasePorts(this.#ports);
    this.#ports.clear();
  }

  async close(): Promise<void> {
    await this.stopAll();
    await this.relay.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

export interface Transfer {
  sentBytes: number;
  receivedBytes: number;
  sent: string;
  received: string;
  milliseconds: number;
}

/** Sends random bytes from one socket, reads them from the other until its end, and gives both digests. */
export async function transfer(from: Socket, to: Socket, bytes: number): Promise<Transfer> {
  const sent = createHash('sha256');
  const received = createHash('sha256');
  const started = performance.now();
  let receivedBytes = 0;
  to.on('data', (data: Buffer) => {
    receivedBytes += data.length;
    received.update(data);
  });
  const ended = Promise.race([
    once(to, 'end'),
    once(to, 'close').then(() => Promise.reject(new Error(`closed after ${receivedBytes} bytes`))),
  ]);
  const cut = once(from, 'close').then(() => Promise.reject(new Error(`the sender was cut off after ${sentBytes} bytes`)));
  cut.catch(() => {});
  const block = randomBytes(Math.min(bytes, 1_048_576));
  let sentBytes = 0;
  while (sentBytes < bytes) {
    const piece = block.subarray(0, Math.min(block.length, bytes - sentBytes));
    sent.update(piece);
    sentBytes += piece.length;
    if (!from.write(piece)) await Promise.race([once(from, 'drain'), cut]);
  }
  from.end();
  await ended;
  return {
    sentBytes,
    receivedBytes,
    sent: sent.digest('hex'),
    received: received.digest('hex'),
    milliseconds: performance.now() - started,
  };
}
