// `npm run perf -- ipc`: how long a frame of local IPC is under way, from one application's write to the other's read, and there and back. A relay
// and two daemons as processes, both applications in this one; one frame at a time, as upstream's protocol test measures (wire.md 9.1), so a
// figure is latency and not throughput. In turns with a bare unix socket between the same two ends, the machine's own floor.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeFrame, FrameDecoder } from '../../native-free/hlnk/index.js';
import { Child } from '../../src/bench/child.js';
import { uploadAcl } from '../../src/bench/layout.js';
import { Party } from '../../src/bench/party.js';
import { quantile } from '../../src/bench/quantile.js';
import { roundsInTime } from '../in-time.js';
import { result } from '../results.js';
import { Recorder } from '../series.js';
import { type Bench, scaled } from './bench.js';

const [SENDER, RECEIVER] = ['alice@sandbox.local', 'bob@sandbox.local'];
const RPC = `${SENDER}/app_data/perf/rpc/ipc`;
/** Frames by payload size: enough for the tail where they are short. */
const SIZES: readonly (readonly [bytes: number, words: string, frames: number])[] = [
  [1024, '1 KiB', 2000],
  [10_240, '10 KiB', 2000],
  [102_400, '100 KiB', 500],
];
/** Frames before anything counts: sessions come up, and the code of five processes is compiled, which takes some seconds and the second core. */
const WARM_UP = 10_000;
const DEADLINE_MS = 20_000;
const QUANTILES = [50, 90, 95, 99] as const;
const LANES = ['relay', 'best lane'] as const;
const BARE = 'bare unix socket';

export const ipc: Bench = async ({ repeat, budgetMs, scale, signal, talk }) => {
  const recorder = new Recorder();
  const measure = async (name: string, [near, far]: Ends): Promise<void> => {
    await exchange(near, far, 1024, scaled(WARM_UP, scale, 20), signal);
    for (const [bytes, words, frames] of SIZES) {
      const { one, both } = await exchange(near, far, bytes, scaled(frames, scale, 20), signal);
      for (const q of QUANTILES) recorder.add(`${words}, one way`, name, `p${q}`, 'µs', quantile(one, q / 100));
      for (const q of QUANTILES) recorder.add(`${words}, there and back`, name, `p${q}`, 'µs', quantile(both, q / 100));
    }
    talk(`${name}: 1 KiB one way, p50 ${recorder.median('1 KiB, one way', name, 'p50')} µs`);
  };
  for (const _round of roundsInTime({ repeat, budgetMs })) {
    for (const lane of LANES) {
      const scene = await Scene.open(lane);
      try {
        await measure(`hotlink, ${lane}`, await scene.ends());
      } finally {
        await scene.close();
      }
    }
    const bare = await barePair();
    await measure(BARE, bare);
    for (const end of bare) end.close();
  }
  return result(
    'ipc',
    { sizes: SIZES.map(([bytes]) => bytes), repeat, scale },
    { series: recorder.series, ratios: recorder.ratio('1 KiB, one way', 'p50', 'hotlink, relay', BARE) },
  );
};

type Ends = readonly [near: App, far: App];

/** Relay and daemons, each a process, with one directory that both consent to. */
class Scene {
  readonly #dir: string;
  readonly #processes: { stop(): Promise<unknown> }[] = [];
  readonly #apps: App[] = [];

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(lane: (typeof LANES)[number]): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'hotlink-ipc-')));
    try {
      await scene.#start(lane === 'relay' ? { HOTLINK_LANES: lane } : {});
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  /** An application at each daemon. */
  async ends(): Promise<Ends> {
    const [near, far] = [await App.connect(this.#marker(SENDER)), await App.connect(this.#marker(RECEIVER))];
    this.#apps.push(near, far);
    return [near, far];
  }

  async close(): Promise<void> {
    for (const app of this.#apps) app.close();
    for (const one of this.#processes.reverse()) await one.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #start(settings: Readonly<Record<string, string>>): Promise<void> {
    const server = await startRelay(this.#processes);
    const all = `['${SENDER}', '${RECEIVER}']`;
    const text = `rules:\n  - pattern: '**'\n    access: { admin: ['${SENDER}'], read: ${all}, write: ${all} }\n`;
    await uploadAcl(server, { owner: SENDER, key: `${RPC}/syft.pub.yaml`, text });
    for (const email of [SENDER, RECEIVER]) {
      await mkdir(this.#folder(email), { recursive: true });
      await writeFile(join(this.#folder(email), 'stream.accept'), '1');
      await writeFile(join(this.#folder(email), 'stream.sock'), '');
      const party = new Party({ email, server, dataDir: join(this.#dir, email), settings });
      this.#processes.push(party);
      await party.ready();
    }
  }

  #folder(email: string): string {
    return join(this.#dir, email, 'datasites', RPC);
  }

  #marker(email: string): string {
    return readFileSync(join(this.#folder(email), 'stream.sock'), 'utf8');
  }
}

async function startRelay(children: { stop(): Promise<unknown> }[]): Promise<string> {
  let announce: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    announce = resolve;
  });
  const relay = new Child({
    name: 'relay',
    entry: fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)),
    args: ['relay', '--listen', '127.0.0.1:0'],
    onStdoutLine: (line) => announce(line.replace('listening ', '')),
  });
  children.push(relay);
  const left = relay.exited.then(() => Promise.reject(new Error(`the relay left: ${relay.lastLines.join('\n')}`)));
  left.catch(() => {});
  return Promise.race([url, left]);
}

/** Frames there and back, one at a time. @returns the times, µs */
async function exchange(
  near: App,
  far: App,
  size: number,
  frames: number,
  signal: AbortSignal,
): Promise<{ one: number[]; both: number[] }> {
  const [one, both]: [number[], number[]] = [[], []];
  for (let i = 0; i < frames; i += 1) {
    signal.throwIfAborted();
    const payload = Buffer.alloc(size, i);
    const started = performance.now();
    near.send(`${RPC}/${i}.request`, payload);
    const there = await far.next(size);
    far.send(`${RPC}/${i}.response`, payload);
    one.push((there - started) * 1000);
    both.push(((await near.next(size)) - started) * 1000);
  }
  return { one, both };
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

  static async connect(path: string): Promise<App> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new App(socket);
  }

  send(path: string, payload: Uint8Array): void {
    this.#socket.write(encodeFrame(path, '', 0, payload));
  }

  close(): void {
    this.#socket.destroy();
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

async function barePair(): Promise<Ends> {
  const dir = await mkdtemp(join(tmpdir(), 'hotlink-ipc-'));
  const server = createServer().listen(join(dir, 'socket'));
  await once(server, 'listening');
  const [near, [far]] = await Promise.all([App.connect(join(dir, 'socket')), once(server, 'connection') as Promise<[Socket]>]);
  server.close();
  await rm(dir, { recursive: true, force: true });
  return [near, new App(far)];
}
