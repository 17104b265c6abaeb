// One member of a striped lane: what it was given and the peer has not got from it yet, how fast it delivers, and how much it may therefore be
// given. The peer's receipts say what arrived. A member is kept a little more than a round trip ahead of what it delivers: enough for its congestion
// window to grow, too little for frames to grow old in its queue, and for a queue of the path to grow fast: every 200 ms the stack takes what is older than
// its average round trip and four times the deviation for lost, and goes on at half the rate (perf/README.md, "Timeouts without a loss"). No clock. Single thread.

import type { Lane } from '../lane.js';
import { RoundTrip } from './round-trip.js';

/** How far ahead of its deliveries a member is kept: so many round trips, the shortest there was… */
const AHEAD_ROUND_TRIPS = 1.3;
/** …or one and this long, ms, which is longer on short paths: busy machines at both ends are late by as much… */
const LATE_MS = 8;
/**
 * …while it is new and its rate grows, by its head start ({@link Members.headStart}), or by those round trips times the growth of the last measurement in which it was
 * limited, whichever is less, up to so many bytes: what is measured is a round trip old, and the window has grown meanwhile…
 */
const STARTING_BYTES = 1_048_576;
/** …that is until so many measurements in a row were not above the one before by this factor… */
const STARTING_FLAT = 3;
const STARTING_GROWTH = 1.25;
/** …and so many frames, without which a slow one would never show that it can do more. */
const AHEAD_FRAMES = 2;
/** …but for a moment now and then only so many, so that no queue of ours is left and the round trip can be seen. */
const EMPTY_ROUND_TRIPS = 0.75;
/** Most of it, bytes: what a member may hold when its rate was overrated. */
const MOST_AHEAD_BYTES = 8_388_608;
/** A rate is measured over at least this long, ms; on a shorter path over more than one round trip. */
const RATE_OVER_MS = 20;
/** With nothing on its way for longer than this it was idle, ms: that is no time of its rate. Shorter, and its next frames are only late. */
const IDLE_MS = 5;
/** What is left of the best rate after each measurement that was below it. */
const RATE_DECAY = 0.9;
/** And how much it may grow with one: what a repair held up comes all at once. */
const RATE_GROWTH = 1.5;
/** A rate that may grow from nothing, bytes per ms. */
const FIRST_RATE = 1000;
/** The round trip before one was measured, ms. */
const UNKNOWN_RTT_MS = 50;
/** What every member is trusted with, bytes per ms: it must be given something to show more. */
const UNKNOWN_RATE = 250;

/** A message on its way. */
export interface Carried {
  readonly seq: number;
  readonly bytes: number;
  readonly sentMs: number;
  readonly member: Member;
}

export class Member {
  readonly lane: Lane;
  /** What both ends call it. */
  readonly id: number;
  /** Handed to the lane since it opened, receipts not counted. */
  sentMessages = 0;
  /** Arrived on it since it opened, receipts not counted. */
  heardMessages = 0;
  /** Bytes on their way, as far as they are watched. */
  aheadBytes = 0;
  /** Bytes delivered, as far as they were watched. */
  deliveredBytes = 0;
  /** What it delivers when it is kept busy, bytes per ms. */
  rate = 0;
  /** What the newest message that arrived took, there and back, ms. */
  tookMs = 0;
  /** Last receipt that was news, or moment from which one was to be expected, ms. */
  progressMs = 0;
  /** It was refused more while it was as far ahead as it may be. */
  limited = false;
  /** It carries nothing but a probe of its path so far ({@link ./path-probe.ts}). */
  unproven = false;
  readonly #trip = new RoundTrip();
  readonly #carried: Carried[] = [];
  #firstCarried = 0;
  /** Messages handed to the lane before they were watched one by one. */
  #unwatched = 0;
  #watching = false;
  #receipted = 0;
  #rateSinceMs = 0;
  #rateBytes = 0;
  /** Measurements that something is in of when it was given less on purpose: what is sent then arrives a round trip later. */
  #heldFor = 0;
  /** Measurements in a row without growth; after {@link STARTING_FLAT} of them it is no longer new. */
  #flat = 0;
  /** The last measurement in which it was limited, over the rate before it. */
  #growth = Number.POSITIVE_INFINITY;

  constructor(lane: Lane, id: number) {
    this.lane = lane;
    this.id = id;
  }

  /** Shortest time from here into the peer's hands and back, ms; undefined before the first. */
  get rttMs(): number | undefined {
    return this.#trip.ms;
  }

  /** Whether that is still so must be looked at: with {@link probe}, of all members. */
  get doubtful(): boolean {
    return this.#trip.doubtful;
  }
  probe(): void {
    this.#trip.probe();
  }

  /** From now on each message is watched until the peer has it. */
  watch(nowMs: number): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#unwatched = this.sentMessages;
    this.progressMs = nowMs;
    this.#rateSinceMs = nowMs;
  }

  /** Messages from before the watch are still on their way: nothing is known of how many bytes. */
  get inTheDark(): boolean {
    return this.#receipted < this.#unwatched;
  }
  /** The peer has not got everything yet. */
  get busy(): boolean {
    return this.#receipted < this.sentMessages;
  }

  /** It may be given another frame: it is not as far ahead of its deliveries as it may be. */
  takesMore(frameBytes: number, headStart: number): boolean {
    return !this.unproven && !this.inTheDark && this.aheadBytes < this.mayAheadBytes(frameBytes, headStart);
  }

  /** Bytes on their way, or that are about to be again: what it is not given for a moment is not free for others. */
  get claimedBytes(): number {
    if (!this.#trip.probing && !this.#trip.refilling) return this.aheadBytes;
    return Math.max(this.aheadBytes, AHEAD_ROUND_TRIPS * this.rate * (this.rttMs ?? 0));
  }

  /** How far ahead of its deliveries it may be, bytes. @param headStart of a new one, round trips; 0: the path takes no more */
  mayAheadBytes(frameBytes: number, headStart: number): number {
    const rttMs = this.rttMs ?? UNKNOWN_RTT_MS;
    const roundTripBytes = this.rate * rttMs;
    if (this.#trip.probing) return Math.max(frameBytes, EMPTY_ROUND_TRIPS * roundTripBytes);
    if (this.#trip.refilling) return Math.max(frameBytes, roundTripBytes) + frameBytes;
    const steadyBytes = this.rate * Math.max(AHEAD_ROUND_TRIPS * rttMs, rttMs + LATE_MS);
    const startingRoundTrips = Math.min(headStart, AHEAD_ROUND_TRIPS * this.#growth);
    const startingBytes = this.#starting && startingRoundTrips > 0 ? Math.min(STARTING_BYTES, startingRoundTrips * roundTripBytes) : 0;
    return Math.min(MOST_AHEAD_BYTES, Math.max(AHEAD_FRAMES * frameBytes + steadyBytes, startingBytes));
  }

  /** When a frame of this size would arrive, ms from now, without the way itself. */
  waitMs(bytes: number): number {
    return (this.aheadBytes + bytes) / Math.max(this.rate, UNKNOWN_RATE);
  }

  /** The lane took a message. @param seq 0: it need not be known again @returns its record, if it is watched */
  sent(seq: number, bytes: number, nowMs: number): Carried | undefined {
    let carried: Carried | undefined;
    if (this.#watching) {
      if (!this.busy) {
        if (nowMs - this.progressMs > IDLE_MS) {
          this.#rateSinceMs = nowMs;
          this.#rateBytes = 0;
        }
        this.progressMs = nowMs;
      }
      if (this.#trip.probing || this.#trip.refilling) {
        this.#heldFor = 2;
        if (this.aheadBytes < this.mayAheadBytes(bytes, 0)) this.#trip.sentIntoEmpty(nowMs);
      }
      carried = { seq, bytes, sentMs: nowMs, member: this };
      this.#carried.push(carried);
      this.aheadBytes += bytes;
    }
    this.sentMessages += 1;
    return carried;
  }

  /** The peer has so many messages. @param arrived called with the sequence number of each that is no longer on its way */
  receipt(messages: number, nowMs: number, arrived: (seq: number) => void): void {
    if (messages <= this.#receipted || messages > this.sentMessages) return;
    const news = messages - Math.max(this.#receipted, this.#unwatched);
    this.#receipted = messages;
    this.progressMs = nowMs;
    for (let i = 0; i < news; i += 1) {
      const { seq, bytes, sentMs } = this.#carried[this.#firstCarried] as Carried;
      this.#firstCarried += 1;
      this.aheadBytes -= bytes;
      this.deliveredBytes += bytes;
      this.#rateBytes += bytes;
      this.#trip.sample(sentMs, nowMs);
      this.tookMs = nowMs - sentMs;
      if (seq > 0) arrived(seq);
    }
    if (this.#firstCarried >= 256 && this.#firstCarried * 2 >= this.#carried.length) {
      this.#carried.splice(0, this.#firstCarried);
      this.#firstCarried = 0;
    }
    if (this.unproven) {
      this.unproven = false;
      this.#rateSinceMs = nowMs;
      this.#rateBytes = 0;
    } else this.#measure(nowMs);
  }

  /** Calls back with each frame on its way, oldest first. */
  eachCarried(each: (seq: number) => void): void {
    for (let i = this.#firstCarried; i < this.#carried.length; i += 1) {
      const { seq } = this.#carried[i] as Carried;
      if (seq > 0) each(seq);
    }
  }

  get #starting(): boolean {
    return this.#flat < STARTING_FLAT;
  }

  #measure(nowMs: number): void {
    const overMs = nowMs - this.#rateSinceMs;
    if (overMs < Math.max(RATE_OVER_MS, this.rttMs ?? 0)) return;
    const rate = this.#rateBytes / overMs;
    // A member that was given little says nothing of what it could have carried.
    const limited = this.limited && this.#heldFor === 0;
    if (this.#heldFor > 0) this.#heldFor -= 1;
    if (this.#starting && limited) {
      this.#flat = rate > STARTING_GROWTH * this.rate ? 0 : this.#flat + 1;
      this.#growth = this.rate > 0 ? rate / this.rate : Number.POSITIVE_INFINITY;
    }
    if (rate > this.rate) {
      const seen = this.#starting ? rate : (this.rate + rate) / 2;
      this.rate = Math.min(seen, RATE_GROWTH * Math.max(this.rate, FIRST_RATE));
    } else if (limited) this.rate = Math.max(rate, this.rate * RATE_DECAY);
    this.limited = false;
    this.#rateSinceMs = nowMs;
    this.#rateBytes = 0;
  }
}
