// A clock that goes as the system's does, from another year on, and can be made to jump: what was to happen meanwhile happens at once.

import type { Clock } from '../../src/clock.js';

export class JumpingClock implements Clock {
  readonly #originMs: number;
  readonly #due = new Set<{ atMs: number; call: () => void; timer: NodeJS.Timeout | undefined }>();
  #jumpedMs = 0;

  /** @param originMs wall clock at the beginning, Unix ms */
  constructor(originMs: number) {
    this.#originMs = originMs - performance.now();
  }

  /** Calls that are due some day. */
  get pending(): number {
    return this.#due.size;
  }

  nowMs(): number {
    return performance.now() + this.#jumpedMs;
  }

  unixMs(): number {
    return this.#originMs + this.nowMs();
  }

  after(delayMs: number, call: () => void): () => void {
    const one = { atMs: this.nowMs() + delayMs, call, timer: undefined as NodeJS.Timeout | undefined };
    this.#due.add(one);
    this.#arm(one);
    return () => {
      clearTimeout(one.timer);
      this.#due.delete(one);
    };
  }

  jump(byMs: number): void {
    this.#jumpedMs += byMs;
    for (const one of this.#due) this.#arm(one);
  }

  #arm(one: { atMs: number; call: () => void; timer: NodeJS.Timeout | undefined }): void {
    clearTimeout(one.timer);
    one.timer = setTimeout(
      () => {
        this.#due.delete(one);
        one.call();
      },
      Math.min(2_000_000_000, Math.max(0, one.atMs - this.nowMs())),
    );
  }
}
