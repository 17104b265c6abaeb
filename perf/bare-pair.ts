// Two processes with one node-datachannel connection between them and nothing else, no sockets either: what the stack itself can do here.
import type { Percentiles } from '../src/bench/percentiles.js';
import type { BareEndArguments } from './bare-end.js';
import { EndProcess } from './end-process.js';
import type { Places } from './place.js';

/** As large as a data channel of two such ends takes. */
export const LARGE_MESSAGE_BYTES = 256 * 1024;
/** Packets on one machine (the product's `auto`), the largest the stack reads; and on a path that nobody knows. */
export const SAME_HOST_MTU = 4096;
const UNKNOWN_PATH_MTU = 1280;

type Task = BareEndArguments['task'];

export interface BarePairOptions extends Places {
  mtu?: number;
  sctp?: BareEndArguments['sctp'];
  timeoutMs: number;
  signal: AbortSignal;
  /** Told when the first message of a stream is sent, and again when the last byte is there. */
  onMoment?: (moment: 'started' | 'done', pids: { near: number; far: number }) => void;
}

export interface BareStreamResult {
  bytes: number;
  seconds: number;
}

export type BareRoundsResult = Percentiles & { seconds: number; openMs: number };

/** As much as is sent in a time, or so many bytes, behind some that do not count, in one direction; as fast as it goes, or at a pace. */
export function runBareStream(
  task: { messageBytes: number; firstBytes?: number; totalBytes?: number; forMs?: number; bytesPerSecond?: number },
  options: BarePairOptions,
): Promise<BareStreamResult> {
  return run<BareStreamResult>({ kind: 'stream', ...task }, options);
}

/** Half-duplex rounds; a message larger than one of the channel goes in several. */
export function runBareRounds(
  task: { messageBytes: number; rounds: number; warmUp: number },
  options: BarePairOptions,
): Promise<BareRoundsResult> {
  return run<BareRoundsResult>({ kind: 'rounds', ...task }, options);
}

/** @throws Error when an end leaves early or time is up (a channel hangs silently at an MTU above about 4160) */
async function run<R>(task: Task, { near, far, mtu, sctp, timeoutMs, signal, onMoment }: BarePairOptions): Promise<R> {
  signal.throwIfAborted();
  const common = { task, mtu: mtu ?? (near.loopback ? SAME_HOST_MTU : UNKNOWN_PATH_MTU), ...(sctp === undefined ? {} : { sctp }) };
  const start = (role: 'near' | 'far'): EndProcess => {
    const place = role === 'near' ? near : far;
    const args: BareEndArguments = { ...common, role, address: place.address };
    return new EndProcess(`bare channel, ${role} end`, './bare-end.js', import.meta.url, place, args);
  };
  const ends = [start('near'), start('far')] as const;
  const stop = (): Promise<unknown> => Promise.all(ends.map((end) => end.stop('SIGKILL')));
  const stopAll = (): void => void stop();
  signal.addEventListener('abort', stopAll);
  try {
    // The far end knows when the last byte came, the near one how long its rounds took.
    const result = ends[task.kind === 'stream' ? 1 : 0].next<{ kind: 'result'; result: R }>('result', timeoutMs);
    const pids = { near: ends[0].pid, far: ends[1].pid };
    ends[0].listen((message) => {
      if (message.kind === 'started') onMoment?.('started', pids);
      ends[1].tell(message);
    });
    ends[1].listen((message) => ends[0].tell(message));
    const { result: found } = await result;
    onMoment?.('done', pids);
    return found;
  } finally {
    signal.removeEventListener('abort', stopAll);
    await stop();
  }
}
