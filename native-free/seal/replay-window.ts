// Which counters of sealed frames were seen: a relay may lose, repeat and reorder, and no frame counts twice. A sliding bitmap, as in
// RFC 6479: what lies further behind than the window is too old to tell and refused. Single thread.

/** Frames that a late one may lie behind the newest. 4096 of the smallest data frames are more than a relay holds back. */
const WINDOW = 4096;
const WORDS = WINDOW / 32;

export class ReplayWindow {
  readonly #seen = new Int32Array(WORDS);
  #highest = 0;

  /** @param counter from 1 @returns false for one that was seen, or is too old to tell */
  isFresh(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (counter < 1 || counter <= this.#highest - WINDOW) return false;
    const bit = counter % WINDOW;
    return (((this.#seen[bit >>> 5] as number) >>> (bit & 31)) & 1) === 0;
  }

  /** Only for a counter that {@link isFresh}, and only once its frame has proved genuine. */
  mark(counter: number): void {
    if (counter > this.#highest) {
      if (counter - this.#highest >= WINDOW) this.#seen.fill(0);
      else for (let passed = this.#highest + 1; passed <= counter; passed += 1) this.#set(passed, 0);
      this.#highest = counter;
    }
    this.#set(counter, 1);
  }

  #set(counter: number, value: 0 | 1): void {
    const bit = counter % WINDOW;
    const mask = 1 << (bit & 31);
    const word = this.#seen[bit >>> 5] as number;
    this.#seen[bit >>> 5] = value === 1 ? word | mask : word & ~mask;
  }
}
