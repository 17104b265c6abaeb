// The two ends of a doorbell between two threads: a Sleeper waits without blocking its event loop, a Bell wakes it, and only when it sleeps.
//
// Why no wake-up is lost. The sleeper (1) reads the bell, (2) writes an odd ticket into its sleep word, (3) looks again whether there is
// something to do, (4) waits for the bell to differ from what it read. The other side (a) publishes its position, (b) reads the sleep word,
// (c) for an odd ticket that it has not rung for yet, increments the bell and notifies. Atomics are sequentially consistent, so either
// (b) sees the ticket of (2), or (a) came before (3) and the sleeper sees the position and does not sleep. In the first case (c) changes the
// bell after (1), so (4) either finds it different and returns at once, or is already waiting and is notified.
//
// A ring for an earlier ticket may still wake a later sleep: a waker proves nothing, so callers look again in a loop.

import { EPOCH_WORD, type RingView } from './layout.js';

/** The side that rings. */
export class Bell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bellWord: number;
  readonly #sleepWord: number;
  /** The ticket last rung for. Tickets are odd, so 0 is nobody's. One ring per sleep is enough, however late the sleeper gets up. */
  #rungTicket = 0;

  /** @param bellWord written by this side only; @param sleepWord written by the sleeper only */
  constructor({ words }: RingView, bellWord: number, sleepWord: number) {
    this.#words = words;
    this.#bellWord = bellWord;
    this.#sleepWord = sleepWord;
  }

  /** Rings there have been: the bell word itself, modulo 2^32. */
  get rings(): number {
    return Atomics.load(this.#words, this.#bellWord) >>> 0;
  }

  /** @returns the ticket of a sleeper who has not been rung for, else 0. Call it after publishing, never before. */
  sleeper(): number {
    const ticket = Atomics.load(this.#words, this.#sleepWord);
    return (ticket & 1) === 1 && ticket !== this.#rungTicket ? ticket : 0;
  }

  /** @param ticket what {@link sleeper} returned, or 0 to ring whoever is there (closing) */
  ring(ticket: number): void {
    this.#rungTicket = ticket;
    Atomics.add(this.#words, this.#bellWord, 1);
    Atomics.notify(this.#words, this.#bellWord);
  }
}

/** The side that sleeps. `announce`, look again, then `sleep` or `withdraw`, all in one turn. */
export class Sleeper {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bellWord: number;
  readonly #sleepWord: number;
  readonly #epoch: number;
  #ticket: number;
  #bellSeen = 0;
  #pending: Promise<void> | undefined;

  /** @param bellWord written by the other side only; @param sleepWord written by this side only */
  constructor({ words, epoch }: RingView, bellWord: number, sleepWord: number) {
    this.#words = words;
    this.#epoch = epoch;
    this.#bellWord = bellWord;
    this.#sleepWord = sleepWord;
    // Tickets go on where an earlier attachment stopped, so that the other side cannot take a new one for one it has rung for.
    this.#ticket = Atomics.load(words, sleepWord);
  }

  announce(): void {
    if (this.#pending !== undefined) return;
    this.#bellSeen = Atomics.load(this.#words, this.#bellWord);
    this.#ticket = (this.#ticket + 1) | 1;
    Atomics.store(this.#words, this.#sleepWord, this.#ticket);
  }

  withdraw(): void {
    if (this.#pending !== undefined) return;
    this.#ticket = (this.#ticket + 1) | 0;
    // After a reset the word belongs to the next attachment, who may be asleep: a late waker of the old one must not undo its ticket.
    if (Atomics.load(this.#words, EPOCH_WORD) !== this.#epoch) return;
    Atomics.store(this.#words, this.#sleepWord, this.#ticket);
  }

  /** @returns the one pending wait; it settles at the next ring and never rejects */
  sleep(): Promise<void> {
    if (this.#pending !== undefined) return this.#pending;
    const wait = Atomics.waitAsync(this.#words, this.#bellWord, this.#bellSeen);
    if (!wait.async) {
      this.withdraw();
      return Promise.resolve();
    }
    this.#pending = wait.value.then(() => {
      this.#pending = undefined;
      this.withdraw();
    });
    return this.#pending;
  }

  /** Ends this side's own wait. Nothing needs to change for it: the wait was begun by this same thread, so it is there to be notified. */
  wake(): void {
    if (this.#pending !== undefined) Atomics.notify(this.#words, this.#bellWord);
  }
}
