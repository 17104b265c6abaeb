// A benchmark is given a time: it goes round as often as was asked for, fewer times when its time would be over, and once in any case.
import { describe, expect, it } from 'vitest';
import { roundsInTime } from '../../perf/in-time.js';

/** @returns how often it went round when the rounds take so long, ms */
function roundsOf(repeat: number, budgetMs: number, ...takeMs: number[]): number {
  let nowMs = 1000;
  let count = 0;
  for (const round of roundsInTime({ repeat, budgetMs }, () => nowMs)) {
    count += 1;
    expect(round).toBe(count);
    nowMs += takeMs[round - 1] ?? 100;
  }
  return count;
}

describe('a benchmark with a time', () => {
  it('goes round as often as was asked for when there is time', () => {
    expect(roundsOf(5, 1000)).toBe(5);
  });

  it('begins no round that would end later than its time, going by the longest so far', () => {
    expect(roundsOf(5, 350)).toBe(3);
    expect(roundsOf(5, 1000, 600)).toBe(1);
    expect(roundsOf(5, 1000, 100, 450)).toBe(3);
  });

  it('goes round once even when that takes longer than there is', () => {
    expect(roundsOf(5, 1, 500)).toBe(1);
  });
});
