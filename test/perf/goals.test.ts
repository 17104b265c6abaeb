// What was to be reached is held against what was measured: the newest result that has the figure decides, short runs are called so, and what nobody
// measured is said to be that.
import { describe, expect, it } from 'vitest';
import { BENCHES } from '../../perf/benches/index.js';
import { GOALS, goalsText, verdicts } from '../../perf/goals.js';
import { page } from '../../perf/report.js';
import type { PerfResult } from '../../perf/results.js';
import { Recorder } from '../../perf/series.js';

const machine = { cores: 2, model: 'Some CPU', node: '20.0.0', platform: 'linux x64', memoryMib: 1000 };
const KEYSWAP = '142 keys, each 7.5 MiB there and 7.5 MiB back';

function keyswap(at: string, seconds: number, more: Partial<PerfResult> = {}): PerfResult {
  const recorder = new Recorder();
  recorder.add(KEYSWAP, 'hotlink, webrtc', 'seconds for all', 's', seconds);
  return { bench: 'keyswap', at, machine, commit: 'abcdef012345', parameters: {}, series: recorder.series, ratios: {}, ...more };
}

const ofKeyswap = (results: readonly PerfResult[]) => verdicts(results).find(({ what }) => what === 'keyswap over WebRTC');

describe('a goal', () => {
  it('is not measured while no result holds its figure, and names the command that would', () => {
    expect(verdicts([]).every(({ state }) => state === 'not measured')).toBe(true);
    expect(goalsText(verdicts([]))).toContain('npm run perf -- keyswap');
  });

  it('is met or not by the newest result that holds its figure', () => {
    const [old, young] = [keyswap('2026-01-01T00:00:00Z', 9), keyswap('2026-01-02T00:00:00Z', 20)];
    expect(ofKeyswap([old, young])).toMatchObject({ state: 'not met', figure: 20, at: young.at });
    expect(ofKeyswap([young, { ...keyswap('2026-01-03T00:00:00Z', 1), series: [] }])).toMatchObject({ figure: 20 });
    expect(ofKeyswap([old])).toMatchObject({ state: 'met' });
  });

  it('says when its figure is of a short run', () => {
    const found = verdicts([keyswap('2026-01-01T00:00:00Z', 9, { parameters: { scale: 0.1 } })]);
    expect(goalsText(found)).toContain('a short run (scale 0.1)');
  });

  it('is a ratio of two rows of one result', () => {
    const recorder = new Recorder();
    recorder.add('64 B', 'hotlink, webrtc', 'p50', 'µs', 140);
    recorder.add('64 B', 'bare data channel, no sockets', 'p50', 'µs', 100);
    const pingpong: PerfResult = { ...keyswap('2026-01-01T00:00:00Z', 1), bench: 'pingpong', series: recorder.series };
    const found = verdicts([pingpong]).filter(({ state }) => state !== 'not measured');
    expect(found).toMatchObject([{ what: 'pingpong 64 B over WebRTC, p50 / bare data channel', figure: 1.4, state: 'met' }]);
  });

  it('is measured by a benchmark that there is', () => {
    const names = BENCHES.map(([name]) => name);
    for (const { bench, command } of GOALS) {
      expect(names).toContain(bench);
      expect(command).toMatch(new RegExp(`^npm run perf -- ${bench}`));
    }
  });

  it('is a line of the page', async () => {
    const html = await page([keyswap('2026-01-01T00:00:00Z', 20)], verdicts([keyswap('2026-01-01T00:00:00Z', 20)]));
    expect(html).toContain('<section id="goals">');
    expect(html).toMatch(/keyswap over WebRTC.*≤ 14 s.*20.0 s.*not met.*2026-01-01 00:00 UTC/);
  });
});
