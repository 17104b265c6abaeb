// One lane made of several: each frame goes out once, on the member that will have delivered it first; the receiver's order window does the rest. So
// one lost packet holds up a part of what is under way instead of all of it, and the congestion windows of the members add up.
// Invariant: before it is known that the peer stripes too, it is its one member, and nothing of its own goes over the wire.
//
//   core ──trySend──▶ member with the shortest wait ──▶ … ──▶ the peer's striped lane ──▶ its core
//                        ▲ receipts (receipt.ts): how much of each member arrived ◀───────────┘
//
// A member that dies takes frames with it; those, and no others, are reported lost. A frame that a living member has is on its way, however long its
// hole lasts at the receiver: `carries` tells the repair so. No timer: `tick` is called at `dueMs`. Single thread.

import type { Lane, LaneEvents, LaneKind, SendVerdict } from '../lane.js';
import { Member } from './member.js';
import { Members } from './members.js';
import { OnItsWay, seqOf } from './on-its-way.js';
import { encodePathProbe, isPathProbe } from './path-probe.js';
import { encodeReceipt, readReceipt } from './receipt.js';

/** Largest frame once messages are watched, head included, bytes: small against what a member has on its way… */
const LARGE_FRAME_BYTES = 61_440;
/** …which is less where it takes many of them, and on a slow path: a member that carries 0.25 MiB/s takes 100 ms for one. */
const SMALL_FRAME_BYTES = 24_576;
const MANY = 5;
/** Messages this large are receipted one by one, bytes… */
const RECEIPT_AT_ONCE_BYTES = 4096;
/** …and smaller ones after this many, or this long, ms. */
const RECEIPT_AFTER_MESSAGES = 8;
const RECEIPT_AFTER_MS = 20;
/** How often it is looked whether everything waits for what is late on one member, ms. */
const LOOK_MS = 50;
/** How often its owner takes a look at a lane that is in use, ms. */
const REVIEW_MS = 50;

const NOBODY: readonly Member[] = [];

export interface StripedLaneEvents extends LaneEvents {
  /** Frames from `from` up to, not including, `end` were on a member that is gone, those that {@link StripedLane.carries} denies. */
  lost(lane: Lane, from: number, end: number): void;
  /** Its largest frame is another one now. */
  resized(lane: Lane): void;
  /** This member is of no use any more. Its owner closes it and then calls {@link StripedLane.remove}. */
  stuck(member: Lane): void;
  /** This member's packets are too large for its path. Its owner closes it and then calls {@link StripedLane.remove}. */
  tooWide(member: Lane): void;
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
  readonly #members = new Members();
  readonly #on = new OnItsWay();
  /** Receipts are sent, and each message is watched. */
  #striped = false;
  /** Delivered, as the receipt says that is being read, bytes. */
  #newsBytes = 0;
  /** And as all of them said so far. */
  #deliveredBytes = 0;
  /** Messages heard since the last receipt, and where the last one came in: that member is alive, another one may stand still. */
  #owed = 0;
  #heardOn: Member | undefined;
  #refused = false;
  /** A frame was refused since the last review. */
  #limited = false;
  #closed = false;
  /** Frames are small for the path's sake, as far as the core knows. */
  #slow = false;
  #used = false;
  #wakeMs = Number.POSITIVE_INFINITY;
  #receiptMs = Number.POSITIVE_INFINITY;
  #reviewMs = Number.POSITIVE_INFINITY;
  #lookMs = Number.POSITIVE_INFINITY;

  /** @param now a clock that does not go back, ms */
  constructor(first: Lane, now: () => number, events: StripedLaneEvents) {
    this.kind = first.kind;
    this.sid = first.sid;
    this.#now = now;
    this.#events = events;
    this.#members.all.push(new Member(first, 0));
  }

  get members(): number {
    return this.#members.count;
  }
  /** Those whose path is known to carry their packets. */
  get proven(): number {
    return this.#members.proven;
  }
  get lanes(): Lane[] {
    return this.#members.all.map(({ lane }) => lane);
  }

  /** What members brought to the peer, in whatever order, bytes; what several of them brought counts each time. Since {@link begin}. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  get maxFrameBytes(): number {
    let bytes = this.#striped ? this.#frameBytes : Number.POSITIVE_INFINITY;
    for (const { lane } of this.#members.all) bytes = Math.min(bytes, lane.maxFrameBytes);
    return bytes;
  }

  get #few(): boolean {
    return this.#members.count < MANY;
  }
  get #frameBytes(): number {
    return this.#few && !this.#slow ? LARGE_FRAME_BYTES : SMALL_FRAME_BYTES;
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
  }

  /**
   * Another member is up.
   * @param id what both ends call it, above 0
   * @param probeBytes what its path has to carry before anything else is entrusted to it; 0: nothing
   */
  add(lane: Lane, id: number, probeBytes = 0): void {
    if (this.#closed) {
      lane.close();
      return;
    }
    const nowMs = this.#now();
    this.#stripe(nowMs);
    const member = new Member(lane, id);
    member.watch(nowMs);
    this.#members.all.push(member);
    if (probeBytes > 0) this.#probe(member, probeBytes, nowMs);
    if (this.#members.count === MANY) this.#events.resized(this);
    this.#events.writable(this);
  }

  /** Whether the member's path has not shown for a while that it carries its packets. */
  doubted(lane: Lane): boolean {
    return this.#members.doubted(lane, this.#now());
  }

  /** Whether anything is entrusted to the member. */
  inUse(lane: Lane): boolean {
    return this.#members.of(lane)?.unproven === false;
  }

  /** A member is gone. @returns false when it was none */
  remove(lane: Lane, reason: string): boolean {
    const index = this.#members.all.findIndex((member) => member.lane === lane);
    if (index < 0 || this.#closed) return false;
    const [member] = this.#members.all.splice(index, 1) as [Member];
    if (this.#heardOn === member) this.#heardOn = undefined;
    // Those that are still to show what their path carries cannot take over.
    if (this.#members.proven === 0) {
      this.close();
      this.#events.closed(this, reason);
      return true;
    }
    const lost = this.#on.lostWith(member);
    this.#events.resized(this);
    if (lost !== undefined) this.#events.lost(this, ...lost);
    this.#events.writable(this);
    return true;
  }

  /** A message came in on a member. */
  received(lane: Lane, message: Uint8Array, lasting: boolean): void {
    const member = this.#members.of(lane);
    if (member === undefined) return;
    this.#newsBytes = 0;
    if (readReceipt(message, this.#receipted)) {
      this.#deliveredBytes += this.#newsBytes;
      const { rttMs } = this.#members;
      if (rttMs !== undefined) this.#members.laneRate.delivered(this.#newsBytes, rttMs, this.#now());
      if (this.#refused && this.#members.takeMore(this.#frameBytes, this.#now())) this.#wanted();
      return;
    }
    member.heardMessages += 1;
    if (this.#striped) this.#owe(member, message.length);
    if (isPathProbe(message)) {
      this.#tell(member);
      // There may be much before it on that one; on this one, if anything, only our own probe.
      if (member.unproven) member.lane.trySend(encodeReceipt(this.#members.all), true);
      return;
    }
    if (message.length >= RECEIPT_AT_ONCE_BYTES && !this.#used) this.#use(this.#now());
    this.#events.frame(this, message, lasting);
  }

  /** A member was full and takes messages again. */
  writable(lane: Lane): void {
    if (this.#members.of(lane) !== undefined) this.#wanted();
  }

  /** The frame is on a member that is alive, so it is not lost, and neither is it there yet as far as is known. */
  carries(seq: number): boolean {
    return this.#on.has(seq);
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
      this.#members.laneRate.limited();
    }
    return verdict;
  }

  bufferedBytes(): number {
    return this.#members.all.reduce((bytes, { lane }) => bytes + lane.bufferedBytes(), 0);
  }

  close(): void {
    this.#closed = true;
    this.#on.clear();
    for (const { lane } of this.#members.all.splice(0)) lane.close();
  }

  /** When {@link tick} must be called, ms; Infinity while nothing waits. */
  get dueMs(): number {
    return Math.min(this.#receiptMs, this.#reviewMs, this.#lookMs);
  }

  tick(nowMs: number): void {
    this.#wakeMs = Number.POSITIVE_INFINITY;
    if (this.#closed) return;
    if (nowMs >= this.#receiptMs) {
      this.#receiptMs = Number.POSITIVE_INFINITY;
      if (this.#owed > 0)
        this.#tell(this.#heardOn ?? this.#members.best(0, true, this.#frameBytes, NOBODY, nowMs) ?? (this.#members.all[0] as Member));
    }
    if (nowMs >= this.#reviewMs) {
      this.#reviewMs = Number.POSITIVE_INFINITY;
      this.#used = false;
      this.#sizeFrames();
      if (this.#events.review(nowMs)) this.#use(nowMs);
    }
    if (nowMs >= this.#lookMs) {
      const busy = this.#members.count > 1 && this.#members.busy;
      this.#lookMs = busy ? nowMs + LOOK_MS : Number.POSITIVE_INFINITY;
      this.#sendAgain(nowMs);
      for (const member of this.#members.stuck(nowMs)) this.#events.stuck(member.lane);
      for (const member of this.#members.refused(nowMs)) this.#events.tooWide(member.lane);
    }
    if (!this.#closed) this.#wake(this.dueMs);
  }

  #sizeFrames(): void {
    const { slow } = this.#members.laneRate;
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#events.resized(this);
  }

  #sendAlone(frame: Uint8Array, urgent: boolean): SendVerdict {
    const member = this.#members.all[0] as Member;
    const verdict = member.lane.trySend(frame, urgent);
    if (verdict === 'full') this.#limited = true;
    if (verdict !== 'taken') return verdict;
    const seq = seqOf(frame);
    member.sent(seq, frame.length, 0);
    if (seq > 0) this.#on.tookAlone(seq);
    return verdict;
  }

  #sendStriped(frame: Uint8Array, urgent: boolean, nowMs: number): SendVerdict {
    let passed = NOBODY;
    let gone = 0;
    for (;;) {
      const member = this.#members.best(frame.length, urgent, this.#frameBytes, passed, nowMs);
      if (member === undefined) return gone === this.#members.proven ? 'closed' : 'full';
      const verdict = member.lane.trySend(frame, urgent);
      if (verdict === 'taken') {
        const seq = seqOf(frame);
        const carried = member.sent(seq, frame.length, nowMs);
        if (seq > 0 && carried !== undefined) this.#on.took(carried);
        if (this.#members.count > 1) this.#lookSoon(nowMs);
        return verdict;
      }
      if (verdict === 'oversize') return verdict;
      // One that ended just now may have been taken out already.
      if (verdict === 'closed' && this.#members.all.includes(member)) gone += 1;
      passed = [...passed, member];
    }
  }

  readonly #receipted = (id: number, messages: number): void => {
    // Of what was sent before this side knew that the peer stripes nothing is known but the count.
    this.#stripe(this.#now());
    const member = this.#members.byId(id);
    if (member === undefined) return;
    this.#newsBytes += this.#members.receipt(member, messages, this.#now(), (seq) => this.#on.arrived(seq, member));
  };

  #probe(member: Member, bytes: number, nowMs: number): void {
    member.unproven = true;
    if (member.lane.trySend(encodePathProbe(bytes), true) === 'taken') member.sent(0, bytes, nowMs);
    this.#lookSoon(nowMs);
  }

  #lookSoon(nowMs: number): void {
    if (this.#lookMs !== Number.POSITIVE_INFINITY) return;
    this.#lookMs = nowMs + LOOK_MS;
    this.#wake(this.#lookMs);
  }

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
    for (const member of this.#members.all) member.watch(nowMs);
    const [first] = this.#members.all as [Member];
    this.#on.watch(first);
    this.#events.resized(this);
    // Whichever side knew first waits for what had arrived by now: with the next message it would be told too late, since it may send none.
    this.#tell(first);
  }

  #owe(member: Member, bytes: number): void {
    this.#owed += 1;
    if (!member.unproven) this.#heardOn = member;
    if (bytes >= RECEIPT_AT_ONCE_BYTES || this.#owed >= RECEIPT_AFTER_MESSAGES) {
      this.#tell(member);
      return;
    }
    this.#tellLater();
  }

  /** Says on this member what has arrived on all of them. */
  #tell(on: Member): void {
    // On an unproven one it might wait behind the probe for ever.
    const member = on.unproven ? (this.#members.all.find(({ unproven }) => !unproven) ?? on) : on;
    if (member.lane.trySend(encodeReceipt(this.#members.all), true) === 'taken') this.#owed = 0;
    else this.#tellLater();
  }

  #tellLater(): void {
    if (this.#receiptMs !== Number.POSITIVE_INFINITY) return;
    this.#receiptMs = this.#now() + RECEIPT_AFTER_MS;
    this.#wake(this.#receiptMs);
  }

  /**
   * Nobody has anything to send that is new, and members have nothing to do: everything waits for what is late on others. The oldest of that goes out a second
   * time, on those that are free; whichever arrives first counts.
   */
  #sendAgain(nowMs: number): void {
    if (this.#refused) return;
    const late = this.#members.late(this.#on, this.#frameBytes, nowMs);
    this.#on.forget(late);
    for (const seq of late) this.#events.lost(this, seq, seq + 1);
  }

  #wake(atMs: number): void {
    if (atMs >= this.#wakeMs) return;
    this.#wakeMs = atMs;
    this.#events.wake(atMs);
  }
}
