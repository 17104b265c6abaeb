// When a lane gets more members: on a long path that carries little although nothing stands in its queues. Not on a full link, a LAN, a path that needs no
// help, or for applications that have nothing to send; and not again and again where it brought nothing.

import { describe, expect, it } from 'vitest';
import { type LaneLook, StripePlan, type Widening } from '../../native-free/stripes/index.js';

const MOST = 16;
/** Before it is all of them. */
const SOME = 8;

/** Looks every 250 ms at a lane that does the same all the time. @returns the first answer and when it came, ms */
function watch(plan: StripePlan, look: Omit<LaneLook, 'nowMs'>, fromMs = 0, forMs = 5000): [Widening | undefined, number] {
  for (let nowMs = fromMs + 250; nowMs <= fromMs + forMs; nowMs += 250) {
    const wanted = plan.look({ ...look, nowMs });
    if (wanted !== undefined) return [wanted, nowMs];
  }
  return [undefined, fromMs + forMs];
}

/** 1 MiB/s in one look. */
const MIB_PER_SECOND = 262_144;
const lossy: Omit<LaneLook, 'nowMs'> = { members: 1, pressed: true, bytes: MIB_PER_SECOND, rttMs: 50 };

describe('a lane on a long path', () => {
  it('that carries little with bytes waiting gets some members, then all there may be, which give way to loss less, and no more', () => {
    const plan = new StripePlan(MOST);
    const [first, firstMs] = watch(plan, lossy);
    expect(first).toEqual({ members: SOME, lossy: false });
    expect(firstMs).toBeLessThanOrEqual(1500);
    const [second, secondMs] = watch(plan, { ...lossy, members: SOME, bytes: SOME * MIB_PER_SECOND }, firstMs);
    expect(second).toEqual({ members: MOST, lossy: true });
    expect(watch(plan, { ...lossy, members: MOST, bytes: MOST * MIB_PER_SECOND }, secondMs)[0]).toBeUndefined();
  });

  it('gets all there may be at once when its rate fell without a queue', () => {
    const plan = new StripePlan(MOST);
    for (const [i, mib] of [0.1, 0.5, 1.5, 2.2].entries()) {
      expect(plan.look({ ...lossy, nowMs: (i + 1) * 250, bytes: mib * MIB_PER_SECOND })).toBeUndefined();
    }
    expect(watch(plan, { ...lossy, bytes: 0.5 * MIB_PER_SECOND }, 1000)[0]).toEqual({ members: MOST, lossy: true });
  });

  it('gets all there may be when some members fell together, however much each still carries', () => {
    const plan = new StripePlan(MOST);
    const [, firstMs] = watch(plan, lossy);
    for (const [i, mib] of [4, 20, 60].entries()) {
      const look = { ...lossy, members: SOME, nowMs: firstMs + (i + 1) * 250, bytes: mib * MIB_PER_SECOND };
      expect(plan.look(look)).toBeUndefined();
    }
    expect(watch(plan, { ...lossy, members: SOME, bytes: 20 * MIB_PER_SECOND }, firstMs + 750)[0]).toEqual({ members: MOST, lossy: true });
  });

  it('stays as it is after a drop of a link that was full', () => {
    const plan = new StripePlan(MOST);
    plan.look({ ...lossy, nowMs: 1, pressed: false });
    expect(watch(plan, { ...lossy, rttMs: 90, bytes: 8 * MIB_PER_SECOND }, 0, 1000)[0]).toBeUndefined();
    expect(watch(plan, { ...lossy, bytes: 5 * MIB_PER_SECOND }, 1000, 10_000)[0]).toBeUndefined();
  });

  it('gets members when a link that was full carries half of that for long: its losses are not its own', () => {
    const plan = new StripePlan(MOST);
    plan.look({ ...lossy, nowMs: 1, pressed: false });
    expect(watch(plan, { ...lossy, rttMs: 90, bytes: 8 * MIB_PER_SECOND }, 0, 1000)[0]).toBeUndefined();
    expect(watch(plan, { ...lossy, bytes: 4 * MIB_PER_SECOND }, 1000, 10_000)[0]).toBeDefined();
  });

  it('gets no more than have something to do on a link that was full a while ago, and none where that is one', () => {
    const askedAfter = (full: number, forMs: number): number | undefined => {
      const plan = new StripePlan(MOST);
      plan.look({ ...lossy, nowMs: 1, pressed: false });
      watch(plan, { ...lossy, rttMs: 90, bytes: full * MIB_PER_SECOND }, 0, 1000);
      return watch(plan, { ...lossy, bytes: 0.3 * full * MIB_PER_SECOND }, 1000, forMs)[0]?.members;
    };
    // 50 KiB on their way, 200 and 3200, and 64 for each.
    expect(askedAfter(1, 25_000)).toBeUndefined();
    expect(askedAfter(4, 25_000)).toBe(3);
    expect(askedAfter(64, 25_000)).toBe(MOST);
    // What one longer round trip said, once, does not bind for ever.
    expect(askedAfter(1, 35_000)).toBe(MOST);
  });

  it('is not judged before anything came through', () => {
    const plan = new StripePlan(MOST);
    expect(watch(plan, { ...lossy, bytes: 0 })[0]).toBeUndefined();
  });

  it('stays as it is while nothing waits, and while nothing is known of the path', () => {
    expect(watch(new StripePlan(MOST), { ...lossy, pressed: false })[0]).toBeUndefined();
    expect(watch(new StripePlan(MOST), { ...lossy, rttMs: undefined })[0]).toBeUndefined();
  });

  it('stays as it is while its rate grows', () => {
    const plan = new StripePlan(MOST);
    for (let i = 1; i <= 12; i += 1) expect(plan.look({ ...lossy, nowMs: i * 250, bytes: 20_000 * 1.3 ** i })).toBeUndefined();
  });

  it('gets some while its rate still grows, as soon as much is on its way and no queue is seen; and none while one is', () => {
    const grow = (rttMs: number): [number, Widening | undefined] => {
      const plan = new StripePlan(MOST);
      plan.look({ ...lossy, nowMs: 1, pressed: false });
      for (let i = 1; i <= 12; i += 1) {
        const bytes = 20_000 * 2 ** i;
        const wanted = plan.look({ ...lossy, rttMs, nowMs: i * 250, bytes });
        if (wanted !== undefined) return [(bytes / 250) * rttMs, wanted];
      }
      return [0, undefined];
    };
    const [onItsWay, wanted] = grow(50);
    expect(wanted).toEqual({ members: SOME, lossy: false });
    expect(onItsWay).toBeGreaterThan(100_000);
    expect(onItsWay).toBeLessThan(300_000);
    expect(grow(90)[1]).toBeUndefined();
  });

  it('stays as it is when the link is full, which a queue shows', () => {
    const plan = new StripePlan(MOST);
    plan.look({ ...lossy, nowMs: 1, pressed: false });
    expect(watch(plan, { ...lossy, rttMs: 90 })[0]).toBeUndefined();
  });

  it('that was full a moment ago stays as it is, however much one member has on its way', () => {
    const plan = new StripePlan(MOST);
    plan.look({ ...lossy, nowMs: 1, pressed: false });
    plan.look({ ...lossy, nowMs: 250, rttMs: 90, bytes: 50 * MIB_PER_SECOND });
    expect(watch(plan, { ...lossy, bytes: 50 * MIB_PER_SECOND }, 250)[0]).toBeUndefined();
  });

  it('is left alone for a while where more members brought nothing, and once more with all there may be after that', () => {
    const plan = new StripePlan(MOST);
    const rate = 4 * MIB_PER_SECOND;
    const [first, firstMs] = watch(plan, { ...lossy, bytes: rate });
    expect(first?.members).toBe(SOME);
    expect(watch(plan, { ...lossy, members: SOME, bytes: rate }, firstMs, 1000)[0]).toBeUndefined();
    const [second, secondMs] = watch(plan, { ...lossy, members: SOME, bytes: rate }, firstMs + 1000);
    expect(second).toEqual({ members: MOST, lossy: true });
    // Which bring nothing either.
    const [third, thirdMs] = watch(plan, { ...lossy, members: MOST, bytes: rate }, secondMs);
    expect(third).toEqual({ members: SOME, lossy: false });
    expect(watch(plan, { ...lossy, members: SOME, bytes: rate }, thirdMs, 9000)[0]).toBeUndefined();
  });

  it('stays as it is where each member has enough on its way', () => {
    const plan = new StripePlan(MOST);
    const [first, firstMs] = watch(plan, { ...lossy, bytes: 24 * MIB_PER_SECOND });
    expect(first?.members).toBe(SOME);
    expect(watch(plan, { ...lossy, members: SOME, bytes: 24 * MIB_PER_SECOND }, firstMs, 60_000)[0]).toBeUndefined();
  });

  it('is left alone for longer and longer when members do not come up', () => {
    const plan = new StripePlan(MOST);
    const asked: number[] = [];
    for (let nowMs = 250; nowMs < 300_000; nowMs += 250) if (plan.look({ ...lossy, nowMs }) !== undefined) asked.push(nowMs);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.length).toBeLessThan(6);
    const gaps = asked.slice(1).map((atMs, i) => atMs - (asked[i] as number));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
  });

  it('asks again for one that died', () => {
    const plan = new StripePlan(MOST);
    const [, atMs] = watch(plan, lossy);
    plan.lost(3, atMs + 60_000);
    expect(watch(plan, { ...lossy, members: 3 }, atMs + 60_000)[0]?.members).toBe(MOST);
  });

  it('asks seldom for such as die a second after they came, and ever more seldom', () => {
    const plan = new StripePlan(MOST);
    let asked = 0;
    let members = 1;
    let diesMs = Number.POSITIVE_INFINITY;
    for (let nowMs = 250; nowMs < 60_000; nowMs += 250) {
      if (nowMs >= diesMs) {
        members = 1;
        plan.lost(1, nowMs);
        diesMs = Number.POSITIVE_INFINITY;
      }
      const wanted = plan.look({ ...lossy, nowMs, members, bytes: 50 * MIB_PER_SECOND });
      if (wanted === undefined || wanted.members <= members) continue;
      asked += 1;
      members = wanted.members;
      diesMs = nowMs + 1000;
    }
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThanOrEqual(3);
  });

  it('that some members fill no better than one would have takes all there may be for no cure: once, and seldom after that', () => {
    const plan = new StripePlan(MOST);
    const asks: [members: number, atMs: number][] = [];
    // A policer at 20 MiB/s without a queue: one member doubles its rate each look up to that, several carry it at once.
    const most = 20 * MIB_PER_SECOND;
    let members = 1;
    let bytes = 20_000;
    for (let nowMs = 250; nowMs < 60_000; nowMs += 250) {
      const wanted = plan.look({ pressed: true, rttMs: 40, nowMs, members, bytes });
      bytes = Math.min(most, bytes * 2);
      if (wanted === undefined) continue;
      members = wanted.members;
      asks.push([members, nowMs]);
    }
    expect(asks[0]?.[0]).toBe(SOME);
    // At most: all, back, and both once more after ten seconds and after thirty.
    expect(asks.length).toBeLessThanOrEqual(7);
    expect(members).toBe(SOME);
    const [, [all, allMs] = [0, 0]] = asks;
    expect(all === 0 || allMs - (asks[0]?.[1] ?? 0) >= 3 * 250).toBe(true);
  });
});

it('a lane on one machine or one LAN stays as it is', () => {
  expect(watch(new StripePlan(MOST), { ...lossy, rttMs: 0.3 })[0]).toBeUndefined();
});

it('a lane never gets more members than both sides take', () => {
  expect(watch(new StripePlan(2), lossy)[0]).toEqual({ members: 2, lossy: false });
  expect(watch(new StripePlan(1), lossy)[0]).toBeUndefined();
});
