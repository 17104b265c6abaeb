// When a striped lane is to have more members. One look after the other says how the lane does; the answer is how many it should have. More of them help
// while bytes wait, the path is long, and nothing stands in a queue of the path, which a full link shows by a longer round trip. Then it is
// loss, or what a congestion window makes of it, that holds the rate down. No clock. Single thread.

/** What one look found. */
export interface LaneLook {
  nowMs: number;
  /** Members that are up. */
  members: number;
  /** Applications could send more. */
  pressed: boolean;
  /** What was acknowledged since the look before, bytes. */
  bytes: number;
  /** The round trip of the path at this moment, ms, queues of the path included; undefined while unknown. */
  rttMs: number | undefined;
}

/** How many members there should be. `lossy`: with a congestion control that gives way to loss less. */
export interface Widening {
  members: number;
  lossy: boolean;
}

/** A shorter path is one machine or one LAN: one member fills it, ms. */
const FAR_MS = 3;
/** Looks in a row on which bytes waited: a congestion window has had its first chance by then. */
const PRESSED_LOOKS = 2;
/** The last look against all of them: a rate that grows. */
const GROWS = 1.2;
/** A round trip that is longer than the shortest by this factor, and this many ms, stands in a queue: the link is full. */
const QUEUE_FACTOR = 1.3;
const QUEUE_MS = 3;
/** Each step multiplies the members. */
const STEP = 4;
/** What a member has on its way when it needs no help, bytes: one that is alone, and each of several. Losses of 0.01 % allow 150 KiB. */
const ENOUGH_ALONE_BYTES = 1_048_576;
const ENOUGH_BYTES = 262_144;
/** Members that have this much each, and together hardly more than there was before they came, are no cure for what ails the path. */
const TRIED_BYTES = 98_304;
const BETTER = 1.3;
/** Further members of so many are for a path that loses. */
const LOSSY_FROM = 2;
/** Members that did not come up by now will not, ms; then nothing is asked for a while, and longer each time. */
const COMING_MS = 20_000;
const HOLD_FIRST_MS = 30_000;
const HOLD_LAST_MS = 600_000;

export class StripePlan {
  readonly #most: number;
  #asked = 1;
  /** What was on its way when they were asked for, bytes. */
  #before = 0;
  #askedMs = 0;
  #holdUntilMs = Number.NEGATIVE_INFINITY;
  #holdMs = HOLD_FIRST_MS;
  #pressedLooks = 0;
  #bytes = 0;
  #sinceMs = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #shortestMs = Number.POSITIVE_INFINITY;
  #rttSumMs = 0;

  /** @param most members there may be */
  constructor(most: number) {
    this.#most = most;
  }

  /** The shortest round trip so far, ms; undefined before the first. */
  get rttMs(): number | undefined {
    return this.#shortestMs === Number.POSITIVE_INFINITY ? undefined : this.#shortestMs;
  }

  /** @returns what is to be asked for; undefined when the lane is to stay as it is */
  look({ nowMs, members, pressed, bytes, rttMs }: LaneLook): Widening | undefined {
    if (rttMs !== undefined && rttMs > 0 && rttMs < this.#shortestMs) this.#shortestMs = rttMs;
    if (!pressed || rttMs === undefined) {
      this.#pressedLooks = 0;
      this.#lastMs = nowMs;
      return undefined;
    }
    const overMs = Math.max(1, nowMs - this.#lastMs);
    if (this.#pressedLooks === 0) {
      this.#bytes = 0;
      this.#rttSumMs = 0;
      this.#sinceMs = Math.max(this.#lastMs, 0);
    }
    this.#lastMs = nowMs;
    this.#pressedLooks += 1;
    this.#bytes += bytes;
    this.#rttSumMs += rttMs;
    if (this.#pressedLooks < PRESSED_LOOKS || nowMs < this.#holdUntilMs) return undefined;
    if (members < this.#asked) {
      if (nowMs - this.#askedMs >= COMING_MS) this.failed(members, nowMs);
      return undefined;
    }
    const rate = this.#bytes / Math.max(1, nowMs - this.#sinceMs);
    // A congestion window that still grows needs no help yet. It is looked at anew from here on.
    const grows = bytes / overMs > GROWS * rate;
    const averageMs = this.#rttSumMs / this.#pressedLooks;
    const onItsWay = rate * this.#shortestMs;
    this.#pressedLooks = 0;
    if (grows || !this.#wants(members, averageMs, onItsWay)) return undefined;
    if (members > 1 && onItsWay / members >= TRIED_BYTES && onItsWay < BETTER * this.#before) {
      this.failed(members, nowMs);
      return undefined;
    }
    this.#asked = Math.min(this.#most, members * STEP);
    this.#askedMs = nowMs;
    this.#before = onItsWay;
    return { members: this.#asked, lossy: members > LOSSY_FROM };
  }

  /** A member died. @param members that are left */
  lost(members: number): void {
    this.#asked = Math.min(this.#asked, members);
  }

  /** Members that were asked for do not come up: this peer, or this path, does not want them. */
  failed(members: number, nowMs: number): void {
    this.#asked = members;
    // Of those that were asked for at once, the first one speaks for all.
    if (nowMs < this.#holdUntilMs) return;
    this.#holdUntilMs = nowMs + this.#holdMs;
    this.#holdMs = Math.min(HOLD_LAST_MS, this.#holdMs * 2);
  }

  #wants(members: number, averageMs: number, onItsWay: number): boolean {
    if (members >= this.#most || this.#shortestMs < FAR_MS) return false;
    if (averageMs > this.#shortestMs * QUEUE_FACTOR + QUEUE_MS) return false;
    return onItsWay / members < (members === 1 ? ENOUGH_ALONE_BYTES : ENOUGH_BYTES);
  }
}
