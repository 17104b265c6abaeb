// `npm run perf -- pingpong`: latency of half-duplex rounds, from 64 bytes to 1 MiB, with the tail. Programs that compile themselves while they run need
// some thousand rounds before they are as fast as they will be, so those are a table of their own, and what is counted otherwise comes behind them.
// Everybody takes part once with all sizes; the rest of the time goes to what a goal compares, side by side.

import type { Percentiles } from '../../src/bench/percentiles.js';
import { runBareRounds } from '../bare-pair.js';
import type { Contender } from '../contender.js';
import { dataChannelBridge } from '../contenders/channel-bridge.js';
import { hotlink } from '../contenders/hotlink.js';
import { sshForward } from '../contenders/ssh.js';
import { roundsInTime } from '../in-time.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { rounds, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { oneRound, unable } from '../take-turns.js';
import { type Bench, scaled } from './bench.js';
import { chosen } from './burst.js';

/** Rounds by message size: enough for the tail where they are short. The warm-up is not scaled: fewer rounds of it would be other figures, not fewer. */
const SIZES: readonly (readonly [bytes: number, words: string, rounds: number, warmUp: number])[] = [
  [64, '64 B', 5000, 5000],
  [1024, '1 KiB', 5000, 3000],
  [10_240, '10 KiB', 3000, 2000],
  [65_536, '64 KiB', 1000, 500],
  [1_048_576, '1 MiB', 100, 30],
];
/** The first rounds of all, of processes that have just started. */
const COLD = '64 B, the first 1,000 rounds';
const COLD_SHAPE = { messageBytes: 64, rounds: 1000, warmUp: 0, lengthFirst: false };
const SLOW_PART = 0.1;
const BARE = 'bare data channel, no sockets';
const DIRECT = 'hotlink, direct';
const WEBRTC = 'hotlink, webrtc';
/** What small frames beside the data channel are worth. */
const CHANNEL_ONLY = hotlink({ lane: 'webrtc', name: `${WEBRTC}, data channel only`, options: { datagrams: 'off' } });
const METRICS: readonly (readonly [metric: string, key: keyof Percentiles])[] = [
  ['p50', 'p50Us'],
  ['p90', 'p90Us'],
  ['p99', 'p99Us'],
  ['p99.9', 'p999Us'],
];

export const pingpong: Bench = async (run) => {
  const { repeat, budgetMs, scale, signal, talk } = run;
  const recorder = new Recorder();
  const bare: Contender = { name: BARE, missing: () => undefined, open: () => Promise.reject(new Error('a bare channel has no sockets')) };
  const note = (size: string, name: string, found: Percentiles): void => {
    for (const [metric, key] of METRICS) recorder.add(size, name, metric, 'µs', found[key]);
  };
  const others = chosen(run);
  const variants = others.some(({ name }) => name === WEBRTC) ? [CHANNEL_ONLY] : [];
  const contenders = [...others, ...variants, bare];
  const compared = contenders.filter((one) =>
    [DIRECT, sshForward.name, WEBRTC, BARE, CHANNEL_ONLY.name, dataChannelBridge.name].includes(one.name),
  );
  const take = async (contender: Contender, sizes: typeof SIZES): Promise<void> => {
    const part = contender.slow ? SLOW_PART : 1;
    const shapeOf = (messageBytes: number, count: number, warmUp: number) => {
      return { messageBytes, rounds: scaled(count * part, scale, 10), warmUp: Math.ceil(warmUp * part), lengthFirst: false };
    };
    const cold = { ...COLD_SHAPE, rounds: COLD_SHAPE.rounds * part };
    if (contender === bare) {
      const options = { ...LOOPBACK, timeoutMs: 120_000, signal };
      note(COLD, BARE, await runBareRounds(cold, options));
      for (const [bytes, words, ...counts] of sizes) note(words, BARE, await runBareRounds(shapeOf(bytes, ...counts), options));
      return;
    }
    await withRoute(contender, LOOPBACK, signal, async (route) => {
      note(COLD, contender.name, await rounds(route, cold));
      for (const [bytes, words, ...counts] of sizes) note(words, contender.name, await rounds(route, shapeOf(bytes, ...counts)));
    });
  };
  const skipped = unable(contenders);
  const beganMs = performance.now();
  await oneRound(contenders, 1, skipped, talk, signal, (contender) => take(contender, SIZES));
  for (const more of roundsInTime({ repeat: repeat - 1, budgetMs: budgetMs - (performance.now() - beganMs) })) {
    await oneRound(compared, more + 1, skipped, talk, signal, (contender) => take(contender, SIZES.slice(0, 1)));
  }
  return result(
    'pingpong',
    { sizes: SIZES.map(([bytes]) => bytes), repeat, scale },
    {
      series: recorder.series,
      ratios: {
        ...recorder.ratio('64 B', 'p50', WEBRTC, BARE),
        ...recorder.ratio('64 B', 'p50', WEBRTC, CHANNEL_ONLY.name),
        // The same channel with the same applications at its ends.
        ...recorder.ratio('64 B', 'p50', WEBRTC, dataChannelBridge.name),
        ...recorder.ratio('64 B', 'p50', DIRECT, sshForward.name),
      },
      skipped,
    },
  );
};
