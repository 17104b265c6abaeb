// A real data channel that is given more than it can send: what waits in the stack is never a frame above the high watermark, nothing is lost, and the lane says
// when it takes frames again. When it closes and opens, exactly: test/native-free/gate.test.ts.
import { afterAll, expect, it } from 'vitest';
import { cleanupAddon } from '../../workers/addon.js';
import { openLane } from '../support/rtc-lane.js';
import { until } from '../support/sandbox.js';

const HIGH_BYTES = 300_000;
const FRAME_BYTES = 60_000;

afterAll(() => cleanupAddon());

it('holds less than a frame more than the high watermark', async () => {
  await using end = await openLane({ peerBytes: 262_144, highBytes: HIGH_BYTES });
  const { lane, received, closed } = end;
  let taken = 0;
  let most = 0;
  for (let round = 1; round <= 3; round += 1) {
    // Many times what the stack's own window holds beside it: where nobody counts, it takes all of them.
    let verdict = 'taken';
    for (let i = 0; i < 64_000_000 / FRAME_BYTES && verdict === 'taken'; i += 1) {
      verdict = lane.trySend(new Uint8Array(FRAME_BYTES).fill(taken & 0xff));
      if (verdict === 'taken') taken += 1;
      most = Math.max(most, lane.bufferedBytes());
    }
    expect(verdict).toBe('full');
    await until('the lane takes frames again', () => end.writable() === round);
  }
  expect(most).toBeGreaterThanOrEqual(HIGH_BYTES);
  expect(most).toBeLessThan(HIGH_BYTES + FRAME_BYTES);
  await until('all of it arrived', () => received.length === taken);
  expect(received.every((message, index) => message.length === FRAME_BYTES && message[0] === (index & 0xff))).toBe(true);
  expect(lane.stalls).toBe(3);
  expect(closed).toEqual([]);
});
