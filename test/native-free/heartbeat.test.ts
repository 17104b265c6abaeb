// When a silent peer is asked whether it is there.
import { describe, expect, it } from 'vitest';
import { Heartbeat } from '../../native-free/channel/heartbeat.js';
import { DEFAULT_LIMITS, PING_FIRST_MS } from '../../native-free/channel/limits.js';
import type { Lane } from '../../native-free/lane.js';

const LANE: Lane = { kind: 'webrtc', sid: 's', maxFrameBytes: 65_536, trySend: () => 'taken', bufferedBytes: () => 0, close: () => {} };

const { keepAliveMs } = DEFAULT_LIMITS;

/** With a stream open and nothing under way since `nowMs`. */
function quietSince(nowMs: number, limits = DEFAULT_LIMITS): Heartbeat {
  const heartbeat = new Heartbeat(limits);
  heartbeat.update(true, false, false, true, nowMs);
  return heartbeat;
}

describe('pings that keep alive', () => {
  it.each([500, 3000, 3333, 60_000])('of many channels go at six moments in %i ms, none late', (every) => {
    const dues = new Set<number>();
    for (let i = 0; i < 1000; i += 1) {
      const nowMs = 10_000 + (i / 1000) * every;
      const dueMs = quietSince(nowMs, { ...DEFAULT_LIMITS, keepAliveMs: every }).pingDueMs as number;
      dues.add(dueMs);
      expect(dueMs).toBeLessThanOrEqual(nowMs + every);
      expect(dueMs).toBeGreaterThan(nowMs + (5 / 6) * every - 0.001);
    }
    expect(dues.size).toBeGreaterThanOrEqual(6);
    expect(dues.size).toBeLessThanOrEqual(7);
  });

  it.each([0, 1, 499, 500])('go to and fro between two ends whose clocks differ by %i ms, hardly more often for it', (aheadMs) => {
    const ends = [0, aheadMs].map((offsetMs) => ({ heartbeat: quietSince(1234 + offsetMs), offsetMs }));
    let pings = 0;
    for (let nowMs = 1234; nowMs < 3_600_000; nowMs += 1) {
      for (const [i, { heartbeat, offsetMs }] of ends.entries()) {
        if (nowMs + offsetMs < (heartbeat.pingDueMs as number)) continue;
        pings += 1;
        heartbeat.ping(LANE, 1, 1, nowMs + offsetMs);
        const other = ends[1 - i] as (typeof ends)[number];
        other.heartbeat.heard(nowMs + other.offsetMs + 0.4);
        heartbeat.heard(nowMs + offsetMs + 0.8);
      }
    }
    const fewest = 3_600_000 / keepAliveMs;
    expect(pings).toBeGreaterThan(0.99 * fewest);
    expect(pings).toBeLessThan(1.21 * fewest);
  });

  it('are repeated after a second while nothing is answered', () => {
    const heartbeat = quietSince(1100);
    const askedMs = heartbeat.pingDueMs as number;
    heartbeat.ping(LANE, 1, 1, askedMs);
    expect(heartbeat.pingDueMs).toBe(askedMs + PING_FIRST_MS);
    heartbeat.heard(askedMs + 10);
    expect(heartbeat.pingDueMs).toBeGreaterThan(askedMs + (5 / 6) * keepAliveMs);
  });

  it('do not wait for one another where a silent peer is asked on another lane', () => {
    const heartbeat = quietSince(1100);
    heartbeat.moved(1100 + PING_FIRST_MS);
    expect(heartbeat.pingDueMs).toBe(1100 + PING_FIRST_MS);
  });
});
