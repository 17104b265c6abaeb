// `npm run perf -- nagle`: an application that writes an 8-byte length and a body separately, without TCP_NODELAY, as Sequre does. Its second write waits
// for an acknowledgement that Linux puts off by 40 ms, at each of four connections' ends; we send ours at once where koffi is installed. Whoever waits is
// measured once and briefly, since what is measured then is two of the kernel's timers, 88 ms whatever one does; the others in rounds enough to be warm.

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
/** A look at who waits. Two stalls a connection show us that an application does, so the first rounds do not count. */
const LOOK = { rounds: 5, warmUp: 5 };
/** A round that takes longer waits for an acknowledgement. */
const WAITS_US = 20_000;
const ROUNDS = 2000;
const WARM_UP = 2000;
const GROUP = '8 bytes and 1 KiB in two writes, no TCP_NODELAY';

export const nagle: Bench = async ({ repeat, scale, signal, talk }) => {
  const recorder = new Recorder();
  const contenders = [
    plainTcp,
    ...(['direct', 'webrtc', 'relay'] as const).map((lane) => hotlink({ lane })),
    hotlink({ lane: 'direct', options: { quickAck: 'off' }, name: 'hotlink, direct, quickack off' }),
    hotlink({ lane: 'webrtc', options: { quickAck: 'off' }, name: 'hotlink, webrtc, quickack off' }),
    sshForward,
    tlsProxy,
  ];
  const waiting = new Set<string>();
  const shape = { messageBytes: BODY_BYTES, lengthFirst: true };
  const { skipped } = await takeTurns(contenders, repeat, talk, signal, async (contender) => {
    if (waiting.has(contender.name)) return;
    const asked = await withRoute(contender, LOOPBACK, signal, async (route) => {
      const look = await rounds(route, { ...shape, ...LOOK }, false);
      if (look.p50Us < WAITS_US) return await rounds(route, { ...shape, rounds: scaled(ROUNDS, scale, 100), warmUp: WARM_UP }, false);
      waiting.add(contender.name);
      return look;
    });
    recorder.add(GROUP, contender.name, 'p50', 'ms', asked.p50Us / 1000);
    recorder.add(GROUP, contender.name, 'p90', 'ms', asked.p90Us / 1000);
    recorder.add(GROUP, contender.name, 'p99', 'ms', asked.p99Us / 1000);
  });
  return result(
    'nagle',
    { bodyBytes: BODY_BYTES, rounds: scaled(ROUNDS, scale, 100), warmUp: WARM_UP, repeat },
    {
      series: recorder.series,
      ratios: {},
      skipped,
    },
  );
};
