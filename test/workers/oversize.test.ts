// A real data channel to a peer that takes small messages only: the lane names that limit, refuses what is larger, and goes on working.
import { afterAll, expect, it } from 'vitest';
import { cleanupAddon } from '../../workers/addon.js';
import { openLane } from '../support/rtc-lane.js';
import { until } from '../support/sandbox.js';

const LIMIT_BYTES = 20_000;

afterAll(() => cleanupAddon());

it('refuses a message over the limit without harm, and carries the largest one', async () => {
  await using end = await openLane({ peerBytes: LIMIT_BYTES });
  const { lane, received, closed } = end;
  expect(lane.maxFrameBytes).toBe(LIMIT_BYTES);
  expect(lane.trySend(new Uint8Array(LIMIT_BYTES + 1))).toBe('oversize');
  const largest = new Uint8Array(LIMIT_BYTES).map((_, index) => index & 0xff);
  expect(lane.trySend(largest)).toBe('taken');
  await until('it arrived', () => received.length > 0);
  expect(received.map((message) => Buffer.compare(message, largest))).toEqual([0]);
  expect(closed).toEqual([]);
});
