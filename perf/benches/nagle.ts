// `npm run perf -- nagle`: an application that writes an 8-byte length and a body separately, without TCP_NODELAY, as Sequre does. Its second write waits
// for an acknowledgement that Linux puts off by 40 ms, at each of four connections' ends; we send ours at once where koffi is installed.

import { hotlink } from '../contenders/hotlink.js';
import { plainTcp } from '../contenders/plain.js';
import { sshForward } from '../contenders/ssh.js';
import { tlsProxy } from '../contenders/tls-proxy.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { rounds, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { takeTurns } from '../take-turns.js';
import { type Bench, scaled } from './bench.js';

const BODY_BYTES = 1024;
/** 88 ms each where nothing helps, and steady: a few are enough. The kernel acknowledges the first 16 segments of a connection at once. */
const SLOW_ROUNDS = 20;
const SLOW_WARM_UP = 20;
/** A round that takes less is helped, and gets as many as a median of fractions of a millisecond needs, with the code compiled. */
const HELPED_US = 10_000;
const ROUNDS = 2000;
const WARM_UP = 500;
const GROUP = '8 bytes and 1 KiB in two writes, no TCP_NODELAY';

export const nagle: Bench = async ({ repeat, budgetMs, scale, signal, talk }) => {
  const recorder = new Recorder();
  const contenders = [
    plainTcp,
    ...(['direct', 'webrtc', 'relay'] as const).map((lane) => hotlink({ lane })),
    hotlink({ lane: 'direct', options: { quickAck: 'off' }, name: 'hotlink, direct, quickack off' }),
    hotlink({ lane: 'webrtc', options: { quickAck: 'off' }, name: 'hotlink, webrtc, quickack off' }),
    sshForward,
    tlsProxy,
  ];
  const { skipped } = await takeTurns(contenders, { repeat, budgetMs }, talk, signal, async (contender) => {
    const shape = { messageBytes: BODY_BYTES, rounds: scaled(SLOW_ROUNDS, scale, 10), warmUp: SLOW_WARM_UP, lengthFirst: true };
    const asked = await withRoute(contender, LOOPBACK, signal, async (route) => {
      const look = await rounds(route, shape, false);
      return look.p50Us > HELPED_US ? look : rounds(route, { ...shape, rounds: scaled(ROUNDS, scale, 100), warmUp: WARM_UP }, false);
    });
    recorder.add(GROUP, contender.name, 'p50', 'ms', asked.p50Us / 1000);
    recorder.add(GROUP, contender.name, 'p90', 'ms', asked.p90Us / 1000);
  });
  return result(
    'nagle',
    { bodyBytes: BODY_BYTES, rounds: ROUNDS, warmUp: WARM_UP, slowRounds: SLOW_ROUNDS, repeat, scale },
    {
      series: recorder.series,
      ratios: {},
      skipped,
    },
  );
};
