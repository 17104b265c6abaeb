// `npm run perf -- pingpong`: latency of half-duplex rounds, from 64 bytes to 1 MiB, with the tail.

import type { Percentiles } from '../../src/bench/percentiles.js';
import { runBareRounds } from '../bare-pair.js';
import { sshForward } from '../contenders/ssh.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { rounds, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { takeTurns } from '../take-turns.js';
import { type Bench, scaled } from './bench.js';
import { chosen } from './burst.js';

/** Rounds by message size: enough for the tail where they are short. */
const SIZES: readonly (readonly [bytes: number, words: string, rounds: number])[] = [
  [64, '64 B', 5000],
  [1024, '1 KiB', 5000],
  [10_240, '10 KiB', 3000],
  [65_536, '64 KiB', 1000],
  [1_048_576, '1 MiB', 100],
];
const SLOW_PART = 0.1;
const BARE = 'bare data channel, no sockets';
const METRICS: readonly (readonly [metric: string, key: keyof Percentiles])[] = [
  ['p50', 'p50Us'],
  ['p90', 'p90Us'],
  ['p99', 'p99Us'],
  ['p99.9', 'p999Us'],
];

export const pingpong: Bench = async (run) => {
  const { repeat, scale, signal, talk } = run;
  const recorder = new Recorder();
  const bare = { name: BARE, missing: () => undefined, open: () => Promise.reject(new Error('a bare channel has no sockets')) };
  const note = (size: string, name: string, found: Percentiles): void => {
    for (const [metric, key] of METRICS) recorder.add(size, name, metric, 'µs', found[key]);
  };
  const { skipped } = await takeTurns([...chosen(run), bare], run, talk, signal, async (contender) => {
    const shapeOf = (messageBytes: number, count: number) => {
      const wanted = scaled(count * (contender.slow ? SLOW_PART : 1), scale, 10);
      return { messageBytes, rounds: wanted, warmUp: Math.min(500, Math.ceil(wanted / 5)), lengthFirst: false };
    };
    if (contender === bare) {
      for (const [bytes, words, count] of SIZES) {
        note(words, BARE, await runBareRounds(shapeOf(bytes, count), { ...LOOPBACK, timeoutMs: 120_000, signal }));
      }
      return;
    }
    await withRoute(contender, LOOPBACK, signal, async (route) => {
      for (const [bytes, words, count] of SIZES) note(words, contender.name, await rounds(route, shapeOf(bytes, count)));
    });
  });
  return result(
    'pingpong',
    { sizes: SIZES.map(([bytes]) => bytes), repeat, scale },
    {
      series: recorder.series,
      ratios: {
        ...recorder.ratio('64 B', 'p50', 'hotlink, webrtc', BARE),
        ...recorder.ratio('64 B', 'p50', 'hotlink, direct', sshForward.name),
      },
      skipped,
    },
  );
};
