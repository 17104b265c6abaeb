// A bounded queue between two loops, as a Go channel: `offer` drops when it is full, `put` waits for room, `take` waits for an item.

export class Queue<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #takers: ((item: T | undefined) => void)[] = [];
  readonly #putters: (() => void)[] = [];
  #closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** @returns false when there was no room; the item is gone */
  offer(item: T): boolean {
    if (this.#closed) return false;
    const taker = this.#takers.shift();
    if (taker !== undefined) taker(item);
    else if (this.#items.length >= this.#capacity) return false;
    else this.#items.push(item);
    return true;
  }

  async put(item: T): Promise<void> {
    while (!this.#closed && !this.offer(item)) await new Promise<void>((resolve) => this.#putters.push(resolve));
  }

  /** @returns undefined once it was closed */
  async take(): Promise<T | undefined> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#putters.shift()?.();
      return item;
    }
    if (this.#closed) return undefined;
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#items.length = 0;
    for (const taker of this.#takers.splice(0)) taker(undefined);
    for (const putter of this.#putters.splice(0)) putter();
  }
}

/** A few turns of the event loop, more or fewer each time: where a goroutine would be scheduled late. From a seed, so that a run repeats. */
export class Scheduler {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 … below `n`. */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }

  async late(turns: number): Promise<void> {
    for (let left = this.below(turns + 1); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  }
}
