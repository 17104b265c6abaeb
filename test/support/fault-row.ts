// One row of the fault matrix, as a process of its own: a relay and two daemons as real processes, two applications that send both ways
// at once until told to stop, one fault in the middle. Prints one JSON line. Run with a row's name; rows that cut UDP want a network
// namespace of their own and nft (see faults.test.ts).
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALICE, BOB, dial, freePort, until } from './sandbox.js';
import { startSpoiler } from './spoiler.js';

const MAIN = new URL('../../src/cli/main.js', import.meta.url).pathname;
const UDP_LIVE_BYTES = 2_000_000;

export interface RowResult {
  row: string;
  /** 'exact': both digests equal; 'reset': both applications saw a reset. */
  outcome: 'exact' | 'reset' | 'wrong';
  detail: string;
  /** Bytes delivered in each direction. */
  bytes: [number, number];
  /** Longest time without a delivered byte, ms, per direction. */
  pauseMs: [number, number];
  lanes: { p2p: number; relay: number };
  /** Most that either daemon's resident memory grew while the fault lasted, bytes (stall rows). */
  growthBytes: number;
  /** From the fault to both applications seeing the reset, ms (reset rows). */
  resetMs: number;
}

class Scene {
  readonly home = mkdtempSync(join(tmpdir(), 'hotlink-fault-'));
  readonly ports: Record<string, number> = {};
  readonly processes = new Map<string, ChildProcess>();
  relayPort = 0;
  /** Port the daemons are told: the relay's, or that of a proxy in front of it. */
  serverPort = 0;
  growthBytes = 0;

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

  rssBytes(email: string): number {
    const pid = this.processes.get(email)?.pid;
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  }

  async close(): Promise<void> {
    for (const name of this.processes.keys()) await this.kill(name, 'SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }

  #spawn(name: string, args: string[], env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr?.on('data', (data: Buffer) => {
      if (process.env['FAULT_LOG'] !== undefined) process.stderr.write(`${name}: ${data}`);
    });
    this.processes.set(name, child);
    return child;
  }
}

async function line(child: ChildProcess, word: string): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (data) => {
      text += data;
      if (text.includes(word)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`exited with ${code} before "${word}"`)));
  });
}

/** One direction: sends random blocks until stopped, and what arrived. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #sent = createHash('sha256');
  readonly #received = createHash('sha256');
  readonly done: Promise<void>;
  sentBytes = 0;
  receivedBytes = 0;
  pauseMs = 0;
  stopped = false;
  idle = false;
  fromGone: number | undefined;
  toGone: number | undefined;
  #last = performance.now();

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    to.on('data', (data: Buffer) => this.#arrived(data));
    from.once('close', () => {
      this.fromGone ??= performance.now();
    });
    to.once('close', () => {
      this.toGone ??= performance.now();
    });
    this.done = this.#run();
  }

  get exact(): boolean {
    return this.sentBytes === this.receivedBytes && this.#sent.copy().digest('hex') === this.#received.copy().digest('hex');
  }

  #arrived(data: Buffer): void {
    this.receivedBytes += data.length;
    this.#received.update(data);
    const now = performance.now();
    if (this.receivedBytes > UDP_LIVE_BYTES) this.pauseMs = Math.max(this.pauseMs, now - this.#last);
    this.#last = now;
  }

  async #run(): Promise<void> {
    // A sender's socket may close before its last bytes are read on the far side: only the receiver's end counts.
    const ended = Promise.race([once(this.#to, 'end'), once(this.#to, 'close')]).catch(() => undefined);
    const cut = Promise.race([once(this.#from, 'close'), once(this.#to, 'close')]).catch(() => undefined);
    const block = randomBytes(262_144);
    let count = 0;
    while (!this.stopped && this.fromGone === undefined && this.toGone === undefined) {
      if (this.idle) {
        await pause(10);
        continue;
      }
      block.writeUInt32BE(count % 0xffff_ffff, 0);
      count += 1;
      const piece = Buffer.from(block);
      this.#sent.update(piece);
      this.sentBytes += piece.length;
      if (!this.#from.write(piece)) await Promise.race([once(this.#from, 'drain').catch(() => undefined), cut]);
      // A turn of the event loop each time: a socket that failed says so in one.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#from.end();
    await ended;
  }
}

const udp = (state: 'drop' | 'pass'): void => {
  if (state === 'drop') {
    execFileSync('nft', ['add', 'table', 'inet', 'fault']);
    execFileSync('nft', ['add', 'chain', 'inet', 'fault', 'in', '{ type filter hook input priority 0 ; }']);
    execFileSync('nft', ['add', 'rule', 'inet', 'fault', 'in', 'meta', 'l4proto', 'udp', 'drop']);
  } else execFileSync('nft', ['delete', 'table', 'inet', 'fault']);
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One application stops reading for a minute while the other keeps pushing; the other direction goes on. */
const stall: Row['fault'] = async (scene, flows, [, b]) => {
  // What a stream may use is in use from its first seconds on; what counts is that it stays there.
  b.pause();
  await pause(3000);
  const before = [scene.rssBytes(ALICE), scene.rssBytes(BOB)];
  const held = flows[0].receivedBytes;
  for (let second = 0; second < 57; second += 1) {
    await pause(1000);
    const now = [scene.rssBytes(ALICE), scene.rssBytes(BOB)];
    scene.growthBytes = Math.max(scene.growthBytes, ...now.map((rss, index) => rss - (before[index] as number)));
  }
  if (flows[0].receivedBytes !== held) throw new Error('the stalled application was given bytes');
  b.resume();
  await pause(1000);
};

interface Row {
  settings?: Record<string, string>;
  spoil?: boolean;
  expect: 'exact' | 'reset';
  before?(scene: Scene): Promise<void> | void;
  fault(scene: Scene, flows: [Flow, Flow], sockets: [Socket, Socket]): Promise<void> | void;
}

export const ROWS: Record<string, Row> = {
  'webrtc cut (udp dropped 5 s)': {
    expect: 'exact',
    async fault() {
      udp('drop');
      await pause(5000);
      udp('pass');
      await pause(1500);
    },
  },
  'relay killed and restarted, webrtc carrying': {
    expect: 'exact',
    async fault(scene) {
      await scene.kill('relay', 'SIGKILL');
      await pause(1000);
      await scene.startRelay();
      await pause(3000);
    },
  },
  'relay killed and restarted, relay carrying': {
    settings: { HOTLINK_LANES: 'relay' },
    expect: 'exact',
    async fault(scene) {
      await scene.kill('relay', 'SIGKILL');
      await pause(1000);
      await scene.startRelay();
      await pause(4000);
    },
  },
  'webrtc and relay both gone for 5 s': {
    expect: 'exact',
    async fault(scene) {
      udp('drop');
      await scene.kill('relay', 'SIGKILL');
      await pause(5000);
      udp('pass');
      await scene.startRelay();
      await pause(5000);
    },
  },
  'relay upgraded to webrtc': {
    expect: 'exact',
    before: () => udp('drop'),
    async fault(scene) {
      const started = performance.now();
      udp('pass');
      await until('bytes go over WebRTC', () => (scene.telemetry(ALICE)['tx_p2p_packets'] ?? 0) > 20, 60_000);
      await pause(Math.max(500, 2000 - (performance.now() - started)));
    },
  },
  'messages lost, duplicated and reordered by the relay': {
    settings: { HOTLINK_LANES: 'relay' },
    spoil: true,
    expect: 'exact',
    fault: () => pause(4000),
  },
  'peer killed': {
    expect: 'reset',
    fault: (scene) => scene.kill(BOB, 'SIGKILL'),
  },
  'peer stopped': {
    expect: 'reset',
    fault: (scene) => scene.kill(BOB, 'SIGTERM'),
  },
  'receiver stalled 60 s, webrtc': { expect: 'exact', fault: stall },
  'receiver stalled 60 s, relay': { settings: { HOTLINK_LANES: 'relay' }, expect: 'exact', fault: stall },
  'sender stalled 15 s': {
    expect: 'exact',
    async fault(_scene, flows) {
      // Longer than the time after which a silent peer is given up: an idle stream is not a dead peer.
      for (const flow of flows) flow.idle = true;
      await pause(15_000);
      for (const flow of flows) flow.idle = false;
      await pause(1000);
    },
  },
  'application killed': {
    expect: 'reset',
    fault(_scene, _flows, [, b]) {
      b.resetAndDestroy();
    },
  },
};

/** Runs one row. */
export async function runRow(name: string): Promise<RowResult> {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no row "${name}"`);
  const scene = new Scene();
  try {
    await row.before?.(scene);
    await scene.open(row.settings ?? {}, row.spoil);
    const [a, b] = [await dial(scene.ports[ALICE] as number), await dial(scene.ports[BOB] as number)];
    const flows: [Flow, Flow] = [new Flow(a, b), new Flow(b, a)];
    await until('both directions flow', () => flows.every((flow) => flow.receivedBytes > UDP_LIVE_BYTES), 30_000);
    const faultAt = performance.now();
    await row.fault(scene, flows, [a, b]);
    for (const flow of flows) flow.stopped = row.expect === 'exact';
    const finished = Promise.all(flows.map((flow) => flow.done)).then(() => true);
    const inTime = await Promise.race([finished, pause(30_000).then(() => false)]);
    if (row.expect === 'reset') {
      const gone = (): boolean => flows.every((flow) => flow.fromGone !== undefined && flow.toGone !== undefined);
      await until('both applications saw the reset', gone, 30_000).catch(() => undefined);
    }
    const resets = flows.flatMap((flow) => [flow.fromGone, flow.toGone]);
    const exact = inTime && flows.every((flow) => flow.exact);
    const reset = row.expect === 'reset' && resets.every((at) => at !== undefined);
    const telemetry = scene.telemetry(ALICE);
    return {
      row: name,
      outcome: row.expect === 'exact' ? (exact ? 'exact' : 'wrong') : reset ? 'reset' : 'wrong',
      detail: inTime
        ? ''
        : `not done 30 s after the fault: ${flows.map((flow) => `${flow.receivedBytes} of ${flow.sentBytes}`).join(', ')}`,
      bytes: [flows[0].receivedBytes, flows[1].receivedBytes],
      pauseMs: [Math.round(flows[0].pauseMs), Math.round(flows[1].pauseMs)],
      lanes: { p2p: telemetry['tx_p2p_packets'] ?? 0, relay: telemetry['tx_ws_packets'] ?? 0 },
      growthBytes: scene.growthBytes,
      resetMs: reset ? Math.round(Math.max(...(resets as number[])) - faultAt) : 0,
    };
  } finally {
    await scene.close();
  }
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').at(-1) ?? '-')) {
  const name = process.argv[2] ?? '';
  process.stdout.write(`${JSON.stringify(await runRow(name))}\n`);
  process.exit(0);
}
