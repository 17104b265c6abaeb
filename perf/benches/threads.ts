// `npm run perf -- threads`: whose processor time a WebRTC burst at full rate is, thread by thread, at both ends; and how much of it our JavaScript threads
// add to what the one of a bare pair takes at the same rate. A profile tells their time apart by whose code it was, in a run of its own: profiling costs.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { burstDefaults } from '../../src/bench/burst-options.js';
import { type BarePairOptions, LARGE_MESSAGE_BYTES, runBareStream, SAME_HOST_MTU } from '../bare-pair.js';
import { hotlink } from '../contenders/hotlink.js';
import type { ProfilesWritten } from '../contenders/hotlink-end.js';
import type { EndProcess } from '../end-process.js';
import { roundsInTime } from '../in-time.js';
import { LOOPBACK } from '../place.js';
import { PARTS, type Part, profileParts } from '../profile-parts.js';
import { result } from '../results.js';
import { transfer, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { byRole, cpuMs, NODE_HELPERS, since, type ThreadUsage, threadUsage } from '../thread-usage.js';
import { type Bench, scaled } from './bench.js';
import { warmUp } from './burst.js';

const { frameBytes } = burstDefaults;
const FRAMES = 750;
/** Compiles the code that is to be measured. */
const WARM_UP_FRAMES = 150;
const PROFILED_FRAMES = 300;
const TIMEOUT_MS = 120_000;

const ENDS = ['near', 'far'] as const;
type End = (typeof ENDS)[number];
export const END_WORDS: Record<End, string> = { near: 'sending end', far: 'receiving end' };
export const SHARE = 'our JavaScript threads, part of the processor time of their process';
export const ADDED = 'beyond a bare pair at the same rate';
const OF_PROCESS = '% of its process';
const OURS = 'hotlink, webrtc';
const BARE_PACED = 'bare pair, same rate';
const BARE_FULL = 'bare pair, full rate';

type Usage = Record<End, Map<number, ThreadUsage>>;
type Pids = Record<End, number>;
type Roles = Record<End, Map<number, string>>;

/** Processor time of a bare end: of its one thread that runs JavaScript, and of Node's helpers. */
interface JavaScriptMs {
  threadMs: number;
  helpersMs: number;
}

export const threads: Bench = async ({ repeat, scale, budgetMs, signal, talk }) => {
  const recorder = new Recorder();
  const frameCount = scaled(FRAMES, scale, 4);
  for (const round of roundsInTime({ repeat, budgetMs })) {
    signal.throwIfAborted();
    const own = await ours(recorder, frameCount, scale, signal);
    const paced = await barePair(recorder, BARE_PACED, { frameCount, bytesPerSecond: own.bytesPerSecond }, signal);
    const full = await barePair(recorder, BARE_FULL, { frameCount }, signal);
    for (const end of ENDS) noteShare(recorder, end, own, paced[end], full[end]);
    talk(`round ${round} of ${repeat}: ${(own.bytesPerSecond / 2 ** 20).toFixed(0)} MiB/s`);
  }
  const parameters = { frames: frameCount, frameBytes, mtu: SAME_HOST_MTU, repeat, scale };
  return result('threads', parameters, { series: recorder.series, ratios: {} });
};

interface Ours {
  spent: Usage;
  /** Of the threads that run JavaScript. */
  roles: Roles;
  bytesPerSecond: number;
}

async function ours(recorder: Recorder, frameCount: number, scale: number, signal: AbortSignal): Promise<Ours> {
  const open: Partial<Record<End, EndProcess>> = {};
  const dir = mkdtempSync(join(tmpdir(), 'hotlink-threads-'));
  try {
    const contender = hotlink({ lane: 'webrtc', onOpen: (ends) => Object.assign(open, ends) });
    return await withRoute(contender, LOOPBACK, signal, async (route) => {
      const ends = open as Record<End, EndProcess>;
      const pids: Pids = { near: ends.near.pid, far: ends.far.pid };
      const run = (link: string, frames: number) => transfer(route, { link, frameCount: frames, frameBytes });
      await warmUp(route);
      await run('warm-up', scaled(WARM_UP_FRAMES, scale, 2));
      // A profile of no length says who is who.
      const roles = await profiled(ends, dir);
      const before = usageOf(pids);
      const { bytes, seconds } = await run('threads', frameCount);
      const spent = usageOf(pids, before);
      recorder.add('rate', OURS, 'MiB/s', 'MiB/s', bytes / 2 ** 20 / seconds);
      for (const end of ENDS) noteThreads(recorder, end, OURS, byRole(spent[end], roles[end]), bytes);
      await profiled(ends, dir, () => run('profiled', scaled(PROFILED_FRAMES, scale, 2)));
      for (const end of ENDS) noteParts(recorder, end, dir, spent[end], roles[end]);
      return { spent, roles, bytesPerSecond: bytes / seconds };
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @returns roles of the threads by the kernel's numbers; what they did during `work` is in `dir` */
async function profiled(ends: Record<End, EndProcess>, dir: string, work?: () => Promise<unknown>): Promise<Roles> {
  for (const end of ENDS) ends[end].tell({ kind: 'profile', dir });
  await work?.();
  const rolesOf = async (end: EndProcess): Promise<Map<number, string>> => {
    end.tell({ kind: 'profiled' });
    const { threads: found } = await end.next<ProfilesWritten>('profiles');
    return new Map(found.flatMap(({ role, tid }) => (tid === undefined ? [] : [[tid, role] as const])));
  };
  const [near, far] = await Promise.all(ENDS.map((end) => rolesOf(ends[end])));
  return { near: near as Map<number, string>, far: far as Map<number, string> };
}

async function barePair(
  recorder: Recorder,
  name: string,
  { frameCount, bytesPerSecond }: { frameCount: number; bytesPerSecond?: number },
  signal: AbortSignal,
): Promise<Record<End, JavaScriptMs>> {
  const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
  const task = { messageBytes: LARGE_MESSAGE_BYTES, totalBytes: frameCount * frameBytes, ...pace };
  let usage: Usage | undefined;
  let spent: Usage | undefined;
  // The main thread has its process's number.
  const roles = { near: new Map<number, string>(), far: new Map<number, string>() };
  const onMoment: BarePairOptions['onMoment'] = (moment, pids) => {
    for (const end of ENDS) roles[end].set(pids[end], 'main');
    if (moment === 'started') usage = usageOf(pids);
    else spent = usageOf(pids, usage);
  };
  const { bytes, seconds } = await runBareStream(task, { ...LOOPBACK, timeoutMs: TIMEOUT_MS, signal, onMoment });
  recorder.add('rate', name, 'MiB/s', 'MiB/s', bytes / 2 ** 20 / seconds);
  const note = (end: End): JavaScriptMs => {
    const own = byRole(spent?.[end] ?? new Map(), roles[end]);
    noteThreads(recorder, end, name, own, bytes);
    return { threadMs: cpuMs(own.get('main')), helpersMs: cpuMs(own.get(NODE_HELPERS)) };
  };
  return { near: note('near'), far: note('far') };
}

function usageOf(pids: Pids, before?: Usage): Usage {
  const now = (end: End): Map<number, ThreadUsage> => since(before?.[end] ?? new Map(), threadUsage(pids[end]));
  return { near: now('near'), far: now('far') };
}

function noteThreads(recorder: Recorder, end: End, who: string, spent: ReadonlyMap<string, ThreadUsage>, bytes: number): void {
  const totalMs = sum([...spent.values()].map(cpuMs));
  const gib = bytes / 2 ** 30;
  for (const [role, usage] of spent) {
    const add = (metric: string, unit: string, value: number): void =>
      recorder.add(`${END_WORDS[end]}, thread by thread`, `${who}: ${role}`, metric, unit, value);
    add(OF_PROCESS, OF_PROCESS, (cpuMs(usage) / totalMs) * 100);
    add('s/GiB', 's/GiB', cpuMs(usage) / 1000 / gib);
    add('of these in the kernel', 's/GiB', usage.systemMs / 1000 / gib);
  }
}

/** Each part of the profiles as a share of the process: what the thread took, by the share of its samples. */
function noteParts(
  recorder: Recorder,
  end: End,
  dir: string,
  spent: ReadonlyMap<number, ThreadUsage>,
  roles: ReadonlyMap<number, string>,
): void {
  const totalMs = sum([...spent.values()].map(cpuMs));
  const shares = new Map<Part, number>(PARTS.map((part) => [part, 0]));
  for (const [tid, role] of roles) {
    const parts = profileParts(readFileSync(join(dir, `${end}-${role}.cpuprofile`), 'utf8'));
    const sampledMs = sum(Object.values(parts));
    if (sampledMs === 0) continue;
    for (const part of PARTS) {
      const ms = (parts[part] / sampledMs) * cpuMs(spent.get(tid));
      shares.set(part, (shares.get(part) as number) + (ms / totalMs) * 100);
    }
  }
  for (const [part, percent] of shares)
    recorder.add(`our JavaScript threads by whose code they run, ${END_WORDS[end]}`, part, OF_PROCESS, OF_PROCESS, percent);
}

function noteShare(recorder: Recorder, end: End, { spent, roles }: Ours, paced: JavaScriptMs, full: JavaScriptMs): void {
  const totalMs = sum([...spent[end].values()].map(cpuMs));
  const ownMs = sum([...roles[end].keys()].map((tid) => cpuMs(spent[end].get(tid))));
  const helpersMs = cpuMs(byRole(spent[end], roles[end]).get(NODE_HELPERS));
  const add = (metric: string, ms: number): void => recorder.add(SHARE, END_WORDS[end], metric, '%', (ms / totalMs) * 100);
  add('all they take', ownMs);
  add(ADDED, ownMs - paced.threadMs);
  add('beyond one at its full rate', ownMs - full.threadMs);
  add("beyond one at the same rate, Node's helpers of both included", ownMs + helpersMs - paced.threadMs - paced.helpersMs);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
