// `npm run perf -- wan`: long and lossy links, emulated between two network namespaces (wan-link.ts). Each way carries for a fixed time; the figure is what
// arrived, in MiB/s of payload. Needs root, a C compiler and /dev/net/tun.

import { LARGE_MESSAGE_BYTES, runBareStream } from '../bare-pair.js';
import type { Contender } from '../contender.js';
import { hotlink } from '../contenders/hotlink.js';
import { plainTcp } from '../contenders/plain.js';
import { sshForward } from '../contenders/ssh.js';
import { type Places, placesOf } from '../place.js';
import { result } from '../results.js';
import { rounds, transferFor, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { type Turns, takeTurns } from '../take-turns.js';
import { WanLink, type WanLinkOptions, wanLinkUnavailable } from '../wan-link.js';
import { type Bench, scaled } from './bench.js';

interface Profile {
  rateMbit: number;
  rttMs: number;
  lossPercents: readonly number[];
  /** False: nothing is to be reached there. */
  hasGoal?: false;
}

const LOSSES = [0, 0.01, 0.1, 1] as const;
const PROFILES: readonly Profile[] = [
  { rateMbit: 352, rttMs: 40, lossPercents: LOSSES },
  { rateMbit: 300, rttMs: 20, lossPercents: LOSSES },
  { rateMbit: 1000, rttMs: 50, lossPercents: LOSSES },
  { rateMbit: 20, rttMs: 20, lossPercents: [0] },
  // Slow and long: what is too much for their queues takes seconds to repair.
  { rateMbit: 100, rttMs: 40, lossPercents: [0], hasGoal: false },
  { rateMbit: 20, rttMs: 100, lossPercents: [0], hasGoal: false },
  { rateMbit: 10, rttMs: 80, lossPercents: [0], hasGoal: false },
];
/** Long enough for slow start to be over on the longest link. */
const SECONDS = 8;
/** Of links without a goal of their own, when all of them are measured. */
const SHORT_SECONDS = 5;
/** Network namespaces, processes, sessions: about this much before and after each row. */
const AROUND_ROW_MS = 2500;
/** As before striped lanes, and as toward an upstream peer. */
const WEBRTC_ONE = 'hotlink, webrtc, one connection';
const WEBRTC_HSTCP = 'hotlink, webrtc, one connection, hstcp';
const BARE_DEFAULTS = 'bare data channel, stack defaults';
const BARE_LARGE = 'bare data channel, 16 MiB buffers';
const LARGE_BUFFERS = { sendBufferSize: 16 * 2 ** 20, recvBufferSize: 16 * 2 ** 20, maxChunksOnQueue: 65_536 };
const RATE = 'MiB/s';
/** Of the second half: what comes after the beginning. */
const LATER = 'later';

export const wan: Bench = async ({ repeat, budgetMs, scale, only, signal, talk }) => {
  const why = wanLinkUnavailable();
  if (why !== undefined) return result('wan', {}, { series: [], ratios: {}, skipped: { 'every link': why } });
  const recorder = new Recorder();
  const ratios: Record<string, number> = {};
  const skipped: Record<string, string> = {};
  const endMs = performance.now() + budgetMs;
  const links = linksInOrder(only);
  for (const [index, { profile, lossPercent, group, hasGoal }] of links.entries()) {
    const seconds = scaled(hasGoal || only !== undefined ? SECONDS : SHORT_SECONDS, scale, 2);
    const contenders = only === undefined ? (hasGoal ? WITH_SSH : FEWEST) : EVERYONE;
    const leftMs = endMs - performance.now();
    if (index > 0 && leftMs < contenders.length * (seconds * 1000 + AROUND_ROW_MS)) {
      skipped[group] = `no time was left for it: --minutes, or --only "${group}"`;
      continue;
    }
    const times = { repeat, budgetMs: leftMs / (links.length - index), seconds, signal, talk };
    const turns = await oneLink(recorder, group, contenders, linkOptions(profile, lossPercent), times);
    for (const [name, reason] of Object.entries(turns.skipped)) skipped[`${name} at ${group}`] = reason;
    Object.assign(ratios, linkRatios(recorder, group, profile));
  }
  const parameters = { seconds: SECONDS * scale, shortSeconds: SHORT_SECONDS * scale, repeat, scale, profiles: PROFILES };
  return result('wan', parameters, { series: recorder.series, ratios, skipped });
};

interface Link {
  profile: Profile;
  lossPercent: number;
  group: string;
  /** Something is to be reached there. */
  hasGoal: boolean;
}

/** Those with a goal first: what has no time left in the end is the others. */
function linksInOrder(only: string | undefined): Link[] {
  const all = PROFILES.flatMap((profile) =>
    profile.lossPercents.map((lossPercent) => ({
      profile,
      lossPercent,
      group: `${profile.rateMbit} Mbit/s, ${profile.rttMs} ms, ${lossPercent} % loss`,
      hasGoal: profile.hasGoal !== false && (lossPercent === 0 || (profile.rateMbit === 1000 && lossPercent === 0.1)),
    })),
  );
  return all.filter(({ group }) => only === undefined || group.includes(only)).sort((a, b) => Number(b.hasGoal) - Number(a.hasGoal));
}

/** The queue at the slow end holds one round trip's worth, as a router's would. */
function linkOptions({ rateMbit, rttMs }: Profile, lossPercent: number): WanLinkOptions {
  const queueKib = Math.max(64, Math.ceil((rateMbit * 1e6 * rttMs) / 1000 / 8 / 1024));
  return { rateMbit, delayMs: rttMs / 2, lossPercent, queueKib };
}

function bare(name: string): Contender {
  return { name, missing: () => undefined, open: () => Promise.reject(new Error('it has no sockets')) };
}

/** Where all links are measured; a single one (`--only`) shows all variants of ours and of the bare channel. */
const FEWEST: readonly Contender[] = [plainTcp, hotlink({ lane: 'direct' }), hotlink({ lane: 'webrtc' }), bare(BARE_DEFAULTS)];
const WITH_SSH: readonly Contender[] = [...FEWEST, sshForward];
const EVERYONE: readonly Contender[] = [
  ...WITH_SSH,
  hotlink({ lane: 'auto' }),
  hotlink({ lane: 'webrtc', options: { stripes: 1 }, name: WEBRTC_ONE }),
  hotlink({ lane: 'webrtc', options: { stripes: 1, sctpCongestion: 'hstcp' }, name: WEBRTC_HSTCP }),
  bare(BARE_LARGE),
];

interface Times {
  repeat: number;
  budgetMs: number;
  seconds: number;
  signal: AbortSignal;
  talk: (text: string) => void;
}

function oneLink(
  recorder: Recorder,
  group: string,
  contenders: readonly Contender[],
  link: WanLinkOptions,
  { repeat, budgetMs, seconds, signal, talk }: Times,
): Promise<Turns> {
  return takeTurns(
    contenders,
    { repeat, budgetMs },
    (text) => talk(`${group}: ${text}`),
    signal,
    async (contender) => {
      // A link of one's own: what the one before left in the queues is gone, and the same seed loses the same packets.
      await using wire = await WanLink.open(link);
      const places = placesOf(wire);
      const { rate, later } = await measure(contender, places, seconds, signal);
      recorder.add(group, contender.name, RATE, RATE, rate);
      if (later !== undefined) recorder.add(group, contender.name, LATER, RATE, later);
    },
  );
}

/** MiB/s from the first byte on, and in the second half of the time. */
async function measure(
  contender: Contender,
  places: Places,
  seconds: number,
  signal: AbortSignal,
): Promise<{ rate: number; later?: number }> {
  if (contender.name === BARE_DEFAULTS || contender.name === BARE_LARGE) {
    const sctp = contender.name === BARE_LARGE ? { sctp: LARGE_BUFFERS } : {};
    const options = { ...places, ...sctp, timeoutMs: (seconds + 20) * 1000, signal };
    const found = await runBareStream({ messageBytes: LARGE_MESSAGE_BYTES / 4, forMs: seconds * 1000 }, options);
    return { rate: found.bytes / 2 ** 20 / found.seconds };
  }
  return withRoute(contender, places, signal, async (route) => {
    await rounds(route, { messageBytes: 1000, rounds: 3, warmUp: 0, lengthFirst: false });
    const found = await transferFor(route, seconds);
    return { rate: found.bytes / 2 ** 20 / found.seconds, later: found.laterMibPerSecond };
  });
}

function linkRatios(recorder: Recorder, group: string, { rateMbit }: Profile): Record<string, number> {
  const best = Math.max(...['hotlink, direct', 'hotlink, webrtc', 'hotlink, auto'].map((name) => recorder.median(group, name, RATE) || 0));
  const linkMib = (rateMbit * 1e6) / 8 / 2 ** 20;
  const round = (value: number): number => Math.round(value * 100) / 100;
  return {
    [`${group}: our best lane / plain TCP`]: round(best / recorder.median(group, plainTcp.name, RATE)),
    [`${group}: hotlink, webrtc / the link`]: round(recorder.median(group, 'hotlink, webrtc', RATE) / linkMib),
    [`${group}: hotlink, webrtc / the link, second half`]: round(recorder.median(group, 'hotlink, webrtc', LATER) / linkMib),
    ...recorder.ratio(group, RATE, 'hotlink, webrtc', BARE_DEFAULTS),
    ...recorder.ratio(group, RATE, 'hotlink, webrtc', WEBRTC_ONE),
    ...recorder.ratio(group, RATE, WEBRTC_HSTCP, BARE_DEFAULTS),
  };
}
