// The members of a striped lane, and whose turn it is: which one gets the next frame, what is late on one of them while others have nothing to do, and which
// one stands still. No clock. Single thread.

import type { Lane } from '../lane.js';
import { LaneRate } from './lane-rate.js';
import type { Carried, Member } from './member.js';

/** What is late: so long after it was sent, ms, and so many round trips. */
const LEAST_LATE_MS = 100;
const LATE_ROUND_TRIPS = 3;
/** How far ahead of its deliveries a new member may be, round trips: a window that doubles within each is two, and what was measured is one old. */
const HEAD_START = 2.5;
/** A member that delivers nothing for so long while another one does is given up, ms: far beyond what its own repair of a loss takes. */
const STUCK_MS = 5000;
/** A member's path does not carry its packets when a probe is not there after this long, ms: a lost one was sent again by then… */
const PROBE_MS = 3000;
/** …or after so many round trips, and this long, ms, when so many probes are missing and none ever arrived: they were not all lost. */
const PROBES = 3;
const PROBES_ROUND_TRIPS = 4;
const PROBES_MS = 1000;
/** A member that ends so soon says nothing of its path, ms. */
const DOUBT_MS = 400;
/** A member that delivered nothing for so many round trips has lost something and waits for it. */
const STALLED_ROUND_TRIPS = 1.5;

export class Members {
  readonly all: Member[] = [];
  readonly laneRate = new LaneRate();
  #turn = 0;
  /** A probe arrived. */
  #proven = false;

  get count(): number {
    return this.all.length;
  }
  /** Those that may be given something. */
  get proven(): number {
    return this.all.reduce((count, { unproven }) => count + (unproven ? 0 : 1), 0);
  }
  get busy(): boolean {
    return this.all.some((member) => member.busy);
  }

  of(lane: Lane): Member | undefined {
    // With every message: an index, since a closure would be an allocation.
    for (let i = 0; i < this.all.length; i += 1) {
      const member = this.all[i] as Member;
      if (member.lane === lane) return member;
    }
    return undefined;
  }

  byId(id: number): Member | undefined {
    return this.all.find((member) => member.id === id);
  }

  /**
   * The member that would have delivered first, of those that may be given more; of equals each in turn, so that no loss holds up all that is urgent.
   * @param passed those that refused
   */
  best(bytes: number, urgent: boolean, frameBytes: number, passed: readonly Member[], nowMs: number): Member | undefined {
    const headStart = urgent ? 0 : this.headStart(nowMs);
    let best: Member | undefined;
    let bestMs = Number.POSITIVE_INFINITY;
    const { count } = this;
    this.#turn += 1;
    for (let i = 0; i < count; i += 1) {
      const member = this.all[(this.#turn + i) % count] as Member;
      if (passed.includes(member) || member.unproven) continue;
      if (!urgent && !member.takesMore(frameBytes, headStart)) {
        member.limited = true;
        continue;
      }
      const waitMs = member.inTheDark ? Number.MAX_VALUE : member.aheadBytes === 0 && urgent ? 0 : member.waitMs(bytes);
      if (best !== undefined && waitMs >= bestMs) continue;
      best = member;
      bestMs = waitMs;
    }
    return best;
  }

  /** Shortest round trip of any member, ms; undefined before the first. */
  get rttMs(): number | undefined {
    let shortest: number | undefined;
    for (const { rttMs } of this.all) if (rttMs !== undefined && (shortest === undefined || rttMs < shortest)) shortest = rttMs;
    return shortest;
  }

  /** Several members together have as much on its way as they deliver. What is with one that delivers nothing at present does not count, unless none does. */
  #full(nowMs: number): boolean {
    const { rttMs } = this;
    if (this.proven === 1 || rttMs === undefined) return false;
    const stalledMs = Math.max(LEAST_LATE_MS, STALLED_ROUND_TRIPS * rttMs);
    let ahead = 0;
    let stalled = 0;
    for (const { claimedBytes, progressMs } of this.all) {
      if (nowMs - progressMs < stalledMs) ahead += claimedBytes;
      else stalled += claimedBytes;
    }
    return (ahead > 0 ? ahead : stalled) >= this.laneRate.fullBytes(rttMs);
  }

  /** How far ahead of its deliveries a new member may be, round trips; 0 where the path takes no more. */
  headStart(nowMs: number): number {
    return this.#full(nowMs) ? 0 : HEAD_START;
  }

  /** The peer has so many messages of this member. @param arrived called with each sequence number that is no longer on its way @returns bytes of them */
  receipt(member: Member, messages: number, nowMs: number, arrived: (seq: number) => void): number {
    const { deliveredBytes: before, unproven } = member;
    member.receipt(messages, nowMs, arrived);
    if (unproven && !member.unproven) this.#proven = true;
    if (member.doubtful) for (const one of this.all) one.probe();
    const bytes = member.deliveredBytes - before;
    if (bytes > 0) this.laneRate.took(member.tookMs);
    return bytes;
  }

  /** Whether one of them may be given another frame. */
  takeMore(frameBytes: number, nowMs: number): boolean {
    const headStart = this.headStart(nowMs);
    return this.all.some((member) => member.takesMore(frameBytes, headStart));
  }

  /** @param on frames on their way, oldest first @returns those that are late, no more than the members that have nothing to do could take */
  late(on: Iterable<[number, Carried]>, frameBytes: number, nowMs: number): number[] {
    let freeBytes = 0;
    let lateMs = LEAST_LATE_MS;
    for (const member of this.all) {
      if (member.aheadBytes === 0 && !member.inTheDark) freeBytes += member.mayAheadBytes(frameBytes, HEAD_START);
      lateMs = Math.max(lateMs, LATE_ROUND_TRIPS * (member.rttMs ?? 0));
    }
    const late: number[] = [];
    if (freeBytes === 0) return late;
    for (const [seq, { bytes, sentMs }] of on) {
      if (freeBytes <= 0) break;
      if (nowMs - sentMs < lateMs) continue;
      freeBytes -= bytes;
      late.push(seq);
    }
    return late;
  }

  /** Members that stand still. While nothing moves on any of them it is not the member but the path, and others judge that. */
  stuck(nowMs: number): Member[] {
    const used = this.all.filter(({ unproven }) => !unproven);
    const latestMs = used.reduce((latest, { progressMs }) => Math.max(latest, progressMs), 0);
    const stuck = used.filter(({ busy, progressMs }) => busy && nowMs - progressMs >= STUCK_MS && latestMs - progressMs >= STUCK_MS / 2);
    return stuck.length < used.length ? stuck : [];
  }

  /** Members whose path has not carried a probe. */
  refused(nowMs: number): Member[] {
    const waiting = (ms: number): Member[] => this.all.filter(({ unproven, progressMs }) => unproven && nowMs - progressMs >= ms);
    const { rttMs } = this;
    const together = this.#proven || rttMs === undefined ? [] : waiting(Math.max(PROBES_MS, PROBES_ROUND_TRIPS * rttMs));
    return together.length >= PROBES ? together : waiting(Math.max(PROBE_MS, 2 * PROBES_ROUND_TRIPS * (rttMs ?? 0)));
  }

  /** Whether it may be for its path that this member ends. */
  doubted(lane: Lane, nowMs: number): boolean {
    const member = this.of(lane);
    return member?.unproven === true && nowMs - member.progressMs >= DOUBT_MS;
  }
}
