// When a channel that began to carry has reached its speed: the first tenth of a second that carried hardly more than the one before it.
// Slow starts (congestion window, credit, the application's own warm-up) grow faster than that. Told once. Channel worker, no clock.

/** Length of the spans that are compared, ms: several round trips of a near path, and short against a burst. */
const SPAN_MS = 100;
/** Growth from one span to the next below which it is over. */
const GROWTH = 1.25;

export class SteadyWatch {
  #startMs = -1;
  #spanMs = 0;
  #spanBytes = 0;
  #before = 0;
  #told = false;

  get done(): boolean {
    return this.#told;
  }

  /**
   * Something was carried.
   * @param totalBytes payload carried so far, both ways
   * @returns milliseconds from the first call to the steady state, once; undefined otherwise
   */
  carried(totalBytes: number, nowMs: number): number | undefined {
    if (this.#told) return undefined;
    if (this.#startMs < 0) {
      this.#startMs = nowMs;
      this.#begin(totalBytes, nowMs, 0);
      return undefined;
    }
    const elapsedMs = nowMs - this.#spanMs;
    if (elapsedMs < SPAN_MS) return undefined;
    const carried = totalBytes - this.#spanBytes;
    // A pause of the application is no steady state: the comparison begins anew behind it.
    if (elapsedMs >= 2 * SPAN_MS || this.#before === 0 || carried > this.#before * GROWTH) {
      this.#begin(totalBytes, nowMs, elapsedMs >= 2 * SPAN_MS ? 0 : carried);
      return undefined;
    }
    this.#told = true;
    return nowMs - this.#startMs;
  }

  #begin(totalBytes: number, nowMs: number, before: number): void {
    this.#spanMs = nowMs;
    this.#spanBytes = totalBytes;
    this.#before = before;
  }
}
