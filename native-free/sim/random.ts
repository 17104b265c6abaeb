// Seeded random numbers (sfc32, Chris Doty-Humphrey, public domain): the same seed gives the same run on every machine.

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed a safe integer */
  constructor(seed: number) {
    this.#a = 0x9e37_79b9;
    this.#b = seed >>> 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) >>> 0;
    for (let i = 0; i < 12; i += 1) this.next();
  }

  /** @returns 0…2^32-1 */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** @returns 0 … 1, 1 excluded */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** @returns an integer from `low` to `high`, both included */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.next() % items.length] as T;
  }
}
