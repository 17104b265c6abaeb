// The shortest round trip of a member, and whether it still is: a path that has become longer, and a queue of our own that never empties, look the same. So now
// and then all members of a lane, whose queue is one, are given less for a moment, until what they send finds none of ours; what that takes is the round
// trip. No clock. Single thread.

/** A sample is as short as the shortest within this factor and this many ms. */
const NEAR = 1.15;
const NEAR_MS = 2;
/** Without one for so long, ms, and so many round trips, the shortest is in doubt. */
const DOUBT_MS = 2000;
const DOUBT_ROUND_TRIPS = 40;
/** After that so long, in round trips, until all is as before. */
const REFILL_ROUND_TRIPS = 1.5;
/** So many samples tell, since the receipt of one may have been late, and so long, in round trips: other members' frames are gone then, too. */
const ENOUGH = 3;
const ENOUGH_ROUND_TRIPS = 0.5;

export class RoundTrip {
  #ms: number | undefined;
  #nearMs = 0;
  #doubtful = false;
  #probing = false;
  /** 0 while not. */
  #refillUntilMs = 0;
  /** Frames sent from then on find no queue of ours; undefined while it empties. */
  #emptyFromMs: number | undefined;
  #shortest = Number.POSITIVE_INFINITY;
  #samples = 0;

  /** Undefined before the first sample, ms. */
  get ms(): number | undefined {
    return this.#ms;
  }
  /** It is to be looked for again ({@link probe}). */
  get doubtful(): boolean {
    return this.#doubtful;
  }
  /** A round trip is being looked for: less is to be on its way than it holds. */
  get probing(): boolean {
    return this.#probing;
  }
  /** One has just been found: as much is to be on its way as it holds, since what was missing would come all at once. */
  get refilling(): boolean {
    return this.#refillUntilMs > 0;
  }

  probe(): void {
    this.#doubtful = false;
    this.#probing = true;
    this.#emptyFromMs = undefined;
    this.#shortest = Number.POSITIVE_INFINITY;
    this.#samples = 0;
  }

  /** A frame was sent with so little before it that it finds no queue. */
  sentIntoEmpty(nowMs: number): void {
    if (this.#probing) this.#emptyFromMs ??= nowMs;
  }

  /** A frame that was sent at `sentMs` has arrived, as is known now. */
  sample(sentMs: number, nowMs: number): void {
    const tookMs = nowMs - sentMs;
    if (this.#ms === undefined || tookMs < this.#ms) this.#ms = tookMs;
    if (nowMs >= this.#refillUntilMs) this.#refillUntilMs = 0;
    if (this.#probing) {
      if (this.#emptyFromMs === undefined || sentMs < this.#emptyFromMs) return;
      this.#shortest = Math.min(this.#shortest, tookMs);
      this.#samples += 1;
      if (this.#samples < ENOUGH || sentMs < this.#emptyFromMs + ENOUGH_ROUND_TRIPS * this.#ms) return;
      this.#ms = this.#shortest;
      this.#probing = false;
      this.#nearMs = nowMs;
      this.#refillUntilMs = nowMs + REFILL_ROUND_TRIPS * this.#ms;
    } else if (this.#nearMs === 0 || tookMs <= NEAR * this.#ms + NEAR_MS) {
      this.#nearMs = nowMs;
      this.#doubtful = false;
    } else this.#doubtful = nowMs - this.#nearMs > Math.max(DOUBT_MS, DOUBT_ROUND_TRIPS * this.#ms);
  }
}
