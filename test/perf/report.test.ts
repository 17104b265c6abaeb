// From samples to a page: interleaved samples find their series, tables have a row for everyone, and the page is whole without a network.
import { describe, expect, it } from 'vitest';
import { verdicts } from '../../perf/goals.js';
import { cpuProfile, stacksByThread } from '../../perf/native-profile.js';
import { page } from '../../perf/report.js';
import { plotsOf } from '../../perf/report-plots.js';
import type { PerfResult } from '../../perf/results.js';
import { median, Recorder } from '../../perf/series.js';
import { tablesOf, text } from '../../perf/tables.js';

const machine = { cores: 2, model: 'Some CPU', node: '20.0.0', platform: 'linux x64', memoryMib: 1000 };

function sample(bench = 'pingpong'): PerfResult {
  const recorder = new Recorder();
  for (const [round, us] of [150, 120, 180].entries()) {
    recorder.add('64 B', 'plain TCP', 'p50', 'µs', 20 + round);
    recorder.add('64 B', 'hotlink, webrtc', 'p50', 'µs', us);
    recorder.add('64 B', 'hotlink, webrtc', 'p99', 'µs', 2 * us);
    recorder.add('1 KiB', 'hotlink, webrtc', 'p50', 'µs', us + 10);
  }
  return {
    bench,
    at: '2026-01-02T03:04:05.000Z',
    machine,
    commit: 'abcdef012345',
    parameters: { repeat: 3 },
    series: recorder.series,
    ratios: recorder.ratio('64 B', 'p50', 'hotlink, webrtc', 'plain TCP'),
    skipped: { 'ssh -L': 'no sshd <script>alert(1)</script>' },
  };
}

describe('samples', () => {
  it('of several series may come in any order', () => {
    const recorder = new Recorder();
    for (const value of [3, 1, 2]) for (const name of ['a', 'b']) recorder.add('g', name, 'm', 'u', name === 'a' ? value : 10 * value);
    expect(recorder.series).toEqual([
      { group: 'g', metric: 'm', name: 'a', unit: 'u', samples: [3, 1, 2], median: 2, min: 1, max: 3 },
      { group: 'g', metric: 'm', name: 'b', unit: 'u', samples: [30, 10, 20], median: 20, min: 10, max: 30 },
    ]);
    expect(recorder.ratio('g', 'm', 'b', 'a')).toEqual({ 'g: b / a, m': 10 });
    expect(recorder.ratio('g', 'm', 'b', 'nobody')).toEqual({});
  });

  it('have the mean of the two middle ones for a median when they are even in number', () => {
    expect(median([1, 100, 2, 4])).toBe(3);
  });
});

describe('a result', () => {
  it('is one table per group, with an empty cell where nothing was measured', () => {
    const [first, second] = tablesOf(sample());
    expect(first?.columns).toEqual([
      { metric: 'p50', unit: 'µs' },
      { metric: 'p99', unit: 'µs' },
    ]);
    expect(first?.rows.map(({ name, cells }) => [name, ...cells.map((cell) => cell?.median)])).toEqual([
      ['plain TCP', 21, undefined],
      ['hotlink, webrtc', 150, 300],
    ]);
    expect(second?.title).toBe('1 KiB');
  });

  it('says in words where, when and from what it is, and who is missing', () => {
    const words = text(sample());
    for (const part of [
      '150 (120–180)',
      'hotlink, webrtc / plain TCP, p50: 7.14',
      'not measured: ssh -L',
      'Some CPU',
      'abcdef012345',
      '2026-01-02 03:04',
    ]) {
      expect(words).toContain(part);
    }
  });

  it('is drawn as lines along an order, and as bars otherwise', () => {
    const lines = plotsOf('pingpong', tablesOf(sample()));
    expect(lines[0]).toMatchObject({ kind: 'lines', along: ['64 B', '1 KiB'] });
    expect(lines[0]?.lines).toEqual([
      { name: 'plain TCP', values: [21, null] },
      { name: 'hotlink, webrtc', values: [150, 160] },
    ]);
    expect(plotsOf('nagle', tablesOf(sample('nagle'))).map(({ kind }) => kind)).toEqual(['bars', 'bars']);
  });
});

describe('the page', () => {
  it('holds plots, tables and provenance, asks the network for nothing, and takes no word for markup', async () => {
    const html = await page([sample(), sample('nagle')], verdicts([sample()]));
    expect(html).toContain('uPlot');
    expect(html).toContain('prefers-color-scheme: dark');
    expect(html.match(/commit abcdef012345/g)?.length).toBeGreaterThanOrEqual(4);
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('&lt;script&gt;alert(1)');
  });
});

describe('a native profile', () => {
  const script = [
    'node   77 ',
    '\t    7f1 inner',
    '\t    7f2 outer',
    '',
    'node   78 ',
    '\t    7f3 other',
    '',
    'node   77 ',
    '\t    7f4 second inner',
    '\t    7f2 outer',
    '',
  ].join('\n');

  it('is told apart by thread, outermost frame first', () => {
    expect([...stacksByThread(script)]).toEqual([
      [
        77,
        [
          ['outer', 'inner'],
          ['outer', 'second inner'],
        ],
      ],
      [78, [['other']]],
    ]);
  });

  it('becomes a tree in which equal beginnings are one branch', () => {
    const profile = cpuProfile(stacksByThread(script).get(77) ?? []) as {
      nodes: { callFrame: { functionName: string }; children: number[]; hitCount: number }[];
      samples: number[];
    };
    expect(profile.nodes.map(({ callFrame, children, hitCount }) => [callFrame.functionName, children, hitCount])).toEqual([
      ['(root)', [2], 0],
      ['outer', [3, 4], 0],
      ['inner', [], 1],
      ['second inner', [], 1],
    ]);
    expect(profile.samples).toEqual([3, 4]);
  });
});
