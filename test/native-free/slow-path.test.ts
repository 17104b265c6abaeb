// What a striped lane has on its way while it finds out how fast its path is: a link with a queue of one round trip holds two, and what is more is dropped, which
// on a slow one takes seconds to repair (perf/README.md, "Slow links"). The link here has no congestion window before it, so it is given more than a real one.

import { describe, expect, it } from 'vitest';
import { twinLanes } from '../../native-free/lane-twin.js';
import { LaneRate } from '../../native-free/stripes/lane-rate.js';
import { Member } from '../../native-free/stripes/member.js';
import { Members } from '../../native-free/stripes/members.js';

/** As a striped lane of few members cuts them. */
const LARGE_FRAME_BYTES = 61_440;
const SMALL_FRAME_BYTES = 24_576;

/** Fills a lone member over a link for a while. @returns the most that was on its way, and what was delivered in the second half, bytes */
function fill({
  bytesPerMs,
  roundTripMs,
  forMs,
}: {
  bytesPerMs: number;
  roundTripMs: number;
  forMs: number;
}): [most: number, later: number] {
  const members = new Members();
  const member = new Member(twinLanes({ kind: 'webrtc', sid: 's1' })[0], 0);
  members.all.push(member);
  member.watch(0);
  const arrivals: number[] = [];
  let [freeMs, most, before, messages] = [0, 0, 0, 0];
  for (let nowMs = 0; nowMs < forMs; nowMs += 1) {
    while ((arrivals[0] ?? Number.POSITIVE_INFINITY) <= nowMs) {
      arrivals.shift();
      messages += 1;
      const bytes = members.receipt(member, messages, nowMs, () => {});
      members.laneRate.delivered(bytes, member.rttMs as number, nowMs);
    }
    const frameBytes = members.laneRate.slow ? SMALL_FRAME_BYTES : LARGE_FRAME_BYTES;
    while (members.best(frameBytes, false, frameBytes, [], nowMs) !== undefined) {
      member.sent(messages + arrivals.length + 1, frameBytes, nowMs);
      freeMs = Math.max(freeMs, nowMs) + frameBytes / bytesPerMs;
      arrivals.push(freeMs + roundTripMs);
    }
    members.laneRate.limited();
    most = Math.max(most, member.aheadBytes);
    if (nowMs < forMs / 2) before = member.deliveredBytes;
  }
  return [most, member.deliveredBytes - before];
}

describe('a lone member that finds out how fast its path is', () => {
  it.each([
    [2500, 100, 2.5],
    [12_500, 40, 2.1],
  ])(
    'on a link of %i bytes a ms and %i ms has no more on its way than %d round trips of it, and fills it',
    (bytesPerMs, roundTripMs, roundTrips) => {
      const forMs = 8000;
      const [most, later] = fill({ bytesPerMs, roundTripMs, forMs });
      expect(most).toBeLessThanOrEqual(roundTrips * bytesPerMs * roundTripMs);
      expect(later).toBeGreaterThan(0.9 * bytesPerMs * (forMs / 2));
    },
  );
});

describe('the rate of a lane', () => {
  const laneAfter = (rates: readonly number[]): LaneRate => {
    const lane = new LaneRate();
    let nowMs = 0;
    // A receipt each 10 ms, half a second of each rate.
    for (const bytesPerMs of rates) {
      for (let i = 0; i < 50; i += 1) {
        nowMs += 10;
        lane.limited();
        lane.delivered(10 * bytesPerMs, 20, nowMs);
      }
    }
    return lane;
  };

  it('takes a path for slow that carries little though there is more, until it carries more twice in a row', () => {
    const slow = (...rates: number[]): boolean => laneAfter(rates).slow;
    expect([slow(), slow(3100), slow(2900), slow(2900, 3100), slow(3100, 2000)]).toEqual([false, false, true, false, true]);
    const lane = laneAfter([2500]);
    // What a repair held up.
    lane.delivered(200_000, 20, 520);
    for (const nowMs of [530, 540, 550, 560]) lane.delivered(25_000, 20, nowMs);
    expect(lane.slow).toBe(true);
    // And what nobody wanted faster.
    const idle = new LaneRate();
    for (let nowMs = 0; nowMs < 500; nowMs += 10) idle.delivered(1000, 20, nowMs);
    expect(idle.slow).toBe(false);
  });
});
