// A peer that sends nonsense all the time is in the log, and does not fill it.
import { expect, it } from 'vitest';
import { EventLimit } from '../../src/control/event-limit.js';

it('ten a second are told, and the next one that is tells how many were not', () => {
  const limit = new EventLimit();
  const told = (fromMs: number, count: number): (number | undefined)[] => Array.from({ length: count }, () => limit.take(fromMs));
  expect(told(0, 12)).toEqual([...new Array(10).fill(0), undefined, undefined]);
  expect(told(999, 3)).toEqual([undefined, undefined, undefined]);
  expect(told(1000, 2)).toEqual([5, 0]);
});
