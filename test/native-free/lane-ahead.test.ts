// How much of a striped lane is on its way, with real members over a modelled path: a delay, a rate and a queue that all of them share. As much as keeps the
// path busy while both ends are late now and then, and never so much that members which come together fill the queue.

import { describe, expect, it } from 'vitest';
import { twinLanes } from '../../native-free/lane-twin.js';
import { Member } from '../../native-free/stripes/member.js';
import { Members } from '../../native-free/stripes/members.js';

const FRAME = 61_440;

interface Waiting {
  member: Member;
  bytes: number;
}

/** A path with one queue for all members: bytes leave it at a rate, arrive half a round trip later and are receipted half a round trip after that. */
class Path {
  readonly members = new Members();
  /** The longest the queue was, bytes. */
  longestQueue = 0;
  nowMs = 0;
  readonly #bytesPerMs: number;
  /** May change. */
  rttMs: number;
  readonly #queue: Waiting[] = [];
  /** Not in the path yet: their member's congestion window does not let them. */
  #held: Waiting[] = [];
  readonly #windows = new Map<Member, number>();
  readonly #flights = new Map<Member, number>();
  readonly #under: { member: Member; atMs: number }[] = [];
  readonly #got = new Map<Member, number>();
  #room = 0;
  #seq = 1;

  constructor(bytesPerMs: number, rttMs: number) {
    this.#bytesPerMs = bytesPerMs;
    this.rttMs = rttMs;
  }

  /** @param windowBytes its congestion window */
  add(windowBytes = Number.POSITIVE_INFINITY): Member {
    const [lane] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const member = new Member(lane, this.members.count);
    member.watch(this.nowMs);
    this.members.all.push(member);
    this.#windows.set(member, windowBytes);
    return member;
  }

  /** There is always more to send. @param lateMs the sender is asleep for so long out of every 20 ms */
  run(ms: number, lateMs = 0): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 1) {
      if (this.nowMs % 20 >= lateMs) this.#hear();
      if (this.nowMs % 20 >= lateMs) this.#fill();
      this.#drain();
    }
  }

  #hear(): void {
    while (this.#under[0] !== undefined && this.#under[0].atMs <= this.nowMs) {
      const { member } = this.#under.shift() as { member: Member };
      this.#flights.set(member, (this.#flights.get(member) as number) - FRAME);
      const messages = (this.#got.get(member) ?? 0) + 1;
      this.#got.set(member, messages);
      const bytes = this.members.receipt(member, messages, this.nowMs, () => {});
      this.members.laneRate.delivered(bytes, this.members.rttMs ?? 0, this.nowMs);
    }
  }

  #fill(): void {
    for (;;) {
      const member = this.members.best(FRAME, false, FRAME, [], this.nowMs);
      if (member === undefined) break;
      member.sent(this.#seq, FRAME, this.nowMs);
      this.#seq += 1;
      this.#held.push({ member, bytes: FRAME });
    }
    this.#enter();
    this.members.laneRate.limited();
    this.longestQueue = Math.max(
      this.longestQueue,
      this.#queue.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  #enter(): void {
    const stay: Waiting[] = [];
    for (const one of this.#held) {
      const flight = this.#flights.get(one.member) ?? 0;
      if (flight + one.bytes > (this.#windows.get(one.member) as number)) {
        stay.push(one);
        continue;
      }
      this.#flights.set(one.member, flight + one.bytes);
      this.#queue.push(one);
    }
    this.#held = stay;
  }

  #drain(): void {
    this.#room = Math.min(this.#room, this.#queue.length === 0 ? 0 : this.#room) + this.#bytesPerMs;
    while (this.#queue[0] !== undefined && this.#room > 0) {
      const [head] = this.#queue as [Waiting];
      const taken = Math.min(head.bytes, this.#room);
      head.bytes -= taken;
      this.#room -= taken;
      if (head.bytes > 0) break;
      this.#queue.shift();
      this.#under.push({ member: head.member, atMs: this.nowMs + this.rttMs });
    }
  }
}

/** Delivered in so long, as a share of what the path takes. */
function share(path: Path, ms: number, bytesPerMs: number, lateMs = 0): number {
  const sum = (): number => path.members.all.reduce((bytes, { deliveredBytes }) => bytes + deliveredBytes, 0);
  const before = sum();
  path.run(ms, lateMs);
  return (sum() - before) / (ms * bytesPerMs);
}

describe('a member that is alone', () => {
  it.each([
    ['352 Mbit/s, 40 ms', 44_000, 40],
    ['1 Gbit/s, 50 ms', 125_000, 50],
    ['1 Gbit/s, 4 ms', 125_000, 4],
    ['20 Mbit/s, 20 ms', 2500, 20],
  ])('fills a path of %s, and a small part of its queue', (_name, bytesPerMs, rttMs) => {
    const path = new Path(bytesPerMs, rttMs);
    const member = path.add();
    path.run(4000);
    path.longestQueue = 0;
    expect(share(path, 4000, bytesPerMs)).toBeGreaterThan(0.97);
    // What it is ahead above a round trip, which a frame's own time belongs to; two frames more; and others that are not all through yet.
    const tripMs = rttMs + FRAME / bytesPerMs;
    expect(path.longestQueue).toBeLessThan(bytesPerMs * Math.max(0.35 * tripMs, 10) + 4 * FRAME);
    expect(member.rate).toBeLessThan(1.2 * bytesPerMs);
  });

  it.each([
    [70, 'longer'],
    [120, 'much longer'],
    [25, 'shorter'],
  ])('fills the path again when it takes %d ms instead of 40 from some moment on, %s', (laterMs) => {
    const path = new Path(44_000, 40);
    path.add();
    path.run(4000);
    path.rttMs = laterMs;
    path.run(4000);
    path.longestQueue = 0;
    expect(share(path, 4000, 44_000)).toBeGreaterThan(0.95);
    expect(path.longestQueue).toBeLessThan(44_000 * 0.35 * laterMs + 4 * FRAME);
  });

  it('does not take its own queue for a longer path, however long it is there', () => {
    const path = new Path(44_000, 40);
    const member = path.add();
    path.run(60_000);
    expect(member.rttMs).toBeLessThan(44);
    path.longestQueue = 0;
    expect(share(path, 10_000, 44_000)).toBeGreaterThan(0.97);
    expect(path.longestQueue).toBeLessThan(44_000 * 0.35 * 42 + 3 * FRAME);
  });

  it('keeps a short path busy while its own end is late by some milliseconds now and then', () => {
    const path = new Path(125_000, 2);
    path.add();
    path.run(1000, 6);
    expect(share(path, 2000, 125_000, 6)).toBeGreaterThan(0.95);
  });
});

describe('members that come to one whose congestion window is three quarters of what the path takes', () => {
  it('find their share, and do not overrun a queue of one round trip', () => {
    const [bytesPerMs, rttMs] = [44_000, 40];
    const path = new Path(bytesPerMs, rttMs);
    path.add(0.75 * bytesPerMs * rttMs);
    path.run(4000);
    path.longestQueue = 0;
    const come = [path.add(), path.add(), path.add()];
    expect(share(path, 4000, bytesPerMs)).toBeGreaterThan(0.97);
    expect(path.longestQueue).toBeLessThan(bytesPerMs * rttMs);
    // More than the two frames a round trip that each is given in any case.
    const together = come.reduce((bytes, { deliveredBytes }) => bytes + deliveredBytes, 0);
    expect(together / 4000).toBeGreaterThan(0.2 * bytesPerMs);
  });

  it('fill the path again when it becomes longer, and still do not overrun its queue', () => {
    const path = new Path(44_000, 40);
    for (let i = 0; i < 4; i += 1) path.add();
    path.run(10_000);
    path.rttMs = 70;
    path.run(10_000);
    path.longestQueue = 0;
    expect(share(path, 10_000, 44_000)).toBeGreaterThan(0.95);
    expect(path.longestQueue).toBeLessThan(44_000 * 70);
    expect(path.members.rttMs).toBeGreaterThan(60);
  });
});
