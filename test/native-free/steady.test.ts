// From the first payload to a steady rate, as telemetry shows it.
import { describe, expect, it } from 'vitest';
import { SteadyWatch } from '../../native-free/channel/steady.js';

/** Feeds one call every 10 ms. @param rate bytes per ms at a time @returns when it said steady, ms from the first call */
function watch(rate: (atMs: number) => number, untilMs: number): number | undefined {
  const steady = new SteadyWatch();
  let total = 0;
  for (let at = 0; at <= untilMs; at += 10) {
    total += rate(at) * 10;
    const said = rate(at) > 0 ? steady.carried(total, 1000 + at) : undefined;
    if (said !== undefined) return said;
  }
  return undefined;
}

describe('the steady state', () => {
  it('is reached at once by a channel that starts at full speed', () => {
    expect(watch(() => 1000, 5000)).toBe(200);
  });

  it('is not reached while the rate doubles, and then is', () => {
    const said = watch((at) => Math.min(2 ** (at / 100), 32), 5000);
    expect(said).toBeGreaterThanOrEqual(500);
    expect(said).toBeLessThanOrEqual(800);
  });

  it('is not taken from a pause of the application', () => {
    expect(watch((at) => (at < 100 ? 100 : at < 2000 ? 0 : 1000), 5000)).toBeGreaterThan(2000);
  });

  it('is told once', () => {
    const steady = new SteadyWatch();
    const said = Array.from({ length: 100 }, (_, i) => steady.carried(i * 1000, i * 10)).filter((ms) => ms !== undefined);
    expect([said.length, steady.done]).toEqual([1, true]);
  });
});
