// What was to be reached, line by line, and what the newest result that knows says of it. Measures nothing: a line without a result is not measured.
import { table } from '../src/bench/text-table.js';
import { BARE_CHANNEL, ONE_WAY, PARTIES_ONE_BY_ONE } from './benches/burst.js';
import { STRICT_BARE_LARGE, STRICT_BARE_SMALL, STRICT_GROUP, STRICT_OURS } from './benches/strict-burst.js';
import { ADDED, END_WORDS, SHARE } from './benches/threads.js';
import type { PerfResult } from './results.js';
import { number } from './tables.js';

/** A figure that a result may hold; undefined when it does not. */
type Figure = (result: PerfResult) => number | undefined;

export interface Goal {
  what: string;
  /** Whose results know it, and the command that measures it. */
  bench: string;
  command: string;
  bound: { atLeast: number } | { atMost: number };
  /** Of figure and bound; `×` for ratios. */
  unit: string;
  figure: Figure;
}

export interface Verdict extends Pick<Goal, 'what' | 'command' | 'bound' | 'unit'> {
  state: 'met' | 'not met' | 'not measured';
  figure?: number;
  /** Of the result: when, and of which source. */
  at?: string;
  commit?: string;
  /** Set when less was carried than a figure needs. */
  scale?: number;
}

const WAN_LINKS = ['352 Mbit/s, 40 ms', '300 Mbit/s, 20 ms', '1000 Mbit/s, 50 ms', '20 Mbit/s, 20 ms'];
const SSH = 'ssh -L, aes128-gcm';
const KEYSWAP = '142 keys, each 7.5 MiB there and 7.5 MiB back';
const NAGLE = '8 bytes and 1 KiB in two writes, no TCP_NODELAY';

/** The table of the project's issue on speed, in its order; a line of several parts is several here. */
export const GOALS: readonly Goal[] = [
  goal(
    'strict WebRTC burst, slowest link of three',
    'burst',
    { atLeast: 180 },
    'MiB/s',
    median(PARTIES_ONE_BY_ONE, 'hotlink, webrtc', 'MiB/s'),
  ),
  goal('strict WebRTC burst / the better bare pair, same MTU', 'burst', { atLeast: 0.85 }, '×', (result) => {
    const bare = [STRICT_BARE_LARGE, STRICT_BARE_SMALL].map((name) => median(STRICT_GROUP, name, 'MiB/s')(result) ?? 0);
    return divided(median(STRICT_GROUP, STRICT_OURS, 'MiB/s')(result), Math.max(...bare));
  }),
  goal(
    'direct burst, slowest link of three / ssh -L, slowest of three',
    'burst',
    { atLeast: 0.8 },
    '×',
    ratio(PARTIES_ONE_BY_ONE, 'MiB/s', 'hotlink, direct', SSH),
  ),
  goal('direct burst, slowest link of three / ssh -L, one link warmed up', 'burst', { atLeast: 0.8 }, '×', (result) =>
    divided(median(PARTIES_ONE_BY_ONE, 'hotlink, direct', 'MiB/s')(result), median(ONE_WAY, SSH, 'MiB/s')(result)),
  ),
  goal(
    'direct burst, one link warmed up as ssh is / ssh -L',
    'burst',
    { atLeast: 0.8 },
    '×',
    ratio(ONE_WAY, 'MiB/s', 'hotlink, direct', SSH),
  ),
  goal(
    'relay burst / bare ws chain',
    'burst',
    { atLeast: 0.6 },
    '×',
    ratio(ONE_WAY, 'MiB/s', 'hotlink, relay', 'bare ws chain, client–server–client'),
  ),
  goal('keyswap over WebRTC', 'keyswap', { atMost: 14 }, 's', median(KEYSWAP, 'hotlink, webrtc', 'seconds for all')),
  goal('keyswap over direct', 'keyswap', { atMost: 5 }, 's', median(KEYSWAP, 'hotlink, direct', 'seconds for all')),
  // Nobody's applications reach the bare channel; through the naive bridge over one they do, as through every other contender.
  ...[
    ['bare data channel', BARE_CHANNEL],
    ['bare data channel, bridged to the same applications', 'node-datachannel bridge, naive'],
  ].map(([words, name]) =>
    goal(
      `pingpong 64 B over WebRTC, p50 / ${words}`,
      'pingpong',
      { atMost: 1.4 },
      '×',
      ratio('64 B', 'p50', 'hotlink, webrtc', name as string),
    ),
  ),
  goal('pingpong 64 B over direct, p50 / ssh -L', 'pingpong', { atMost: 1.5 }, '×', ratio('64 B', 'p50', 'hotlink, direct', SSH)),
  goal('pingpong 64 B over WebRTC, p99', 'pingpong', { atMost: 600 }, 'µs', median('64 B', 'hotlink, webrtc', 'p99')),
  goal('pingpong 64 B over direct, p99', 'pingpong', { atMost: 600 }, 'µs', median('64 B', 'hotlink, direct', 'p99')),
  goal('nagle 1 KiB over WebRTC, p50', 'nagle', { atMost: 0.5 }, 'ms', median(NAGLE, 'hotlink, webrtc', 'p50')),
  goal('nagle 1 KiB over direct, p50', 'nagle', { atMost: 0.5 }, 'ms', median(NAGLE, 'hotlink, direct', 'p50')),
  ...WAN_LINKS.flatMap((link) => {
    const group = `${link}, 0 % loss`;
    return [
      wanGoal(group, 'our best lane / plain TCP', 0.9, ratioNamed(`${group}: our best lane / plain TCP`)),
      wanGoal(group, 'WebRTC / the link', 0.75, ratioNamed(`${group}: hotlink, webrtc / the link`)),
    ];
  }),
  wanGoal(
    '1000 Mbit/s, 50 ms, 0.1 % loss',
    "WebRTC / node-datachannel's defaults",
    12,
    ratio('1000 Mbit/s, 50 ms, 0.1 % loss', 'MiB/s', 'hotlink, webrtc', 'bare data channel, stack defaults'),
  ),
  ...['direct', 'webrtc'].flatMap((lane) => {
    const name = `hotlink, ${lane}`;
    return [
      goal(`64 busy channels / one, ${lane}`, 'channels', { atLeast: 0.85 }, '×', (result) =>
        divided(median('64 at once', name, 'MiB/s')(result), median('1 at once', name, 'MiB/s')(result)),
      ),
      goal(`256 idle channels, each, ${lane}`, 'channels', { atMost: 2 }, 'MiB', median('256 at once', name, 'idle MiB a channel')),
      // "No busy CPU" in figures: a twentieth of a core for each of the two daemons.
      goal(
        `256 idle channels, both daemons, ${lane}`,
        'channels',
        { atMost: 10 },
        '% of a core',
        median('256 at once', name, 'idle, % of a core'),
      ),
    ];
  }),
  ...Object.values(END_WORDS).map((end) =>
    goal(
      `our JavaScript threads at full WebRTC rate, ${ADDED}, ${end}`,
      'threads',
      { atMost: 25 },
      '% of the process',
      median(SHARE, end, ADDED),
    ),
  ),
];

/** Every goal against the newest of these results that holds its figure. */
export function verdicts(results: readonly PerfResult[], goals: readonly Goal[] = GOALS): Verdict[] {
  const newestFirst = [...results].sort((a, b) => (a.at < b.at ? 1 : -1));
  return goals.map(({ figure, bench, ...kept }) => {
    const { what, command, bound, unit } = kept;
    for (const result of newestFirst) {
      const value = result.bench === bench ? figure(result) : undefined;
      if (value === undefined || !Number.isFinite(value)) continue;
      const met = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
      const { scale } = result.parameters;
      return {
        ...{ what, command, bound, unit, figure: value, at: result.at, state: met ? 'met' : 'not met' },
        ...(result.commit === undefined ? {} : { commit: result.commit }),
        ...(typeof scale === 'number' && scale < 1 ? { scale } : {}),
      };
    }
    return { what, command, bound, unit, state: 'not measured' };
  });
}

/** A line for each goal, for a terminal. */
export function goalsText(found: readonly Verdict[]): string {
  const rows = found.map(({ what, bound, unit, figure, state, command, ...from }) => [
    what,
    boundWords(bound, unit),
    figure === undefined ? '' : `${number(figure)} ${unit}`,
    state,
    figure === undefined ? command : provenanceWords(from),
  ]);
  const met = found.filter(({ state }) => state === 'met').length;
  const unknown = found.filter(({ state }) => state === 'not measured').length;
  return `${table(['what', 'goal', 'newest', '', 'measured, or how to'], rows, [1, 2])}\n\n${met} of ${found.length} met, ${unknown} not measured`;
}

export function boundWords(bound: Goal['bound'], unit: string): string {
  return 'atLeast' in bound ? `≥ ${bound.atLeast} ${unit}` : `≤ ${bound.atMost} ${unit}`;
}

export function provenanceWords({ at, commit, scale }: Pick<Verdict, 'at' | 'commit' | 'scale'>): string {
  const when = `${at?.slice(0, 16).replace('T', ' ')} UTC, ${commit ?? 'commit unknown'}`;
  return scale === undefined ? when : `${when}, a short run (scale ${scale})`;
}

function goal(what: string, bench: string, bound: Goal['bound'], unit: string, figure: Figure): Goal {
  return { what, bench, command: `npm run perf -- ${bench}`, bound, unit, figure };
}

function wanGoal(group: string, what: string, atLeast: number, figure: Figure): Goal {
  const command = `npm run perf -- wan --only "${group}"`;
  return { what: `wan ${group}: ${what}`, bench: 'wan', command, bound: { atLeast }, unit: '×', figure };
}

function median(group: string, name: string, metric: string): Figure {
  return ({ series }) => series.find((one) => one.group === group && one.name === name && one.metric === metric)?.median;
}

function ratio(group: string, metric: string, name: string, other: string): Figure {
  return (result) => divided(median(group, name, metric)(result), median(group, other, metric)(result));
}

function ratioNamed(name: string): Figure {
  return ({ ratios }) => ratios[name] ?? undefined;
}

function divided(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || !by ? undefined : value / by;
}
