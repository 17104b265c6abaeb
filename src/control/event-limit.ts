// Keeps a peer that sends nonsense from filling the log: so many events a second, and how many were left out. Pure; main thread.

/** What a person reads in a second, and a collector does not notice. */
const PER_SECOND = 10;

export class EventLimit {
  #secondMs = Number.NEGATIVE_INFINITY;
  #inSecond = 0;
  #leftOut = 0;

  /** @returns how many were left out before this one; undefined to leave this one out too */
  take(nowMs: number): number | undefined {
    if (nowMs - this.#secondMs >= 1000) {
      this.#secondMs = nowMs;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    if (this.#inSecond > PER_SECOND) {
      this.#leftOut += 1;
      return undefined;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
