// The reading side of a record ring; lives on one thread. Flow: peek, read the record in place, release.
// Invariant: the producer may not touch a record's bytes until release() has moved the tail past them.

import { HotlinkError } from '../errors.js';
import { Bell, Sleeper } from './doorbell.js';
import {
  attachRing,
  CONSUMER_CLOSED_WORD,
  CONSUMER_SLEEP_WORD,
  DATA_BELL_WORD,
  EPOCH_WORD,
  HEAD_WORD,
  PAD,
  PRODUCER_CLOSED_WORD,
  PRODUCER_SLEEP_WORD,
  RECORD_HEAD_BYTES,
  recordBytes,
  SPACE_BELL_WORD,
  TAIL_WORD,
  WANTED_TAIL_WORD,
} from './layout.js';

export class RingConsumer {
  /** The data area; {@link recordStart} is an offset into it. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Where the record last peeked begins in {@link bytes}. */
  recordStart = 0;

  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #recordWords: Int32Array<SharedArrayBuffer>;
  readonly #capacityBytes: number;
  readonly #epoch: number;
  readonly #spaceBell: Bell;
  readonly #sleeper: Sleeper;
  #tail: number;
  /** The head as last seen: a burst of records costs one look at the producer's cache line. */
  #headSeen: number;
  #peekedBytes = 0;
  #closedHere = false;

  /**
   * @param buffer made by {@link createRing}; at most one consumer is attached to it at a time
   * @throws HotlinkError `ERR_HLNK_USAGE` when the buffer is not a ring
   */
  constructor(buffer: SharedArrayBuffer) {
    const view = attachRing(buffer);
    this.bytes = view.bytes;
    this.#words = view.words;
    this.#recordWords = view.recordWords;
    this.#capacityBytes = view.capacityBytes;
    this.#epoch = view.epoch;
    this.#spaceBell = new Bell(view, SPACE_BELL_WORD, PRODUCER_SLEEP_WORD);
    this.#sleeper = new Sleeper(view, DATA_BELL_WORD, CONSUMER_SLEEP_WORD);
    this.#tail = Atomics.load(view.words, TAIL_WORD);
    this.#headSeen = this.#tail;
  }

  /** No record will come any more: closed here, reset for another use, or closed by the producer and everything read. */
  get closed(): boolean {
    if (this.#closedHere || this.#stale() || Atomics.load(this.#words, CONSUMER_CLOSED_WORD) !== 0) return true;
    // In this order: a producer that has closed does not publish again, so the head read after its word is the last one.
    return Atomics.load(this.#words, PRODUCER_CLOSED_WORD) !== 0 && Atomics.load(this.#words, HEAD_WORD) === this.#tail;
  }

  /** Times the producer was woken (closing included), modulo 2^32. It stays put while the producer never waits. */
  get wakeups(): number {
    return this.#spaceBell.rings;
  }

  /**
   * Looks at the next record and sets {@link recordStart}. Until {@link release} it is the same one.
   *
   * @returns its length in bytes (0 is a length), or -1 when there is none now (or never again, see {@link closed})
   */
  peek(): number {
    if (this.#closedHere || this.#stale()) return -1;
    if (this.#tail === this.#headSeen) {
      this.#headSeen = Atomics.load(this.#words, HEAD_WORD);
      if (this.#tail === this.#headSeen) return -1;
    }
    let place = this.#tail & (this.#capacityBytes - 1);
    let padBytes = 0;
    if (this.#recordWords[place >> 2] === PAD) {
      padBytes = this.#capacityBytes - place;
      place = 0;
    }
    const lengthBytes = this.#recordWords[place >> 2]!;
    this.recordStart = place + RECORD_HEAD_BYTES;
    this.#peekedBytes = padBytes + recordBytes(lengthBytes);
    return lengthBytes;
  }

  /**
   * Frees the record last peeked; its bytes may be overwritten at once. Wakes a producer that waits for this much. After {@link close} it does nothing.
   *
   * @throws HotlinkError `ERR_HLNK_INTERNAL` when no record was peeked since the last release
   */
  release(): void {
    if (this.#closedHere || this.#stale()) return;
    if (this.#peekedBytes === 0) throw new HotlinkError('ERR_HLNK_INTERNAL', 'Ring: released without a record peeked.');
    this.#tail = (this.#tail + this.#peekedBytes) | 0;
    this.#peekedBytes = 0;
    Atomics.store(this.#words, TAIL_WORD, this.#tail);
    const ticket = this.#spaceBell.sleeper();
    if (ticket !== 0 && ((this.#tail - Atomics.load(this.#words, WANTED_TAIL_WORD)) | 0) >= 0) this.#spaceBell.ring(ticket);
  }

  /**
   * Waits for a record without blocking the event loop (and without keeping the process alive). Look again after it: a wake-up is a hint.
   *
   * @returns undefined when there is a record now or the ring is closed, else a promise that never rejects; there is at most one pending
   */
  dataWait(): Promise<void> | undefined {
    if (this.#ready()) return undefined;
    this.#sleeper.announce();
    if (this.#ready()) {
      this.#sleeper.withdraw();
      return undefined;
    }
    return this.#sleeper.sleep();
  }

  /** Takes no more records; what is left is lost, and the producer's claims fail from now on. Wakes both sides. May be called again. */
  close(): void {
    if (this.#closedHere) return;
    this.#closedHere = true;
    if (!this.#stale()) {
      Atomics.store(this.#words, CONSUMER_CLOSED_WORD, 1);
      this.#spaceBell.ring(0);
    }
    this.#sleeper.wake();
  }

  #ready(): boolean {
    return this.closed || Atomics.load(this.#words, HEAD_WORD) !== this.#tail;
  }

  #stale(): boolean {
    return Atomics.load(this.#words, EPOCH_WORD) !== this.#epoch;
  }
}
