// The scene of a fault: a relay and two daemons as real processes, with their markers and permissions, on loopback with ports from the
// system. Every process it started is ended by its handle.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloserQuestion } from './peer-closer.js';
import { ALICE, BOB, freePort } from './sandbox.js';
import { startSpoiler } from './spoiler.js';

const MAIN = new URL('../../src/cli/main.js', import.meta.url).pathname;
/** Settings of a daemon whose peer connections can be closed under it. */
export const WITH_CLOSER = { NODE_OPTIONS: `--import=${new URL('./peer-closer.js', import.meta.url).href}` };

export class Scene {
  readonly home = mkdtempSync(join(tmpdir(), 'hotlink-fault-'));
  readonly ports: Record<string, number> = {};
  readonly processes = new Map<string, ChildProcess>();
  relayPort = 0;
  /** Port the daemons are told: the relay's, or that of a proxy in front of it. */
  serverPort = 0;
  /** Most that either daemon's resident memory grew, and most it was, while the fault lasted, bytes (stall rows). */
  growthBytes = 0;
  residentBytes = 0;
  /** Peer connections that were closed, in the order of the closings (rows that close them). */
  readonly closed: number[] = [];
  /** Delivered in the other direction after the end of the first was seen, bytes (half-close rows). */
  afterEndBytes = 0;
  /** When the fault happened, if that was not when the row's `fault` began. */
  faultAtMs: number | undefined;

  /** @param settings environment of the daemons @param spoil a proxy that spoils messages stands in front of the relay */
  async open(settings: Record<string, string>, spoil = false): Promise<void> {
    this.relayPort = await freePort();
    await this.startRelay();
    this.serverPort = spoil ? await startSpoiler(this.relayPort) : this.relayPort;
    this.ports[ALICE] = await freePort();
    this.ports[BOB] = await freePort();
    for (const [me, peer, directory] of [
      [ALICE, BOB, '0_to_1'],
      [BOB, ALICE, '1_to_0'],
    ] as const) {
      const relative = `${me}/shared/flows/f/r/_mpc/${directory}`;
      mkdirSync(join(this.home, me, 'datasites', relative), { recursive: true });
      writeFileSync(
        join(this.home, me, 'datasites', relative, 'stream.tcp'),
        JSON.stringify({ from: me, to: peer, port: 0, ports: this.ports }),
      );
      const both = [me, peer];
      const acl = JSON.stringify({ rules: [{ pattern: '**', access: { admin: [me], write: both, read: both } }] });
      const answer = await fetch(`http://127.0.0.1:${this.relayPort}/api/v1/acl?user=${me}&key=${relative}/syft.pub.yaml`, {
        method: 'PUT',
        body: acl,
      });
      if (!answer.ok) throw new Error(await answer.text());
    }
    await Promise.all([this.startDaemon(ALICE, settings), this.startDaemon(BOB, settings)]);
  }

  async startRelay(): Promise<void> {
    const child = this.#spawn('relay', ['relay', '--listen', `127.0.0.1:${this.relayPort}`, '--data', join(this.home, 'relay')], {});
    await line(child, 'listening');
  }

  async startDaemon(email: string, settings: Record<string, string>): Promise<void> {
    const server = `http://127.0.0.1:${this.serverPort}`;
    const child = this.#spawn(email, ['up', '--email', email, '--server', server, '--data', join(this.home, email)], {
      SYFTBOX_HOTLINK: '1',
      HOTLINK_LANES: 'webrtc,relay',
      ...settings,
    });
    await line(child, 'ready');
  }

  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.processes.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  telemetry(email: string): Record<string, number> {
    try {
      return JSON.parse(readFileSync(join(this.home, email, 'datasites', email, '.syftbox/hotlink_telemetry.json'), 'utf8'));
    } catch {
      return {};
    }
  }

  /** Closes every live peer connection of a daemon under it. @returns how many there were */
  closePeerConnections(email: string): Promise<number> {
    return this.#ask(email, 'close');
  }

  closeOnePeerConnection(email: string): Promise<number> {
    return this.#ask(email, 'close one');
  }

  livePeerConnections(email: string): Promise<number> {
    return this.#ask(email, 'count');
  }

  async #ask(email: string, question: CloserQuestion): Promise<number> {
    const child = this.processes.get(email) as ChildProcess;
    const answer = once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    child.send(question);
    return Number((await answer)[0]);
  }

  rssBytes(email: string): number {
    const pid = this.processes.get(email)?.pid;
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  }

  async close(): Promise<void> {
    for (const name of this.processes.keys()) await this.kill(name, 'SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }

  #spawn(name: string, args: string[], env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stderr?.on('data', (data: Buffer) => {
      if (process.env['FAULT_LOG'] !== undefined) process.stderr.write(`${name}: ${data}`);
    });
    this.processes.set(name, child);
    return child;
  }
}

/** Waits for the word a program says when it is ready. */
async function line(child: ChildProcess, word: string): Promise<void> {
  let [text, complaints] = ['', ''];
  await new Promise<void>((resolve, reject) => {
    const complain = (data: Buffer): void => {
      complaints += data;
    };
    child.stderr?.on('data', complain);
    child.stdout?.on('data', (data) => {
      text += data;
      if (!text.includes(word)) return;
      child.stderr?.off('data', complain);
      resolve();
    });
    child.once('close', (code) => reject(new Error(`exited with ${code} before "${word}": ${complaints}`)));
  });
}
