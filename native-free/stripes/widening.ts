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
/** On a path this long a window is what loss makes of it, not what a busy machine does, ms. */
const LONG_MS = 10;
/** A look takes at least so many round trips, and this long, ms: in less a congestion window does not show whether it grows. */
const LOOK_ROUND_TRIPS = 2;
const LOOK_MS = 100;
/** Looks in a row on which bytes waited: a congestion window has had its first chance by then. */
const PRESSED_LOOKS = 2;
/** The last look against all of them: a rate that grows. */
const GROWS = 1.2;
/** A round trip that is longer than the shortest by this factor, and this many ms, stands in a queue: the link is full. */
const QUEUE_FACTOR = 1.3;
const QUEUE_MS = 3;
/** A link that was full at some rate is as good as full at this share of it, for this long, ms: after a drop its queue is empty for a while. */
const FULL_SHARE = 0.7;
const FULL_MS = 30_000;
/** Each step multiplies the members. */
const STEP = 4;
/**
 * What a member has on its way when it needs no help, bytes: one that is alone, and each of several. Losses of 0.01 % allow 150 KiB. One that is alone and has
 * less than several would loses badly: all there may be at once, since each step takes a second.
 */
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
  /** Since the last look that was long enough, and of all looks in a row. */
  #lookBytes = 0;
  #lookSinceMs = 0;
  #lookQueued = false;
  #looks = 0;
  #bytes = 0;
  #sinceMs = 0;
  /** The rate at which the link was full, bytes per ms, and when. */
  #fullRate = Number.POSITIVE_INFINITY;
  #fullMs = Number.NEGATIVE_INFINITY;
  #shortestMs = Number.POSITIVE_INFINITY;

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
      this.#looks = 0;
      this.#begin(nowMs);
      return undefined;
    }
    this.#lookBytes += bytes;
    if (rttMs > this.#shortestMs * QUEUE_FACTOR + QUEUE_MS) this.#lookQueued = true;
    const overMs = nowMs - this.#lookSinceMs;
    if (overMs < Math.max(LOOK_MS, LOOK_ROUND_TRIPS * this.#shortestMs)) return undefined;
    const lookRate = this.#lookBytes / overMs;
    const queued = this.#lookQueued;
    if (this.#looks === 0) {
      this.#bytes = 0;
      this.#sinceMs = this.#lookSinceMs;
    }
    this.#looks += 1;
    this.#bytes += this.#lookBytes;
    this.#begin(nowMs);
    if (queued) {
      this.#fullRate = lookRate;
      this.#fullMs = nowMs;
    }
    if (this.#looks < PRESSED_LOOKS || nowMs < this.#holdUntilMs) return undefined;
    if (members < this.#asked) {
      if (nowMs - this.#askedMs >= COMING_MS) this.failed(members, nowMs);
      return undefined;
    }
    const rate = this.#bytes / Math.max(1, nowMs - this.#sinceMs);
    // A congestion window that still grows needs no help yet. It is looked at anew from here on.
    const grows = lookRate > GROWS * rate;
    const onItsWay = rate * this.#shortestMs;
    this.#looks = 0;
    const full = queued || (nowMs - this.#fullMs < FULL_MS && rate >= FULL_SHARE * this.#fullRate);
    if (grows || full || !this.#wants(members, onItsWay)) return undefined;
    if (members > 1 && onItsWay / members >= TRIED_BYTES && onItsWay < BETTER * this.#before) {
      this.failed(members, nowMs);
      return undefined;
    }
    const badly = members === 1 && onItsWay < ENOUGH_BYTES && this.#shortestMs >= LONG_MS;
    this.#asked = badly ? this.#most : Math.min(this.#most, members * STEP);
    this.#askedMs = nowMs;
    this.#before = onItsWay;
    return { members: this.#asked, lossy: badly || members > LOSSY_FROM };
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

  #begin(nowMs: number): void {
    this.#lookBytes = 0;
    this.#lookSinceMs = nowMs;
    this.#lookQueued = false;
  }

  #wants(members: number, onItsWay: number): boolean {
    if (members >= this.#most || this.#shortestMs < FAR_MS) return false;
    return onItsWay / members < (members === 1 ? ENOUGH_ALONE_BYTES : ENOUGH_BYTES);
  }
}
