// `npm run perf -- keyswap`: the heavy phase of a Syqure run. Five polynomials of 1,572,924 bytes one way, then five back, 142 times: strictly
// half-duplex, so a turn-around counts as much as the rate (workloads.md 3.4).

import { runBareRounds } from '../bare-pair.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { rounds, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { takeTurns } from '../take-turns.js';
import { type Bench, scaled } from './bench.js';
import { chosen, warmUp } from './burst.js';

const POLYNOMIAL_BYTES = 1_572_924;
const POLYNOMIALS = 5;
const KEYS = 142;
/** The slow ones run a few; the figure is for all. */
const SLOW_KEYS = 5;
const GROUP = '142 keys, each 7.5 MiB there and 7.5 MiB back';
const BARE = 'bare data channel, no sockets';

export const keyswap: Bench = async (run) => {
  const { repeat, scale, signal, talk } = run;
  const recorder = new Recorder();
  const bare = { name: BARE, missing: () => undefined, open: () => Promise.reject(new Error('a bare channel has no sockets')) };
  const messageBytes = POLYNOMIALS * POLYNOMIAL_BYTES;
  const { skipped } = await takeTurns([...chosen(run), bare], run, talk, signal, async (contender) => {
    const keys = scaled(contender.slow ? SLOW_KEYS : KEYS, scale);
    let seconds: number;
    if (contender === bare) {
      const task = { messageBytes, rounds: keys, warmUp: 1 };
      ({ seconds } = await runBareRounds(task, { ...LOOPBACK, timeoutMs: 300_000, signal }));
    } else {
      const asked = await withRoute(contender, LOOPBACK, signal, async (route) => {
        await warmUp(route);
        return rounds(route, { messageBytes, rounds: keys, warmUp: 1, lengthFirst: false });
      });
      seconds = (asked.endedMs - asked.startedMs) / 1000;
    }
    recorder.add(GROUP, contender.name, 'seconds for all', 's', (seconds / keys) * KEYS);
  });
  return result(
    'keyswap',
    { messageBytes, keys: KEYS, measuredKeys: scaled(KEYS, scale), repeat, scale },
    { series: recorder.series, ratios: {}, skipped },
  );
};
