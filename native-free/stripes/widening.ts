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
  /** What members brought to the peer since the look before, bytes. */
  bytes: number;
  /** The round trip of the path at this moment, ms, queues of the path included; undefined while unknown. */
  rttMs: number | undefined;
}

/** How many members there should be, more than there are or fewer. `lossy`: with a congestion control that gives way to loss less. */
export interface Widening {
  members: number;
  lossy: boolean;
}

/** A shorter path is one machine or one LAN: one member fills it, ms. */
const FAR_MS = 3;
/** On a path this long a window is what loss makes of it, not what a busy machine does, ms. */
const LONG_MS = 30;
/** A look takes at least so many round trips, and this long, ms: in less a congestion window does not show whether it grows. */
const LOOK_ROUND_TRIPS = 2;
const LOOK_MS = 100;
/** Bytes wait, but so little was carried since that it says nothing: the first are on their way. */
const FIRST_BYTES = 16_384;
/** No bytes waited for so long: what comes is something new, ms. */
const IDLE_MS = 500;
/** A rate that grows is above the best one so far by this factor; it has stopped when so many looks in a row were not. */
const GROWS = 1.1;
const FLAT_LOOKS = 3;
/** A round trip that is longer than the shortest by this factor, and this many ms, stands in a queue: the link is full. */
const QUEUE_FACTOR = 1.15;
const QUEUE_MS = 1;
/** A link that was full at some rate and still carries this share of it loses what it drops itself, for this long, ms: more members would only drop more. */
const FULL_SHARE = 0.6;
const FULL_MS = 30_000;
/**
 * What a full link holds is shared: no more members than with about so much each, bytes. On a slow link more of them each take seconds for a frame, and their first
 * frames alone are more than it and its queue hold.
 */
const SHARE_BYTES = 65_536;
/** From one member to so many, and then to all there may be. */
const FIRST_STEP = 8;
/** A lone member with so much on its way and no queue is on a path that takes more than one congestion window soon fills: its growth need not be waited for, bytes. */
const WIDE_BYTES = 131_072;
/** What a member has on its way when it needs no help, bytes: one alone on a link that was full a while ago, and each of several. Losses of 0.01 % allow 150 KiB, of 0.1 % 50. */
const ENOUGH_ALONE_BYTES = 2_097_152;
const ENOUGH_BYTES = 131_072;
/**
 * A lane that fell to this share of its best rate and stays there for so many looks has lost something and will again: then all at once, since each step
 * takes a second, however much is on its way. What a full link drops, it makes up for sooner.
 */
const FELL = 0.6;
const FELL_LOOKS = 5;
/** Members that do not carry so many times what there was before they came are no cure for what ails the path. */
const BETTER = 1.4;
/** So long after some brought nothing all there may be are tried, ms. */
const CHANCE_MS = 1000;
/** All there may be that do not even carry so many times that go again, down to those there were. */
const WORTH = 1.1;
/** Members that did not come up by now will not, ms; then nothing is asked for a while, and longer each time. */
const COMING_MS = 20_000;
const HOLD_FIRST_MS = 10_000;
const HOLD_LAST_MS = 600_000;

export class StripePlan {
  readonly #most: number;
  #asked = 1;
  /** What fewer of them carried before they were asked for, bytes per ms; 0 where that is not known. */
  #before = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  /** How many there were then. */
  #fewer = 1;
  /** How many there were at the last look. */
  #members = 1;
  #holdUntilMs = Number.NEGATIVE_INFINITY;
  #holdMs = HOLD_FIRST_MS;
  /** The present look. */
  #bytes = 0;
  #sinceMs = 0;
  #queued = false;
  #pressedMs = Number.NEGATIVE_INFINITY;
  /** The best rate of as many members, bytes per ms, what came of it since, and how many looks ago it was; none without bytes that wait. */
  #best = 0;
  #flatLooks = 0;
  #flatRate = 0;
  /** The rate at which the link was full, bytes per ms, and when. */
  #fullRate = 0;
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
      // A window that was emptied at once, by a repair that closed a hole, fills again.
      if (nowMs - this.#pressedMs > IDLE_MS) this.#forget(members);
      this.#begin(nowMs);
      return undefined;
    }
    this.#pressedMs = nowMs;
    this.#bytes += bytes;
    if (rttMs > this.#shortestMs * QUEUE_FACTOR + QUEUE_MS) this.#queued = true;
    const overMs = nowMs - this.#sinceMs;
    if (overMs < Math.max(LOOK_MS, LOOK_ROUND_TRIPS * this.#shortestMs)) return undefined;
    const first = this.#best === 0 && this.#bytes < FIRST_BYTES;
    const rate = this.#bytes / overMs;
    const queued = this.#queued;
    this.#begin(nowMs);
    if (queued && !first) {
      this.#fullRate = nowMs - this.#fullMs < FULL_MS ? Math.max(rate, this.#fullRate) : rate;
      this.#fullMs = nowMs;
    }
    if (members !== this.#members) this.#forget(members);
    else if (!first) this.#note(rate);
    if (nowMs < this.#holdUntilMs) return undefined;
    if (members < this.#asked) {
      if (nowMs - this.#askedMs >= COMING_MS) this.failed(members, nowMs);
      return undefined;
    }
    if (first || queued) return undefined;
    const wide = members === 1 && this.#shortestMs >= FAR_MS && rate * this.#shortestMs >= WIDE_BYTES;
    // What a lone one would have carried, had it grown on, nobody knows: nothing can be told from that rate.
    if (wide && nowMs - this.#fullMs >= FULL_MS && this.#most > 1) return this.#ask(FIRST_STEP, members, 0, nowMs);
    return this.#judge(members, nowMs);
  }

  #judge(members: number, nowMs: number): Widening | undefined {
    const further = members > 1 && this.#before > 0;
    // Whether it grows need not be waited for where more of the same has helped already.
    const cured = further && this.#best >= BETTER * this.#before;
    if (this.#flatLooks < (cured ? 1 : FLAT_LOOKS)) return undefined;
    const rate = this.#flatRate;
    if (nowMs - this.#fullMs < FULL_MS && rate >= FULL_SHARE * this.#fullRate) return undefined;
    const onItsWay = rate * this.#shortestMs;
    const most = this.#useful(nowMs);
    if (members >= most) return further && this.#best < WORTH * this.#before ? this.#fewerAgain(nowMs) : undefined;
    if (this.#shortestMs < FAR_MS) return undefined;
    const fell = rate < FELL * this.#best && this.#shortestMs >= LONG_MS;
    if (!fell && onItsWay / members >= (members === 1 ? ENOUGH_ALONE_BYTES : ENOUGH_BYTES)) return undefined;
    if (further && !cured) {
      // What there was before may have been luck: soon they get another chance, all of them.
      this.#holdUntilMs = nowMs + CHANCE_MS;
      this.#before = 0;
      return undefined;
    }
    if (fell && this.#flatLooks < FELL_LOOKS) return undefined;
    const all = members > 1 || fell;
    return this.#ask(all ? most : Math.min(most, FIRST_STEP), members, rate, nowMs, all);
  }

  /** So many have something to do on a link that was full not long ago. */
  #useful(nowMs: number): number {
    if (nowMs - this.#fullMs >= FULL_MS) return this.#most;
    const shares = Math.round((Math.max(this.#fullRate, this.#best) * this.#shortestMs) / SHARE_BYTES);
    return Math.min(this.#most, Math.max(1, shares));
  }

  #ask(wanted: number, members: number, before: number, nowMs: number, lossy = false): Widening {
    this.#asked = Math.min(this.#most, wanted);
    this.#askedMs = nowMs;
    this.#before = before;
    this.#fewer = members;
    return { members: this.#asked, lossy };
  }

  #fewerAgain(nowMs: number): Widening {
    this.failed(this.#fewer, nowMs);
    this.#before = 0;
    return { members: this.#fewer, lossy: false };
  }

  /** A member died. @param members that are left */
  lost(members: number, nowMs: number): void {
    // One that hardly lived will not live longer the next time.
    if (nowMs - this.#askedMs < COMING_MS) this.failed(members, nowMs);
    else this.#asked = Math.min(this.#asked, members);
    // What fewer of them carry is another matter.
    this.#before = 0;
  }

  /** Members that were asked for do not come up: this peer, or this path, does not want them. */
  failed(members: number, nowMs: number): void {
    this.#asked = members;
    // Of those that were asked for at once, the first one speaks for all.
    if (nowMs < this.#holdUntilMs) return;
    this.#holdUntilMs = nowMs + this.#holdMs;
    this.#holdMs = Math.min(HOLD_LAST_MS, this.#holdMs * 2);
  }

  #note(rate: number): void {
    if (rate > GROWS * this.#best) {
      this.#best = rate;
      this.#flatLooks = 0;
      return;
    }
    this.#flatLooks += 1;
    // Of the last few looks, in effect.
    this.#flatRate = this.#flatLooks === 1 ? rate : this.#flatRate + (rate - this.#flatRate) / Math.min(this.#flatLooks, FLAT_LOOKS);
  }

  #begin(nowMs: number): void {
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    this.#queued = false;
  }

  #forget(members: number): void {
    this.#members = members;
    this.#best = 0;
    this.#flatLooks = 0;
    this.#flatRate = 0;
  }
}
