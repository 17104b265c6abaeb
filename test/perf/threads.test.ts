// Whose processor time it was: the kernel's lines are read, threads are put together by role, a profile is told apart by whose code it was in, and the
// benchmark of all that has a figure for everyone.
import { describe, expect, it } from 'vitest';
import { ADDED, END_WORDS, SHARE, threads } from '../../perf/benches/threads.js';
import { goalsText, verdicts } from '../../perf/goals.js';
import { profileParts } from '../../perf/profile-parts.js';
import { byRole, cpuMs, NODE_HELPERS, parseStat, since, threadUsage } from '../../perf/thread-usage.js';

const usage = (name: string, userMs: number, systemMs: number) => ({ name, userMs, systemMs });

describe("a thread's processor time", () => {
  it('is read from the line of a thread whose name holds brackets and spaces', () => {
    const line = '77 (odd (name) 1) R 1 77 77 0 -1 4194304 100 0 0 0 12 34 0 0 20 0 11 0 5 1 1';
    expect(parseStat(line)).toEqual(usage('odd (name) 1', 120, 340));
  });

  it('is counted from a moment on, for one that came later from its beginning', () => {
    const before = new Map([[1, usage('node', 100, 10)]]);
    const after = new Map([
      [1, usage('node', 150, 30)],
      [2, usage('RTC worker', 70, 5)],
    ]);
    expect([...since(before, after)]).toEqual([
      [1, usage('node', 50, 20)],
      [2, usage('RTC worker', 70, 5)],
    ]);
  });

  it('goes to its role, or to the name that the kernel has for it', () => {
    const spent = new Map([
      [1, usage('node', 5, 1)],
      [2, usage('node', 10, 0)],
      [3, usage('node', 20, 0)],
      [4, usage('RTC worker', 1, 2)],
      [5, usage('RTC worker', 3, 4)],
      [6, usage('idle one', 0, 0)],
    ]);
    expect([...byRole(spent, new Map([[1, 'main']]))].map(([role, one]) => [role, cpuMs(one)])).toEqual([
      ['main', 6],
      [NODE_HELPERS, 30],
      ['native, "RTC worker"', 10],
    ]);
  });

  it.skipIf(process.platform !== 'linux')('is there for every thread of this process', () => {
    expect(threadUsage(process.pid).get(process.pid)?.userMs).toBeGreaterThan(0);
    expect(threadUsage(process.pid).size).toBeGreaterThan(1);
  });
});

describe('a profile', () => {
  const frames: [name: string, url: string, parent: number][] = [
    ['(root)', '', 0],
    ['(idle)', '', 1],
    ['(garbage collector)', '', 1],
    ['(program)', '', 1],
    ['onReadable', 'node:net', 1],
    ['writev', '', 5],
    ['pump', 'file:///app/dist/workers/channel/core.js', 5],
    ['set', '', 7],
    ['send', 'file:///app/dist/workers/lanes/webrtc.js', 7],
    ['LibraryHandle', '', 9],
    ['decode', 'file:///app/node_modules/@msgpack/msgpack/index.js', 7],
  ];
  const nodes = frames.map(([functionName, url], index) => ({
    id: index + 1,
    callFrame: { functionName, url },
    children: frames.flatMap(([, , parent], child) => (parent === index + 1 ? [child + 1] : [])),
  }));

  it('is told apart by whose code it was in, native functions by who called them, without idle time', () => {
    const samples = nodes.map(({ id }) => id);
    const text = JSON.stringify({ nodes, samples, timeDeltas: [0, ...samples.map((id) => id * 1000)] });
    expect(profileParts(text)).toEqual({
      'our JavaScript': 7 + 9,
      "packages' JavaScript": 11,
      "Node's JavaScript": 5,
      'the addon, called by us': 10,
      'native code called by us': 8,
      "native code called by Node's": 6,
      'garbage collection': 3,
      'outside of JavaScript': 1 + 4,
    });
  });
});

describe('the benchmark of threads', () => {
  it.skipIf(process.platform !== 'linux')('has the share of both ends, and is what the goal reads', { timeout: 60_000 }, async () => {
    const found = await threads({ repeat: 1, budgetMs: 1, scale: 0.02, signal: new AbortController().signal, talk: () => undefined });
    for (const end of Object.values(END_WORDS)) {
      expect(found.series.find(({ group, name, metric }) => group === SHARE && name === end && metric === ADDED)).toBeDefined();
      expect(found.series.some(({ group, name }) => group === `${end}, thread by thread` && name === 'hotlink, webrtc: channel-1')).toBe(
        true,
      );
    }
    expect(verdicts([found]).filter(({ state }) => state !== 'not measured')).toHaveLength(2);
    expect(goalsText(verdicts([found]))).toContain('a short run (scale 0.02)');
  });
});
