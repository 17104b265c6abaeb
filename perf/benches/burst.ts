// `npm run perf -- burst`: bulk. One link one way and both ways, three links at once, through every contender in turns; and the product's own burst of
// three parties. The ratio of ours to the bare channel, to ssh and to the bare ws chain are the figures to watch; absolute ones belong to the hour.

import { runBurst } from '../../src/bench/burst.js';
import { burstDefaults } from '../../src/bench/burst-options.js';
import { LARGE_MESSAGE_BYTES, runBareStream, SAME_HOST_MTU } from '../bare-pair.js';
import type { Contender } from '../contender.js';
import { dataChannelBridge } from '../contenders/channel-bridge.js';
import { CONTENDERS, OUR_LANES } from '../contenders/index.js';
import { plainTcp } from '../contenders/plain.js';
import { sshForward } from '../contenders/ssh.js';
import { wsChain } from '../contenders/ws-chain.js';
import { roundsInTime } from '../in-time.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { type Carried, exchange, type OpenRoute, rounds, transfer, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { oneRound, type Turns, unable } from '../take-turns.js';
import { type Bench, type BenchRun, scaled } from './bench.js';
import { STRICT_BARE_LARGE, STRICT_FRAMES, STRICT_GROUP, STRICT_OURS, strictBurst } from './strict-burst.js';

const { frameBytes } = burstDefaults;
/** A gigabyte: in shorter runs compiling and the first touch of memory decide. */
const FRAMES = 600;
/** Before it, and in a group of their own: processes that have just started compile what they run, each in each of its threads, and ours have the most of both. */
const FIRST_FRAMES = 300;
/** Over all links and directions, where the figure is no goal. */
const OTHER_FRAMES = 240;
/** What those ten times slower get. */
const SLOW_PART = 0.02;
const TIMEOUT_MS = 300_000;

/** Shared with the goals. */
export const ONE_WAY = 'one link, one way';
const FIRST_BYTES = 'one link, one way, the first bytes of new processes';
const BOTH_WAYS = 'one link, both ways, sum';
const THREE_AT_ONCE = 'three links at once, sum';
const THREE_BOTH_WAYS = 'three links at once, both ways, sum';
export const PARTIES_ONE_BY_ONE = 'three parties, one link after the other, slowest link';
const PARTIES_AT_ONCE = 'three parties, all links at once, slowest link';
const PARTIES_BOTH_WAYS = 'three parties, one link after the other, both ways, slowest link';
const PARTIES_BOTH_AT_ONCE = 'three parties, all links at once and both ways, slowest link';
const RATE = 'MiB/s';
const LANES = ['direct', 'webrtc', 'relay'] as const;
type BurstLane = (typeof LANES)[number];
export const BARE_CHANNEL = 'bare data channel, no sockets';

/** What a goal compares ours with, and the bridge, which is the bare channel with our applications: every round has these. */
const COMPARED: readonly Contender[] = [sshForward, wsChain, dataChannelBridge];

export const burst: Bench = async (run) => {
  const { repeat, budgetMs, scale } = run;
  const recorder = new Recorder();
  const contenders: readonly Contender[] = [...chosen(run), bareChannel];
  const skipped = unable(contenders);
  const beganMs = performance.now();
  await wholeRound(recorder, contenders, skipped, run);
  // The rest of the time goes to what has a goal.
  const compared = contenders.filter((one) => one.ours || one === bareChannel || COMPARED.includes(one));
  for (const more of roundsInTime({ repeat: repeat - 1, budgetMs: budgetMs - (performance.now() - beganMs) })) {
    await goalRound(recorder, compared, more + 1, skipped, run);
  }
  const ratio = (name: string, other: string): Record<string, number> => recorder.ratio(ONE_WAY, RATE, name, other);
  return result(
    'burst',
    {
      frames: FRAMES * scale,
      firstFrames: FIRST_FRAMES * scale,
      strictFrames: STRICT_FRAMES * scale,
      frameBytes,
      mtu: SAME_HOST_MTU,
      repeat,
      scale,
    },
    {
      series: recorder.series,
      ratios: {
        ...recorder.ratio(STRICT_GROUP, RATE, STRICT_OURS, STRICT_BARE_LARGE),
        ...ratio('hotlink, webrtc', BARE_CHANNEL),
        ...ratio('hotlink, direct', sshForward.name),
        ...recorder.ratio(PARTIES_ONE_BY_ONE, RATE, 'hotlink, direct', sshForward.name),
        ...ratio('hotlink, relay', wsChain.name),
      },
      skipped,
    },
  );
};

/** Every contender and every group. */
async function wholeRound(recorder: Recorder, contenders: readonly Contender[], skipped: Turns['skipped'], run: BenchRun): Promise<void> {
  const { scale, signal } = run;
  await goalRound(recorder, contenders, 1, skipped, run);
  const part = (contender: Contender, share: number): number => scaled(OTHER_FRAMES * share * (contender.slow ? SLOW_PART : 1), scale, 2);
  const ways = contenders.filter((contender) => contender !== bareChannel);
  await oneRound(
    ways,
    1,
    skipped,
    (text) => run.talk(`${text}, all at once`),
    signal,
    async (contender) => {
      const both = part(contender, 1 / 2);
      await withRoute(contender, LOOPBACK, signal, async (route) => {
        await warmUp(route);
        note(recorder, BOTH_WAYS, contender, await exchange(route, { link: 'both ways', frameCount: both, frameBytes }));
      });
      const third = part(contender, 1 / 3);
      const oneWay = await threeAtOnce(contender, signal, (route, link) => transfer(route, { link, frameCount: third, frameBytes }));
      note(recorder, THREE_AT_ONCE, contender, oneWay);
      const sixth = part(contender, 1 / 6);
      const bothWays = await threeAtOnce(contender, signal, (route, link) => exchange(route, { link, frameCount: sixth, frameBytes }));
      note(recorder, THREE_BOTH_WAYS, contender, bothWays);
    },
  );
  for (const lane of LANES) {
    await threeParties(recorder, lane, run, [
      [PARTIES_AT_ONCE, FRAMES / 5, false, 'concurrent'],
      [PARTIES_BOTH_WAYS, FRAMES / 5, true, 'sequential'],
      [PARTIES_BOTH_AT_ONCE, FRAMES / 10, true, 'concurrent'],
    ]);
  }
}

/** One link one way, the strict comparison and the slowest link of three. */
async function goalRound(
  recorder: Recorder,
  contenders: readonly Contender[],
  round: number,
  skipped: Turns['skipped'],
  run: BenchRun,
): Promise<void> {
  const { repeat, scale, signal, talk } = run;
  await strictBurst(recorder, round, run);
  talk(`round ${round} of ${repeat}: strict, and the bare channel`);
  await oneRound(contenders, round, skipped, talk, signal, async (contender) => {
    const share = contender.slow ? SLOW_PART : 1;
    const firstFrames = scaled(FIRST_FRAMES * share, scale, 2);
    const frameCount = scaled(FRAMES * share, scale, 2);
    if (contender === bareChannel) return bare(recorder, firstFrames, frameCount, signal);
    await withRoute(contender, LOOPBACK, signal, async (route) => {
      await warmUp(route);
      note(recorder, FIRST_BYTES, contender, await transfer(route, { link: 'first bytes', frameCount: firstFrames, frameBytes }));
      note(recorder, ONE_WAY, contender, await transfer(route, { link: 'one way', frameCount, frameBytes }));
    });
  });
  const frameCount = scaled(FRAMES, scale, 2);
  const peers = contenders.filter((contender) => contender === plainTcp || contender === sshForward);
  await oneRound(
    peers,
    round,
    skipped,
    (text) => talk(`${text}, three new links`),
    signal,
    async (contender) => recorder.add(PARTIES_ONE_BY_ONE, contender.name, RATE, RATE, await slowestOfThree(contender, frameCount, signal)),
  );
  for (const lane of LANES) {
    await threeParties(recorder, lane, run, [[PARTIES_ONE_BY_ONE, FRAMES, false, 'sequential']]);
    talk(`round ${round} of ${repeat}: three parties over ${lane}`);
  }
}

/** What the three parties do: each link's first bytes are those of the run, and nothing was opened or compiled for them before. @returns MiB/s */
async function slowestOfThree(contender: Contender, frameCount: number, signal: AbortSignal): Promise<number> {
  const rates: number[] = [];
  for (const link of ['first', 'second', 'third']) {
    const { bytes, seconds } = await withRoute(contender, LOOPBACK, signal, (route) => transfer(route, { link, frameCount, frameBytes }));
    rates.push(bytes / 2 ** 20 / seconds);
  }
  return Math.min(...rates);
}

function note(recorder: Recorder, group: string, { name }: Contender, { bytes, seconds, cpuMs }: Carried): void {
  recorder.add(group, name, RATE, RATE, bytes / 2 ** 20 / seconds);
  if (cpuMs > 0) recorder.add(group, name, 'processor s/GiB', 's/GiB', cpuMs / 1000 / (bytes / 2 ** 30));
}

export function chosen({ only }: BenchRun): readonly Contender[] {
  return CONTENDERS.filter(({ ours, name }) => only === undefined || ours || name.startsWith('plain TCP') || name.includes(only));
}

/** It is no way for sockets, so it is run apart; here for its turn. */
const bareChannel: Contender = {
  name: BARE_CHANNEL,
  missing: () => undefined,
  open: () => Promise.reject(new Error('a bare channel has no sockets')),
};

async function bare(recorder: Recorder, firstFrames: number, frameCount: number, signal: AbortSignal): Promise<void> {
  const task = { messageBytes: LARGE_MESSAGE_BYTES, firstBytes: firstFrames * frameBytes, totalBytes: frameCount * frameBytes };
  const { bytes, seconds } = await runBareStream(task, { ...LOOPBACK, timeoutMs: TIMEOUT_MS, signal });
  recorder.add(ONE_WAY, BARE_CHANNEL, RATE, RATE, bytes / 2 ** 20 / seconds);
}

/** Some rounds first: sessions open, and the peers' tunnels are up before their clock starts as well. */
export async function warmUp(route: OpenRoute): Promise<void> {
  await rounds(route, { messageBytes: 1000, rounds: 20, warmUp: 0, lengthFirst: false });
}

/** Three ways of one kind, filled at once. @returns their bytes, over the time until the last was done */
async function threeAtOnce(
  contender: Contender,
  signal: AbortSignal,
  fill: (route: OpenRoute, link: string) => Promise<Carried>,
): Promise<Carried> {
  let go: () => void = () => undefined;
  const allOpen = new Promise<void>((resolve) => {
    go = resolve;
  });
  let open = 0;
  const settled = await Promise.allSettled(
    ['a', 'b', 'c'].map((link) =>
      withRoute(contender, LOOPBACK, signal, async (route) => {
        await warmUp(route);
        open += 1;
        if (open === 3) go();
        await allOpen;
        return fill(route, link);
        // One that fails must not leave the others waiting for it.
      }).finally(go),
    ),
  );
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const runs = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return {
    bytes: runs.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: Math.max(...runs.map(({ seconds }) => seconds)),
    cpuMs: runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

type PartiesRun = readonly [group: string, frames: number, bothWays: boolean, phase: 'sequential' | 'concurrent'];

async function threeParties(recorder: Recorder, lane: BurstLane, { scale, signal }: BenchRun, runs: readonly PartiesRun[]): Promise<void> {
  const name = OUR_LANES.find((one) => one.name.endsWith(lane))?.name ?? lane;
  for (const [group, frames, bothWays, phase] of runs) {
    const options = { ...burstDefaults, lane, strict: lane !== 'relay', sha256: false, bothWays };
    const found = await runBurst({ ...options, frameCount: scaled(frames, scale, 2), phases: [phase] }, () => undefined, signal);
    if (!found.ok) throw new Error(found.failures.join('\n'));
    recorder.add(group, name, RATE, RATE, Math.min(...found.links.map((link) => link.mibPerSecond)));
  }
}
