// How fast a striped lane delivers, all members together. A new member is given more than it delivers, to find out what it can; when there is as much on its
// way already as the others deliver, several new ones would fill the path's queue together and all lose at once. No clock. Single thread.

/**
 * Enough is on its way with so many round trips of what is delivered: the rate may double within one, as a congestion window's own does, while some frames
 * come through as fast as ever…
 */
const ROUND_TRIPS = 2;
/** …and with so many when all of them stand in a queue first… */
const QUEUED_ROUND_TRIPS = 1.25;
/** …which makes the way longer by more than this factor and so many ms… */
const QUEUE_FACTOR = 1.15;
const QUEUE_MS = 2;
/** …and not with less than this, bytes: it could not be measured. */
const LEAST_BYTES = 1_048_576;
/**
 * A path is slow that carries less than this although there was more to be sent, bytes per ms (24 Mbit/s), and does not grow by this factor with a measurement: a large
 * frame takes 20 ms of it. No longer when so many measurements in a row were above it: what a repair held up comes all at once, in one of them.
 */
const SLOW_RATE = 3000;
const SLOW_GROWTH = 1.25;
const QUICK_MEASUREMENTS = 2;
/** A rate is measured over at least this long, ms; on a longer path over a round trip. */
const OVER_MS = 20;
/** What is left of the best rate after each measurement that was below it. */
const DECAY = 0.9;
/** And how much it may grow with one: what a repair held up comes all at once. */
const GROWTH = 2;

export class LaneRate {
  #rate = 0;
  #slow = false;
  #quickMeasurements = 0;
  #bytes = 0;
  #sinceMs = Number.NEGATIVE_INFINITY;
  /** Last receipt; after a pause a new measurement begins. */
  #lastMs = Number.NEGATIVE_INFINITY;
  #limited = false;
  /** The shortest way of a frame in this measurement, ms; and whether all those of the last one stood in a queue. */
  #shortestMs = Number.POSITIVE_INFINITY;
  #queued = false;

  /** Large frames take long on this path. */
  get slow(): boolean {
    return this.#slow;
  }

  /** A frame took so long, there and back. */
  took(ms: number): void {
    if (ms < this.#shortestMs) this.#shortestMs = ms;
  }

  /** There was more to be sent than the members took. */
  limited(): void {
    this.#limited = true;
  }

  /** @param rttMs the shortest round trip there was */
  delivered(bytes: number, rttMs: number, nowMs: number): void {
    const idle = nowMs - this.#lastMs > rttMs + OVER_MS;
    this.#lastMs = nowMs;
    if (idle) {
      this.#begin(nowMs);
      return;
    }
    const overMs = nowMs - this.#sinceMs;
    this.#bytes += bytes;
    if (overMs < Math.max(OVER_MS, rttMs)) return;
    const rate = this.#bytes / overMs;
    const grows = rate > SLOW_GROWTH * this.#rate;
    if (rate > this.#rate) this.#rate = Math.min(rate, GROWTH * Math.max(this.#rate, LEAST_BYTES / rttMs));
    else if (this.#limited) this.#rate = Math.max(rate, DECAY * this.#rate);
    this.#quickMeasurements = rate < SLOW_RATE ? 0 : this.#quickMeasurements + 1;
    if (this.#quickMeasurements >= QUICK_MEASUREMENTS) this.#slow = false;
    else if (this.#limited && !grows && this.#rate < SLOW_RATE) this.#slow = true;
    this.#limited = false;
    this.#queued = this.#shortestMs > QUEUE_FACTOR * rttMs + QUEUE_MS;
    this.#begin(nowMs);
  }

  /** With so much on its way no new member has a head start, bytes. */
  fullBytes(rttMs: number): number {
    return Math.max(LEAST_BYTES, (this.#queued ? QUEUED_ROUND_TRIPS : ROUND_TRIPS) * this.#rate * rttMs);
  }

  #begin(nowMs: number): void {
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    this.#shortestMs = Number.POSITIVE_INFINITY;
  }
}
