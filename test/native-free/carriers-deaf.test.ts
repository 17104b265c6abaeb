// When a lane on which the peer is heard counts as deaf: after pings in a row without an answer, not for one that was lost long ago.
import { expect, it } from 'vitest';
import { Carriers, type LaneState } from '../../native-free/channel/carriers.js';
import { DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { DEAF_MS, PING_MAX_MS } from '../../native-free/channel/limits.js';
import type { Lane } from '../../native-free/lane.js';

function one(): { carriers: Carriers; state: LaneState } {
  const carriers = new Carriers(DEFAULT_LIMITS);
  carriers.addLane({ kind: 'webrtc', sid: 's1' } as Lane, 0);
  return { carriers, state: carriers.lanes[0] as LaneState };
}

it('a lane that is heard and answers no ping for a while is passed over', () => {
  const { carriers, state } = one();
  let suspectMs = 0;
  for (let nowMs = 0; suspectMs === 0 && nowMs < 10 * DEAF_MS; nowMs += PING_MAX_MS) {
    if (carriers.pinged(state, nowMs)) suspectMs = nowMs;
    carriers.heard(state, nowMs + 100);
  }
  expect(suspectMs).toBeGreaterThanOrEqual(DEAF_MS);
  expect(suspectMs).toBeLessThan(DEAF_MS + PING_MAX_MS);
});

it('a lane of which one ping was lost long ago is not passed over with the next one', () => {
  const { carriers, state } = one();
  expect(carriers.pinged(state, 0)).toBe(false);
  carriers.heard(state, 100);
  expect(carriers.pinged(state, 20 * DEAF_MS)).toBe(false);
  expect(state.suspect).toBe(false);
});
