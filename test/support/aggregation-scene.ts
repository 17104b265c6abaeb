// The scene of examples/secure-aggregation: a relay, three daemons and three parties, all real processes on loopback, with BioVault's markers
// as the example writes them. Every process it started is ended by its handle.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMAILS } from '../../src/bench/layout.js';
import type { ChannelStatus, Status } from '../../src/index.js';
import { hotlink } from './command.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/secure-aggregation/', import.meta.url));
export const PARTIES = [0, 1, 2] as const;
/** What BioVault's formula adds to the base: each party's two ports. */
const OFFSETS = [1, 2, 1001, 1003, 2002, 2003];

export interface Phase {
  phase: string;
  ms: number;
  sentBytes: number;
  receivedBytes: number;
}

/** What one party prints, what it wrote, and when (Unix ms) each of its phases began. */
export interface PartyRun {
  result: string;
  phases: Phase[];
  beganMs: Record<string, number>;
}

export class AggregationScene {
  readonly #home = mkdtempSync(join(tmpdir(), 'hotlink-aggregation-'));
  readonly #daemons: ChildProcess[] = [];
  readonly #others: ChildProcess[] = [];
  readonly #addresses: string[][] = [];
  /** The parties of the present aggregation. */
  readonly parties: ChildProcess[] = [];
  relayPort = 0;
  /** The ports that applications connect to. */
  ports: number[] = [];

  /** @param settings environment of the daemons */
  async open(settings: Record<string, string>): Promise<void> {
    const relay = this.#spawn([MAIN, 'relay', '--listen', '127.0.0.1:0', '--data', join(this.#home, 'relay')], {}, this.#others);
    const [, server] = await said(relay, /^listening (\S+)$/m);
    this.relayPort = Number(new URL(server as string).port);
    const base = await freeBase();
    this.ports = OFFSETS.map((offset) => base + offset);
    for (const party of PARTIES) {
      const where = ['--emails', EMAILS.join(','), '--server', server as string, '--data', this.#data(party)];
      const args = [`${EXAMPLE}markers.mjs`, '--party', `${party}`, ...where, '--base-port', `${base}`, '--run', 'run1'];
      const made = this.#spawn(args, {}, this.#others);
      const [text] = await said(made, /(?:.*\n){2}/);
      this.#addresses[party] = (text as string).trim().split(/\s+/);
    }
    await Promise.all(
      PARTIES.map(async (party) => {
        const args = [MAIN, 'up', '--email', EMAILS[party] as string, '--server', server as string, '--data', this.#data(party)];
        await said(this.#spawn(args, { SYFTBOX_HOTLINK: '1', ...settings }, this.#daemons), /ready/);
      }),
    );
  }

  /**
   * One aggregation.
   * @param counts of CP1 and CP2, JSON
   * @param args more arguments for an owner
   * @param at called when CP1 begins the phase of that name
   */
  async aggregate(
    counts: readonly [string, string],
    args: (owner: 1 | 2) => string[] = () => [],
    at: Record<string, () => void> = {},
  ): Promise<PartyRun[]> {
    return await Promise.all(
      PARTIES.map(async (party) => {
        const out = join(this.#home, `result${party}`);
        const own = party === 0 ? [] : ['--counts', this.write(`counts${party}`, counts[party - 1] as string), ...args(party)];
        const addresses = this.#addresses[party] as string[];
        const child = this.#spawn(
          [`${EXAMPLE}party.mjs`, '--party', `${party}`, ...addresses, ...own, '--out', out, '--json'],
          {},
          this.#others,
        );
        this.parties[party] = child;
        const beganMs: Record<string, number> = {};
        let [printed, told] = ['', ''];
        child.stdout?.on('data', (data) => {
          printed += data;
        });
        child.stderr?.on('data', (data) => {
          told += data;
          for (const [, phase] of told.matchAll(/^CP\d: (.*)\n/gm)) {
            if (phase === undefined || phase in beganMs) continue;
            beganMs[phase] = Date.now();
            if (party === 1) at[phase]?.();
          }
        });
        const [code] = await once(child, 'close');
        if (code !== 0) throw new Error(`CP${party} left with ${code}: ${told}`);
        return { result: readFileSync(out, 'utf8').trim(), phases: (JSON.parse(printed) as PartyRun).phases, beganMs };
      }),
    );
  }

  write(name: string, text: string): string {
    const path = join(this.#home, name);
    writeFileSync(path, text);
    return path;
  }

  async status(party: number): Promise<Status> {
    return JSON.parse((await hotlink(['status', '--data', this.#data(party), '--json'])).stdout) as Status;
  }

  /** The channel between the two owners, as CP1 has it. */
  async channel(): Promise<ChannelStatus> {
    const { channels } = await this.status(1);
    return channels.find(({ peer }) => peer === EMAILS[2]) as ChannelStatus;
  }

  /** Closes every live peer connection of a daemon under it. @returns how many there were */
  async closePeerConnections(party: number): Promise<number> {
    const child = this.#daemons[party] as ChildProcess;
    const answer = once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    child.send('close');
    return Number((await answer)[0]);
  }

  async close(): Promise<void> {
    for (const child of [...this.#daemons, ...this.#others]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#home, { recursive: true, force: true });
  }

  #data(party: number): string {
    return join(this.#home, `data${party}`);
  }

  #spawn(args: string[], env: Record<string, string>, into: ChildProcess[]): ChildProcess {
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    child.stderr?.on('data', (data: Buffer) => {
      if (process.env['FAULT_LOG'] !== undefined) process.stderr.write(`${args[1]} ${args[3]}: ${data}`);
    });
    into.push(child);
    return child;
  }
}

async function said(child: ChildProcess, words: RegExp): Promise<RegExpExecArray> {
  let text = '';
  return await new Promise((resolve, reject) => {
    child.stdout?.on('data', (data) => {
      text += data;
      const match = words.exec(text);
      if (match !== null) resolve(match);
    });
    child.once('close', (code) => reject(new Error(`exited with ${code} without saying ${words}: ${text}`)));
  });
}

/** A base whose six ports are free, below those that the system gives to connections. */
async function freeBase(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const base = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(OFFSETS.map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no six free ports in a hundred tries');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
