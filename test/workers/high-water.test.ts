// A real data channel that is given more than it can send: what waits in the stack stays within the high watermark, nothing is lost, and the lane says when it
// takes frames again.
import { afterAll, expect, it } from 'vitest';
import { cleanupAddon } from '../../workers/addon.js';
import { openLane } from '../support/rtc-lane.js';
import { until } from '../support/sandbox.js';

const HIGH_BYTES = 300_000;

afterAll(() => cleanupAddon());

it.each([1000, 60_000])('holds no more than the high watermark in frames of %i bytes', async (frameBytes) => {
  await using end = await openLane({ peerBytes: 262_144, highBytes: HIGH_BYTES });
  const { lane, received, closed } = end;
  let taken = 0;
  let most = 0;
  for (let round = 1; round <= 3; round += 1) {
    // Many times what the stack's own window holds beside it: where nobody counts, it takes all of them.
    let verdict = 'taken';
    for (let i = 0; i < 64_000_000 / frameBytes && verdict === 'taken'; i += 1) {
      verdict = lane.trySend(new Uint8Array(frameBytes).fill(taken & 0xff));
      if (verdict === 'taken') taken += 1;
      most = Math.max(most, lane.bufferedBytes());
    }
    expect(verdict).toBe('full');
    await until('the lane takes frames again', () => end.writable() === round);
  }
  expect(most).toBeGreaterThanOrEqual(HIGH_BYTES);
  expect(most).toBeLessThan(HIGH_BYTES + frameBytes);
  await until('all of it arrived', () => received.length === taken);
  expect(received.every((message, index) => message.length === frameBytes && message[0] === (index & 0xff))).toBe(true);
  expect(lane.stalls).toBe(3);
  expect(closed).toEqual([]);
});

it('takes nothing more before half of it went out, however often it is asked', async () => {
  await using end = await openLane({ peerBytes: 262_144, highBytes: HIGH_BYTES });
  const { lane, closed } = end;
  const frame = new Uint8Array(1000);
  for (let round = 1; round <= 5; round += 1) {
    let taken = 0;
    while (taken < 64_000 && lane.trySend(frame) === 'taken') taken += 1;
    expect(lane.stalls).toBe(round);
    for (const deadline = performance.now() + 10_000; lane.trySend(frame) === 'full' && performance.now() < deadline; );
    expect(lane.bufferedBytes()).toBeLessThanOrEqual(HIGH_BYTES / 2 + frame.length);
  }
  expect(closed).toEqual([]);
});
