// A relay and two daemons, each on its own host of a network, with a channel between them: the programs a user runs, as processes. What they
// keep lies in one temporary directory. Invariant: closing ends the processes by their handles, then removes the directory.
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Namespace } from '../../perf/namespace.js';
import type { SessionStatus, Status } from '../../src/status.js';
import type { Telemetry } from '../../src/telemetry/index.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { Flow } from './flow.js';

const MAIN = new URL('../../src/cli/main.js', import.meta.url).pathname;
/** Hosts have all ports to themselves: one number serves every party. */
const CHANNEL_PORT = 9001;
const START_MS = 20_000;

export type Environment = Record<string, string>;
type LiveSession = Telemetry['live']['sessions_in'][number];

export interface Party {
  readonly email: string;
  readonly host: Namespace;
  readonly port: number;
  readonly process: ChildProcess;
}

export interface SceneOptions {
  relay: { host: Namespace; listen: string; args?: readonly string[]; env?: Environment };
  /** As the daemons are told. */
  server: string;
  alice: { host: Namespace; env?: Environment };
  bob: { host: Namespace; env?: Environment };
}

export class Scene implements AsyncDisposable {
  readonly parties: readonly [Party, Party];
  readonly #home: string;
  readonly #logs: readonly string[];
  readonly #relay: ChildProcess;

  private constructor(relay: ChildProcess, parties: [Party, Party], home: string, logs: readonly string[]) {
    this.#relay = relay;
    this.parties = parties;
    this.#home = home;
    this.#logs = logs;
  }

  /** Resolves when relay and daemons are up. */
  static async open({ relay, server, alice, bob }: SceneOptions): Promise<Scene> {
    const home = mkdtempSync(join(tmpdir(), 'hotlink-lab-'));
    const logs: string[] = [];
    const children: ChildProcess[] = [];
    try {
      const ports = { [ALICE]: CHANNEL_PORT, [BOB]: CHANNEL_PORT };
      for (const [me, peer, directory] of [
        [ALICE, BOB, '0_to_1'],
        [BOB, ALICE, '1_to_0'],
      ] as const) {
        const path = `datasites/${me}/app_data/lab/_mpc/${directory}`;
        write(join(home, me, path, 'stream.tcp'), { from: me, to: peer, port: 0, ports });
        const both = [me, peer];
        write(join(home, 'relay', path, 'syft.pub.yaml'), {
          rules: [{ pattern: '**', access: { admin: [me], write: both, read: both } }],
        });
      }
      const started = start(
        'relay',
        relay.host,
        ['relay', '--listen', relay.listen, '--i-know', '--data', join(home, 'relay'), ...(relay.args ?? [])],
        {
          env: relay.env,
          logs,
        },
      );
      children.push(started);
      await says(started, 'listening', logs);
      const parties = await Promise.all(
        (
          [
            [ALICE, alice],
            [BOB, bob],
          ] as const
        ).map(async ([email, { host, env }]): Promise<Party> => {
          const args = ['up', '--email', email, '--server', server, '--data', join(home, email), '--threads', '1'];
          const child = start(email, host, args, { env, logs });
          children.push(child);
          await says(child, 'ready', logs);
          return { email, host, port: CHANNEL_PORT, process: child };
        }),
      );
      return new Scene(started, parties as [Party, Party], home, logs);
    } catch (error) {
      await Promise.all(children.map(end));
      rmSync(home, { recursive: true, force: true });
      throw error;
    }
  }

  flow(bytesPerSecond?: number): Flow {
    return new Flow(this.parties, bytesPerSecond);
  }

  /** What a daemon wrote last about itself. */
  telemetry({ email }: Party): Telemetry | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#home, email, 'datasites', email, '.syftbox/hotlink_telemetry.json'), 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** The session that carries a party's bytes, and every other one. */
  sessions(party: Party): LiveSession[] {
    const live = this.telemetry(party)?.live;
    return live === undefined ? [] : [...live.sessions_out, ...live.sessions_in];
  }

  /** Frames sent so far by both parties together, peer to peer and through the relay. */
  get packets(): { p2p: number; relay: number } {
    const written = this.parties.map((party) => this.telemetry(party)).filter((one) => one !== undefined);
    return {
      p2p: written.reduce((total, { tx_p2p_packets }) => total + tx_p2p_packets, 0),
      relay: written.reduce((total, { tx_ws_packets }) => total + tx_ws_packets, 0),
    };
  }

  /** Resolves with the carrying session of both parties when `expected` holds for both. */
  async carriedBy(what: string, expected: (carrier: LiveSession) => boolean, ms = 30_000): Promise<LiveSession[]> {
    const carriers = (): LiveSession[] =>
      this.parties.flatMap((party) => this.sessions(party).find(({ lane }) => lane !== undefined) ?? []);
    try {
      await until(what, () => carriers().length === 2 && carriers().every(expected), ms);
    } catch (error) {
      const seen = this.parties.map((party) => JSON.stringify(this.sessions(party))).join('\n');
      throw new Error(`${(error as Error).message}; the parties say\n${seen}\n${this.#logs.join('\n')}`);
    }
    return carriers();
  }

  /** What `hotlink status --json` says of a party's carrying session. */
  async status({ email }: Party): Promise<SessionStatus | undefined> {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'status', '--json', '--data', join(this.#home, email)]);
    const { channels } = JSON.parse(stdout) as Pick<Status, 'channels'>;
    return channels.flatMap(({ sessions }) => sessions).find(({ lane }) => lane !== undefined);
  }

  /** Everything that was printed so far. */
  get log(): string {
    return this.#logs.join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([this.#relay, ...this.parties.map(({ process }) => process)].map(end));
    rmSync(this.#home, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function write(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
}

/** Nothing of the environment of whoever runs the tests reaches the parties. */
function start(
  name: string,
  host: Namespace,
  args: readonly string[],
  { env, logs }: { env: Environment | undefined; logs: string[] },
): ChildProcess {
  const child = host.spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SYFTBOX_HOTLINK: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => logs.push(`${name}: ${line}`));
  return child;
}

async function says(child: ChildProcess, word: string, logs: readonly string[]): Promise<void> {
  let text = '';
  child.stdout?.on('data', (data) => {
    text += data;
  });
  let left = false;
  child.once('exit', () => {
    left = true;
  });
  await until(`a party says "${word}"`, () => text.includes(word) || left, START_MS);
  if (!text.includes(word)) throw new Error(`it left before it said "${word}":\n${logs.join('\n')}`);
}
