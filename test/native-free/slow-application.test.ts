// How much credit a stream earns over a path with a rate and a delay, with an application that takes less than the path brings.

import { expect, it } from 'vitest';
import { Pair } from './channel-pair.js';

const FLOOR = 65_536;
const CEILING = 2_097_152;
/** What the path carries, bytes per ms. */
const PATH = 8000;

/** One stream of two seconds. @param share of the path's rate that the application takes @returns its credit at the end, bytes */
function earned(onewayMs: number, share: number): number {
  const pair = new Pair({ creditFloorBytes: FLOOR, creditBytes: CEILING, windowBytes: CEILING, chunkBytes: 1000 }).session();
  const wire = pair.lane('webrtc');
  pair.settle();
  wire.moving = false;
  pair.b.reading = false;
  const stream = pair.open();
  const underWay: { dueMs: number; to: 'a' | 'b'; message: Uint8Array }[] = [];
  const [end, start] = [pair.nowMs + 2000, pair.nowMs];
  let taken = 0;
  while (pair.nowMs < end) {
    pair.send(stream, PATH);
    for (const from of ['a', 'b'] as const) {
      for (let bytes = 0; bytes < PATH; ) {
        const message = wire[from].transmit();
        if (message === undefined) break;
        bytes += message.length;
        underWay.push({ dueMs: pair.nowMs + onewayMs, to: from === 'a' ? 'b' : 'a', message: message.slice() });
      }
    }
    while ((underWay[0]?.dueMs ?? end) <= pair.nowMs) {
      const { to, message } = underWay.shift() as (typeof underWay)[number];
      wire[to].receive(message);
    }
    const more = Math.min(pair.b.bytes(1), Math.floor((pair.nowMs - start) * PATH * share)) - taken;
    if (more > 0) pair.b.core.consumed(1, more, pair.nowMs);
    taken += Math.max(0, more);
    pair.pass(1);
  }
  expect(pair.b.failure).toBeUndefined();
  return pair.b.core.in.stream(1)?.creditBytes ?? 0;
}

it.each([
  [0, 0.6],
  [0, 0.8],
  [1, 0.5],
  [20, 0.1],
])('an application behind a way of %d ms that takes %d of what the path brings earns none', (onewayMs, share) => {
  expect(earned(onewayMs, share)).toBe(FLOOR);
});

it('an application that takes half of it where all but half of the credit is on its way earns little', () => {
  expect(earned(5, 0.5)).toBeLessThanOrEqual(4 * FLOOR);
});

it('an application that takes all of it earns what is on its way in a round trip', () => {
  expect(earned(20, 1)).toBeGreaterThan(2 * 20 * PATH);
});
