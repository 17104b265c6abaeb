// `npm run perf -- micro`: the small parts of the byte path, each against the obvious version of itself: what its cleverness pays. One thread; mitata
// measures. The two versions of each must agree on the result, or nothing is measured.

import { do_not_optimize, measure } from 'mitata';
import { Chunker } from '../../native-free/chunker.js';
import { encodeFrame, FrameView, headRoomBytes, writeFrameHead } from '../../native-free/hlnk/index.js';
import { ReorderWindow } from '../../native-free/reorder.js';
import { createRing, RingConsumer, RingProducer } from '../../native-free/ring/index.js';
import { roundsInTime } from '../in-time.js';
import { result } from '../results.js';
import { Recorder } from '../series.js';
import type { Bench } from './bench.js';

const FRAME_BYTES = 61_440;
const RING_BYTES = 4 * 2 ** 20;
const FRAMES = 256;
const encoder = new TextEncoder();
const path = encoder.encode('alice@example.com/shared/flows/x/_mpc/0_to_1/stream.tcp.request');
const etag = encoder.encode('h1d-00000001');

interface Pair {
  group: string;
  ours: () => unknown;
  naive: () => unknown;
  /** What one call carries, bytes; 0 when that says nothing. */
  bytes: number;
}

export const micro: Bench = async ({ repeat, budgetMs, talk }) => {
  const recorder = new Recorder();
  const ratios: Record<string, number> = {};
  const frames = Array.from({ length: FRAMES }, (_, index) => index);
  const pairs = [
    encoding(),
    decoding(),
    ring(),
    reordering(
      'neighbours swapped',
      frames.map((index) => index ^ 1),
    ),
    reordering('the first one last', [...frames.slice(1), 0]),
    cutting(),
    ...COPIES.map(([what, size, offset, out]) => copying(what, size, offset, out)),
  ];
  for (const round of roundsInTime({ repeat, budgetMs })) {
    for (const { group, ours, naive } of pairs) {
      for (const [name, work] of [
        ['ours', ours],
        ['the obvious version', naive],
      ] as const) {
        const { avg, p99 } = await measure(() => do_not_optimize(work()));
        recorder.add(group, name, 'mean', 'ns', avg);
        recorder.add(group, name, 'p99', 'ns', p99);
      }
    }
    talk(`round ${round} of ${repeat}`);
  }
  for (const { group } of pairs) Object.assign(ratios, recorder.ratio(group, 'mean', 'ours', 'the obvious version'));
  return result('micro', { frameBytes: FRAME_BYTES, repeat }, { series: recorder.series, ratios });
};

function same(what: string, a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: the two versions disagree`);
}

/** A head in front of a payload that is in place, against a new array for every frame. */
function encoding(): Pair {
  const room = headRoomBytes(path.length, etag.length);
  const window = new Uint8Array(room + FRAME_BYTES).fill(7);
  const payload = window.slice(room);
  const ours = (): Uint8Array => window.subarray(writeFrameHead(window, room, FRAME_BYTES, path, etag, 12_345), room + FRAME_BYTES);
  const naive = (): Uint8Array => encodeFrame(path, etag, 12_345, payload);
  same('encoding', [...ours()], [...naive()]);
  return { group: `write a frame of ${FRAME_BYTES} bytes`, ours, naive, bytes: FRAME_BYTES };
}

/** A view of the message, against an object with copies of its parts. */
function decoding(): Pair {
  const message = encodeFrame(path, etag, 12_345, new Uint8Array(FRAME_BYTES));
  const view = new FrameView();
  const ours = (): number => {
    view.read(message);
    return view.seq;
  };
  const naive = (): { seq: number; path: string; etag: string; payload: Uint8Array } => {
    const data = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const [pathBytes, etagBytes] = [data.getUint16(5), data.getUint16(7)];
    const at = 21 + pathBytes;
    const decoder = new TextDecoder();
    return {
      seq: Number(data.getBigUint64(13)),
      path: decoder.decode(message.subarray(21, at)),
      etag: decoder.decode(message.subarray(at, at + etagBytes)),
      payload: message.slice(at + etagBytes),
    };
  };
  same('decoding', ours(), naive().seq);
  return { group: `read a frame of ${FRAME_BYTES} bytes`, ours, naive, bytes: FRAME_BYTES };
}

/** Records in shared memory, against messages that are cloned, as between threads. */
function ring(): Pair {
  const shared = createRing(RING_BYTES);
  const [producer, consumer] = [new RingProducer(shared), new RingConsumer(shared)];
  const frame = new Uint8Array(FRAME_BYTES).fill(7);
  const ours = (): number => {
    const at = producer.claim(frame.length);
    producer.bytes.set(frame, at);
    producer.commit(frame.length);
    const lengthBytes = consumer.peek();
    consumer.release();
    return lengthBytes;
  };
  const naive = (): number => structuredClone({ t: 'frame', bytes: frame }).bytes.length;
  same('the ring', ours(), naive());
  return { group: `hand a frame of ${FRAME_BYTES} bytes to another thread`, ours, naive, bytes: FRAME_BYTES };
}

/**
 * Frames out of order, against a sorted list. Both go on counting from call to call, as a channel does.
 * @param order of the frames of one call, from 0
 */
function reordering(what: string, order: readonly number[]): Pair {
  const window = new ReorderWindow<number>({ maxBytes: 1e9, maxFrames: 65_536, firstSeq: 1 });
  const held: number[] = [];
  let next = 1;
  let oursFirst = 1;
  let naiveFirst = 1;
  const ours = (): number => {
    let sum = 0;
    for (const index of order) {
      const seq = oursFirst + index;
      if (window.accept(seq, 1, seq, 0) !== 'deliver') continue;
      sum = (sum * 3 + seq) % 1e9;
      for (let waiting = window.next(); waiting !== undefined; waiting = window.next()) sum = (sum * 3 + waiting) % 1e9;
    }
    oursFirst += order.length;
    return sum;
  };
  const naive = (): number => {
    let sum = 0;
    for (const index of order) {
      held.push(naiveFirst + index);
      held.sort((a, b) => a - b);
      for (; held[0] === next; next += 1) {
        held.shift();
        sum = (sum * 3 + next) % 1e9;
      }
    }
    naiveFirst += order.length;
    return sum;
  };
  same('the reorder window', [ours(), ours()], [naive(), naive()]);
  return { group: `put ${order.length} frames in order, ${what}`, ours, naive, bytes: 0 };
}

/** Sizes of the pieces of 1 MiB, against cutting copies. */
function cutting(): Pair {
  const chunker = new Chunker({ chunkBytes: FRAME_BYTES });
  chunker.setLane(65_535, 100);
  const bytes = new Uint8Array(2 ** 20);
  const ours = (): number => {
    let parts = 0;
    for (let at = 0; at < bytes.length; parts += 1) {
      const piece = Math.min(chunker.payloadBytes, bytes.length - at);
      chunker.delivered(piece);
      at += piece;
    }
    return parts;
  };
  const naive = (): number => {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) parts.push(bytes.slice(at, at + FRAME_BYTES));
    return parts.length;
  };
  same('the chunker', ours(), naive());
  return { group: 'cut 1 MiB into frames', ours, naive, bytes: bytes.length };
}

/** To and from shared memory: large as a frame of own peers, and small as a line; where source and destination begin alike modulo 8, and where not. */
const COPIES: readonly (readonly [what: string, sizeBytes: number, offset: number, out: boolean])[] = [245_760, 4096].flatMap((sizeBytes) =>
  [true, false].flatMap((out) =>
    [0, 3].map((offset) => {
      const words = `${sizeBytes} bytes ${out ? 'out of' : 'into'} shared memory, ${offset === 0 ? 'alignment alike' : 'alignment different'}`;
      return [words, sizeBytes, offset, out] as const;
    }),
  ),
);

/** `Buffer.fill` with bytes, which is the C library's copy, against `TypedArray.set`, which V8 makes word by word or byte by byte where memory is shared. */
function copying(what: string, sizeBytes: number, offset: number, out: boolean): Pair {
  const shared = new Uint8Array(new SharedArrayBuffer(sizeBytes + 8));
  const own = new Uint8Array(new ArrayBuffer(sizeBytes + 8));
  const [from, to] = out ? [shared, own] : [own, shared];
  for (let at = 0; at < from.length; at++) from[at] = at * 31;
  const source = from.subarray(offset, offset + sizeBytes);
  const target = to.subarray(0, sizeBytes);
  const filled = Buffer.from(to.buffer, 0, sizeBytes);
  const ours = (): Uint8Array => filled.fill(source);
  const naive = (): Uint8Array => {
    target.set(source);
    return target;
  };
  const copied = (copy: () => Uint8Array): number[] => {
    to.fill(0);
    return [...copy()];
  };
  same('the copy', copied(ours), copied(naive));
  return { group: `copy ${what}`, ours, naive, bytes: sizeBytes };
}
