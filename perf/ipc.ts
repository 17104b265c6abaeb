// `npm run perf -- ipc`: how long a frame of local IPC is under way, from one application's write to the other's read, and there and back. A relay
// and two daemons as processes, both applications in this one; one frame at a time, as upstream's protocol test measures (wire.md 9.1), so a
// figure is latency and not throughput. In turns with a bare unix socket between the same two ends, the machine's own floor.

import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeFrame, FrameDecoder } from '../native-free/hlnk/index.js';
import { Child } from '../src/bench/child.js';
import { uploadAcl } from '../src/bench/layout.js';
import { machine } from '../src/bench/machine.js';
import { Party } from '../src/bench/party.js';
import { quantile } from '../src/bench/quantile.js';
import type { PerfResult } from './results.js';
import { series } from './series.js';

const [SENDER, RECEIVER] = ['alice@sandbox.local', 'bob@sandbox.local'];
const SIZES = [1024, 10_240, 102_400] as const;
/** Frames before anything counts: sessions come up, code gets warm. */
const WARM_UP = 300;
const DEADLINE_MS = 20_000;
const QUANTILES = [0.5, 0.9, 0.95, 0.99] as const;

export interface IpcPerfOptions {
  /** Frames per size and round. */
  frames: number;
  repeat: number;
  lane: 'webrtc' | 'direct' | 'relay' | 'auto';
  signal: AbortSignal;
  talk: (text: string) => void;
}

/** @throws Error when a frame did not arrive, or not as it was sent */
export async function perfIpc(options: IpcPerfOptions): Promise<PerfResult> {
  const dir = await mkdtemp(join(tmpdir(), 'hotlink-ipc-'));
  const samples = new Map<string, number[]>();
  const children: { stop(): Promise<unknown> }[] = [];
  const sockets: Socket[] = [];
  try {
    const rpc = `${SENDER}/app_data/perf/rpc/ipc`;
    const server = await startRelay(children);
    const all = `['${SENDER}', '${RECEIVER}']`;
    await uploadAcl(server, {
      owner: SENDER,
      key: `${rpc}/syft.pub.yaml`,
      text: `rules:\n  - pattern: '**'\n    access: { admin: ['${SENDER}'], read: ${all}, write: ${all} }\n`,
    });
    const settings: Record<string, string> = options.lane === 'auto' ? {} : { HOTLINK_LANES: options.lane };
    for (const email of [SENDER, RECEIVER]) {
      const folder = join(dir, email, 'datasites', rpc);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'stream.accept'), '1');
      await writeFile(join(folder, 'stream.sock'), '');
      const party = new Party({ email, server, dataDir: join(dir, email), settings });
      children.push(party);
      await party.ready();
    }
    const marker = (email: string): string => readFileSync(join(dir, email, 'datasites', rpc, 'stream.sock'), 'utf8');
    const near = await App.connect(marker(SENDER), sockets);
    const far = await App.connect(marker(RECEIVER), sockets);
    const floor = await barePair(join(dir, 'floor'), sockets);
    await exchange(near, far, rpc, 1024, WARM_UP, () => {}, options.signal);
    for (let round = 1; round <= options.repeat; round += 1) {
      for (const size of SIZES) {
        const record = (name: string) => (thereUs: number, backUs: number) => {
          push(samples, `${name}, ${size / 1024} KiB, one way`, thereUs);
          push(samples, `${name}, ${size / 1024} KiB, there and back`, thereUs + backUs);
        };
        await exchange(near, far, rpc, size, options.frames, record('hotlink'), options.signal);
        await exchange(floor[0], floor[1], rpc, size, options.frames, record('bare unix socket'), options.signal);
      }
      const p50 = quantile(samples.get('hotlink, 1 KiB, one way') as number[], 0.5);
      options.talk(`round ${round}: 1 KiB one way p50 ${p50.toFixed(0)} µs so far`);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const child of children.reverse()) await child.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  const ratios: Record<string, number> = {};
  for (const [name, values] of samples) {
    if (!name.startsWith('hotlink')) continue;
    for (const q of QUANTILES) ratios[`${name}, p${q * 100} µs`] = Math.round(quantile(values, q));
  }
  return {
    bench: 'ipc',
    at: new Date().toISOString(),
    machine: machine(),
    parameters: { frames: options.frames, repeat: options.repeat, lane: options.lane },
    series: [...samples].map(([name, values]) => series(name, 'µs', values)),
    ratios,
  };
}

async function startRelay(children: { stop(): Promise<unknown> }[]): Promise<string> {
  let announce: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    announce = resolve;
  });
  const relay = new Child({
    name: 'relay',
    entry: fileURLToPath(new URL('../src/cli/main.js', import.meta.url)),
    args: ['relay', '--listen', '127.0.0.1:0'],
    onStdoutLine: (line) => announce(line.replace('listening ', '')),
  });
  children.push(relay);
  const left = relay.exited.then(() => Promise.reject(new Error(`the relay left: ${relay.lastLines.join('\n')}`)));
  left.catch(() => {});
  return Promise.race([url, left]);
}

/** Frames there and back, one at a time. */
async function exchange(
  near: App,
  far: App,
  rpc: string,
  size: number,
  frames: number,
  record: (thereUs: number, backUs: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < frames; i += 1) {
    signal.throwIfAborted();
    const payload = Buffer.alloc(size, i);
    const started = performance.now();
    near.send(`${rpc}/${i}.request`, payload);
    const there = await far.next(size);
    far.send(`${rpc}/${i}.response`, payload);
    const back = await near.next(size);
    record((there - started) * 1000, (back - there) * 1000);
  }
}

/** An application on one end: writes frames, and says when the next one was read. */
class App {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #arrived: { bytes: number; atMs: number }[] = [];
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).on('data', (data: Buffer) => {
      this.#decoder.push(data);
      for (const view of this.#decoder) this.#arrived.push({ bytes: view.payloadBytes, atMs: performance.now() });
      this.#wake?.();
    });
  }

  static async connect(path: string, sockets: Socket[]): Promise<App> {
    const socket = connect(path);
    sockets.push(socket);
    await once(socket, 'connect');
    return new App(socket);
  }

  send(path: string, payload: Uint8Array): void {
    this.#socket.write(encodeFrame(path, '', 0, payload));
  }

  /** @returns when the next frame was read, ms */
  async next(size: number): Promise<number> {
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no frame within ${DEADLINE_MS} ms`)), DEADLINE_MS);
        this.#wake = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
    const { bytes, atMs } = this.#arrived.shift() as { bytes: number; atMs: number };
    if (bytes !== size) throw new Error(`a frame of ${bytes} bytes came, ${size} were sent`);
    return atMs;
  }
}

async function barePair(path: string, sockets: Socket[]): Promise<[App, App]> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  const [near, [far]] = await Promise.all([App.connect(path, sockets), once(server, 'connection') as Promise<[Socket]>]);
  sockets.push(far);
  server.close();
  return [near, new App(far)];
}

function push(samples: Map<string, number[]>, name: string, value: number): void {
  const list = samples.get(name);
  if (list === undefined) samples.set(name, [value]);
  else list.push(value);
}
