// `npm run perf -- setup`: what a beginning costs. The first round of 64 bytes on a way just set up (ours: it opens the session, and for webrtc a peer
// connection), and the first round of a second connection, when the session is there.

import { hotlink } from '../contenders/hotlink.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { rounds, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { takeTurns } from '../take-turns.js';
import type { Bench } from './bench.js';
import { chosen } from './burst.js';

const GROUP = 'first round of 64 bytes';
const ONE_ROUND = { messageBytes: 64, rounds: 1, warmUp: 0, lengthFirst: false };
/** A single event, so more of them. */
const TIMES = 3;

export const setup: Bench = async (run) => {
  const { repeat, signal, talk } = run;
  const recorder = new Recorder();
  const { skipped } = await takeTurns(
    [...chosen(run), hotlink({ lane: 'auto' })],
    { repeat: repeat * TIMES, budgetMs: run.budgetMs },
    talk,
    signal,
    async (contender) => {
      await withRoute(contender, LOOPBACK, signal, async (route) => {
        for (const metric of ['first connection', 'second connection']) {
          const { firstUs } = await rounds(route, ONE_ROUND);
          recorder.add(GROUP, contender.name, metric, 'ms', firstUs / 1000);
        }
      });
    },
  );
  return result('setup', { times: repeat * TIMES }, { series: recorder.series, ratios: {}, skipped });
};
