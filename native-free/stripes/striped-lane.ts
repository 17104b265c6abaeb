// One lane made of several: each frame goes out once, on the member that will have delivered it first; the receiver's order window does the rest. So
// one lost packet holds up a part of what is under way instead of all of it, and the congestion windows of the members add up.
// Invariant: before it is known that the peer stripes too, it is its one member, and nothing of its own goes over the wire.
//
//   core ──trySend──▶ member with the shortest wait ──▶ … ──▶ the peer's striped lane ──▶ its core
//                        ▲ receipts (receipt.ts): how much of each member arrived ◀───────────┘
//
// A member that dies takes frames with it; those, and no others, are reported lost. A frame that a living member has is on its way, however long its
// hole lasts at the receiver: `carries` tells the repair so. No timer: `tick` is called at `dueMs`. Single thread.

import { SEQ_AT } from '../hlnk/constants.js';
import type { Lane, LaneEvents, LaneKind, SendVerdict } from '../lane.js';
import { type Carried, Member } from './member.js';
import { encodeReceipt, readReceipt } from './receipt.js';

/** Largest frame once messages are watched, head included, bytes: small against what a member has on its way… */
const FEW_FRAME_BYTES = 61_440;
/** …which is less where it takes many of them: one that carries 0.25 MiB/s takes 100 ms for one. */
const MANY_FRAME_BYTES = 24_576;
const MANY = 5;
/** Messages this large are receipted one by one, bytes… */
const RECEIPT_AT_ONCE_BYTES = 4096;
/** …and smaller ones after this many, or this long, ms. */
const RECEIPT_AFTER_MESSAGES = 8;
const RECEIPT_AFTER_MS = 20;
/** How often it is looked whether everything waits for what is late on one member, ms; and what is late: so long after it was sent, ms, and so many round trips. */
const AGAIN_MS = 50;
const LEAST_LATE_MS = 100;
const LATE_ROUND_TRIPS = 3;
/** A member that delivers nothing for so long while another one does is given up, ms: far beyond what its own repair of a loss takes. */
const STUCK_MS = 5000;
/** How often its owner takes a look at a lane that is in use, ms. */
const REVIEW_MS = 250;

export interface StripedLaneEvents extends LaneEvents {
  /** Frames from `from` up to, not including, `end` were on a member that is gone, those that {@link StripedLane.carries} denies. */
  lost(lane: Lane, from: number, end: number): void;
  /** Its largest frame is another one now. */
  resized(lane: Lane): void;
  /** This member is of no use any more. Its owner closes it and then calls {@link StripedLane.remove}. */
  stuck(member: Lane): void;
  /** The lane carried something since the last look. @returns whether to look again even if it carries nothing meanwhile */
  review(nowMs: number): boolean;
  /** `tick` is to be called at this time, which is earlier than the one said before. */
  wake(atMs: number): void;
}

export class StripedLane implements Lane {
  readonly kind: LaneKind;
  readonly sid: string;
  readonly #events: StripedLaneEvents;
  readonly #now: () => number;
  readonly #members: Member[] = [];
  /** Which member has a frame, by sequence number, as far as they are watched; in the order they were given. */
  readonly #on = new Map<number, Carried>();
  /** Frames the first member took while it was alone: from the first one up to, not including, the last one's successor. */
  #soloFrom = 0;
  #soloEnd = 0;
  #soloOn: Member | undefined;
  /** Receipts are sent, and each message is watched. */
  #striped = false;
  /** Messages heard since the last receipt. */
  #owed = 0;
  #turn = 0;
  #refused = false;
  /** A frame was refused since the last review. */
  #limited = false;
  #closed = false;
  #used = false;
  #wakeMs = Number.POSITIVE_INFINITY;
  #receiptMs = Number.POSITIVE_INFINITY;
  #reviewMs = Number.POSITIVE_INFINITY;
  #againMs = Number.POSITIVE_INFINITY;

  /** @param now a clock that does not go back, ms */
  constructor(first: Lane, now: () => number, events: StripedLaneEvents) {
    this.kind = first.kind;
    this.sid = first.sid;
    this.#now = now;
    this.#events = events;
    this.#members.push(new Member(first, 0));
  }

  get members(): number {
    return this.#members.length;
  }
  get lanes(): Lane[] {
    return this.#members.map(({ lane }) => lane);
  }

  get maxFrameBytes(): number {
    let bytes = this.#striped ? this.#frameBytes : Number.POSITIVE_INFINITY;
    for (const { lane } of this.#members) bytes = Math.min(bytes, lane.maxFrameBytes);
    return bytes;
  }

  get #few(): boolean {
    return this.#members.length < MANY;
  }
  get #frameBytes(): number {
    return this.#few ? FEW_FRAME_BYTES : MANY_FRAME_BYTES;
  }

  /** Whether every member has been as busy as it may be since the last time this was asked. */
  takeLimited(): boolean {
    const limited = this.#limited;
    this.#limited = false;
    return limited;
  }

  /** The peer stripes too: from now on each side says what it has, and no member is given more than it is about to deliver. */
  begin(): void {
    this.#stripe(this.#now());
    this.#tell(this.#members[0] as Member);
  }

  /** Another member is up. @param id what both ends call it, above 0 */
  add(lane: Lane, id: number): void {
    if (this.#closed) {
      lane.close();
      return;
    }
    const nowMs = this.#now();
    this.#stripe(nowMs);
    const member = new Member(lane, id);
    member.watch(nowMs);
    this.#members.push(member);
    if (this.#members.length === MANY) this.#events.resized(this);
    this.#events.writable(this);
  }

  /** A member is gone. @returns false when it was none */
  remove(lane: Lane, reason: string): boolean {
    const index = this.#members.findIndex((member) => member.lane === lane);
    if (index < 0 || this.#closed) return false;
    const [member] = this.#members.splice(index, 1) as [Member];
    if (this.#members.length === 0) {
      this.#closed = true;
      this.#on.clear();
      this.#events.closed(this, reason);
      return true;
    }
    let from = Number.POSITIVE_INFINITY;
    let end = 0;
    member.eachCarried((seq) => {
      if (this.#on.get(seq)?.member !== member) return;
      this.#on.delete(seq);
      from = Math.min(from, seq);
      end = Math.max(end, seq + 1);
    });
    if (this.#soloOn === member) {
      if (member.inTheDark && this.#soloEnd > this.#soloFrom) {
        from = Math.min(from, this.#soloFrom);
        end = Math.max(end, this.#soloEnd);
      }
      this.#soloOn = undefined;
    }
    this.#events.resized(this);
    if (from < end) this.#events.lost(this, from, end);
    this.#events.writable(this);
    return true;
  }

  /** A message came in on a member. */
  received(lane: Lane, message: Uint8Array, lasting: boolean): void {
    const member = this.#memberOf(lane);
    if (member === undefined) return;
    if (readReceipt(message, this.#receipted)) {
      this.#stripe(this.#now());
      if (this.#refused && this.#members.some((one) => one.takesMore(this.#frameBytes))) this.#wanted();
      return;
    }
    member.heardMessages += 1;
    if (this.#striped) this.#owe(member, message.length);
    if (message.length >= RECEIPT_AT_ONCE_BYTES && !this.#used) this.#use(this.#now());
    this.#events.frame(this, message, lasting);
  }

  /** A member was full and takes messages again. */
  writable(lane: Lane): void {
    if (this.#memberOf(lane) !== undefined) this.#wanted();
  }

  /** The frame is on a member that is alive, so it is not lost, and neither is it there yet as far as is known. */
  carries(seq: number): boolean {
    if (this.#on.has(seq)) return true;
    return this.#soloOn?.inTheDark === true && seq >= this.#soloFrom && seq < this.#soloEnd;
  }

  trySend(frame: Uint8Array, urgent = false): SendVerdict {
    if (this.#closed) return 'closed';
    const nowMs = this.#now();
    if (!urgent) this.#use(nowMs);
    if (!this.#striped) return this.#sendAlone(frame, urgent);
    const verdict = this.#sendStriped(frame, urgent, nowMs);
    if (verdict === 'full') {
      this.#refused = true;
      this.#limited = true;
    }
    return verdict;
  }

  bufferedBytes(): number {
    return this.#members.reduce((bytes, { lane }) => bytes + lane.bufferedBytes(), 0);
  }

  close(): void {
    this.#closed = true;
    this.#on.clear();
    for (const { lane } of this.#members.splice(0)) lane.close();
  }

  /** When {@link tick} must be called, ms; Infinity while nothing waits. */
  get dueMs(): number {
    let atMs = Math.min(this.#receiptMs, this.#reviewMs, this.#againMs);
    if (this.#striped && this.#members.length > 1) {
      for (const member of this.#members) if (member.busy) atMs = Math.min(atMs, member.progressMs + STUCK_MS);
    }
    return atMs;
  }

  tick(nowMs: number): void {
    this.#wakeMs = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    if (nowMs >= this.#receiptMs) {
      this.#receiptMs = Number.POSITIVE_INFINITY;
      if (this.#owed > 0) this.#tell(this.#next());
    }
    if (nowMs >= this.#reviewMs) {
      this.#reviewMs = Number.POSITIVE_INFINITY;
      this.#used = false;
      if (this.#events.review(nowMs)) this.#use(nowMs);
    }
    if (nowMs >= this.#againMs) {
      this.#againMs = this.#on.size > 0 && this.#members.length > 1 ? nowMs + AGAIN_MS : Number.POSITIVE_INFINITY;
      this.#sendAgain(nowMs);
    }
    this.#giveUpStuck(nowMs);
    if (!this.#closed) this.#wake(this.dueMs);
  }

  #sendAlone(frame: Uint8Array, urgent: boolean): SendVerdict {
    const member = this.#members[0] as Member;
    const verdict = member.lane.trySend(frame, urgent);
    if (verdict === 'full') this.#limited = true;
    if (verdict !== 'taken') return verdict;
    const seq = seqOf(frame);
    member.sent(seq, frame.length, 0);
    if (seq > 0) {
      // What was sent again, or on another lane in between, is not of the run.
      if (seq !== this.#soloEnd) this.#soloFrom = seq;
      this.#soloEnd = seq + 1;
    }
    return verdict;
  }

  #sendStriped(frame: Uint8Array, urgent: boolean, nowMs: number): SendVerdict {
    const passed: Member[] = [];
    let gone = 0;
    for (;;) {
      const member = this.#best(frame.length, urgent, passed);
      if (member === undefined) return gone === this.#members.length ? 'closed' : 'full';
      const verdict = member.lane.trySend(frame, urgent);
      if (verdict === 'taken') {
        const seq = seqOf(frame);
        const carried = member.sent(seq, frame.length, nowMs);
        if (seq > 0 && carried !== undefined) this.#on.set(seq, carried);
        if (this.#members.length > 1 && this.#againMs === Number.POSITIVE_INFINITY) {
          this.#againMs = nowMs + AGAIN_MS;
          this.#wake(this.#againMs);
        }
        return verdict;
      }
      if (verdict === 'oversize') return verdict;
      if (verdict === 'closed') gone += 1;
      passed.push(member);
    }
  }

  /** The member that would have delivered first, of those that may be given more; of equals each in turn, so that no loss holds up all that is urgent. */
  #best(bytes: number, urgent: boolean, passed: readonly Member[]): Member | undefined {
    let best: Member | undefined;
    let bestMs = Number.POSITIVE_INFINITY;
    const count = this.#members.length;
    this.#turn += 1;
    for (let i = 0; i < count; i += 1) {
      const member = this.#members[(this.#turn + i) % count] as Member;
      if (passed.includes(member)) continue;
      if (!urgent && !member.takesMore(this.#frameBytes)) {
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

  /** Any member, another one each time. */
  #next(): Member {
    this.#turn += 1;
    return this.#members[this.#turn % this.#members.length] as Member;
  }

  readonly #receipted = (id: number, messages: number): void => {
    const member = this.#members.find((one) => one.id === id);
    member?.receipt(messages, this.#now(), (seq) => {
      if (this.#on.get(seq)?.member === member) this.#on.delete(seq);
    });
  };

  #use(nowMs: number): void {
    if (this.#used) return;
    this.#used = true;
    this.#reviewMs = nowMs + REVIEW_MS;
    this.#wake(this.#reviewMs);
  }

  #wanted(): void {
    this.#refused = false;
    this.#events.writable(this);
  }

  #stripe(nowMs: number): void {
    if (this.#striped) return;
    this.#striped = true;
    for (const member of this.#members) member.watch(nowMs);
    this.#soloOn = this.#members[0];
    this.#events.resized(this);
  }

  #owe(member: Member, bytes: number): void {
    this.#owed += 1;
    if (bytes >= RECEIPT_AT_ONCE_BYTES || this.#owed >= RECEIPT_AFTER_MESSAGES) {
      this.#tell(member);
      return;
    }
    if (this.#receiptMs !== Number.POSITIVE_INFINITY) return;
    this.#receiptMs = this.#now() + RECEIPT_AFTER_MS;
    this.#wake(this.#receiptMs);
  }

  /** Says on this member what has arrived on all of them. */
  #tell(member: Member): void {
    if (member.lane.trySend(encodeReceipt(this.#members), true) === 'taken') this.#owed = 0;
  }

  /**
   * Nobody has anything to send that is new, and members have nothing to do: everything waits for what is late on others. The oldest of that goes out a second
   * time, on those that are free; whichever arrives first counts.
   */
  #sendAgain(nowMs: number): void {
    if (this.#refused) return;
    let freeBytes = 0;
    let lateMs = LEAST_LATE_MS;
    for (const member of this.#members) {
      if (member.aheadBytes === 0 && !member.inTheDark) freeBytes += member.mayAheadBytes(this.#frameBytes);
      lateMs = Math.max(lateMs, LATE_ROUND_TRIPS * (member.rttMs ?? 0));
    }
    const again: number[] = [];
    for (const [seq, { member, bytes, sentMs }] of this.#on) {
      if (freeBytes <= 0) break;
      if (nowMs - sentMs < lateMs || member.aheadBytes === 0) continue;
      freeBytes -= bytes;
      again.push(seq);
    }
    for (const seq of again) this.#on.delete(seq);
    for (const seq of again) this.#events.lost(this, seq, seq + 1);
  }

  #giveUpStuck(nowMs: number): void {
    if (!this.#striped) return;
    const latestMs = this.#members.reduce((latest, { progressMs }) => Math.max(latest, progressMs), 0);
    for (const member of [...this.#members]) {
      if (this.#members.length < 2) return;
      // While nothing moves on any of them it is not the member but the path, and others judge that.
      if (member.busy && nowMs - member.progressMs >= STUCK_MS && latestMs - member.progressMs >= STUCK_MS / 2)
        this.#events.stuck(member.lane);
    }
  }

  #memberOf(lane: Lane): Member | undefined {
    for (let i = 0; i < this.#members.length; i += 1) {
      const member = this.#members[i] as Member;
      if (member.lane === lane) return member;
    }
    return undefined;
  }

  #wake(atMs: number): void {
    if (atMs >= this.#wakeMs) return;
    this.#wakeMs = atMs;
    this.#events.wake(atMs);
  }
}

/** Of a whole frame, which the core made. */
function seqOf(frame: Uint8Array): number {
  const high =
    ((frame[SEQ_AT] as number) << 24) |
    ((frame[SEQ_AT + 1] as number) << 16) |
    ((frame[SEQ_AT + 2] as number) << 8) |
    (frame[SEQ_AT + 3] as number);
  const at = SEQ_AT + 4;
  const low =
    ((frame[at] as number) << 24) | ((frame[at + 1] as number) << 16) | ((frame[at + 2] as number) << 8) | (frame[at + 3] as number);
  return (high >>> 0) * 0x1_0000_0000 + (low >>> 0);
}
