// The writing side of a record ring; lives on one thread. Flow: claim a contiguous region, fill it in place, commit what was used.
// Invariant: length and bytes are written before the head that publishes them, so the consumer never sees part of a record.

import { HotlinkError } from '../errors.js';
import { Bell, Sleeper } from './doorbell.js';
import {
  attachRing,
  CONSUMER_CLOSED_WORD,
  CONSUMER_SLEEP_WORD,
  DATA_BELL_WORD,
  EPOCH_WORD,
  HEAD_WORD,
  maxRecordBytes,
  PAD,
  PRODUCER_CLOSED_WORD,
  PRODUCER_SLEEP_WORD,
  RECORD_HEAD_BYTES,
  recordBytes,
  SPACE_BELL_WORD,
  TAIL_WORD,
  WANTED_TAIL_WORD,
} from './layout.js';

export class RingProducer {
  /** The data area; {@link claim} answers offsets into it. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  /** Largest claim: half the ring less a record head, because a record is contiguous wherever it starts. */
  readonly maxRecordBytes: number;

  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #recordWords: Int32Array<SharedArrayBuffer>;
  readonly #capacityBytes: number;
  readonly #epoch: number;
  readonly #dataBell: Bell;
  readonly #sleeper: Sleeper;
  #head: number;
  /** The tail as last seen: it only moves on, so an old one is safe and most claims need no look at the consumer's cache line. */
  #tailSeen: number;
  #claimedBytes = -1;
  #padBytes = 0;
  #closedHere = false;

  /**
   * @param buffer made by {@link createRing}; at most one producer is attached to it at a time
   * @throws HotlinkError `ERR_HLNK_USAGE` when the buffer is not a ring
   */
  constructor(buffer: SharedArrayBuffer) {
    const view = attachRing(buffer);
    this.bytes = view.bytes;
    this.maxRecordBytes = maxRecordBytes(view.capacityBytes);
    this.#words = view.words;
    this.#recordWords = view.recordWords;
    this.#capacityBytes = view.capacityBytes;
    this.#epoch = view.epoch;
    this.#dataBell = new Bell(view, DATA_BELL_WORD, CONSUMER_SLEEP_WORD);
    this.#sleeper = new Sleeper(view, SPACE_BELL_WORD, PRODUCER_SLEEP_WORD);
    this.#head = Atomics.load(view.words, HEAD_WORD);
    this.#tailSeen = Atomics.load(view.words, TAIL_WORD);
  }

  /** Either side closed the ring, or it was reset for another use: no claim will succeed again. */
  get closed(): boolean {
    return (
      this.#closedHere ||
      Atomics.load(this.#words, CONSUMER_CLOSED_WORD) !== 0 ||
      Atomics.load(this.#words, PRODUCER_CLOSED_WORD) !== 0 ||
      this.#stale()
    );
  }

  /** Times the consumer was woken (closing included), modulo 2^32. It stays put while the consumer never sleeps. */
  get wakeups(): number {
    return this.#dataBell.rings;
  }

  /**
   * Reserves a contiguous region for the next record. A claim that is still open is replaced.
   *
   * @param maxBytes most that the record will need, head-room included; 0 … {@link maxRecordBytes}
   * @returns offset of the region in {@link bytes}, or -1 when there is no room now (or never again, see {@link closed})
   * @throws HotlinkError `ERR_HLNK_USAGE` for a size that could never fit, because waiting for it would never end
   */
  claim(maxBytes: number): number {
    this.#checkSize(maxBytes);
    this.#claimedBytes = -1;
    if (this.closed) return -1;
    const padBytes = this.#padBytesBefore(maxBytes);
    if (!this.#hasRoom(padBytes + recordBytes(maxBytes))) return -1;
    this.#claimedBytes = maxBytes;
    this.#padBytes = padBytes;
    return this.#placeOf(this.#head + padBytes) + RECORD_HEAD_BYTES;
  }

  /**
   * Publishes the claimed region as one record. What was claimed and not used stays free. After {@link close} it does nothing.
   *
   * @param usedBytes actual length, 0 … what was claimed, counted from the start of the region
   * @throws HotlinkError `ERR_HLNK_INTERNAL` without a claim, or beyond it
   */
  commit(usedBytes: number): void {
    if (this.#closedHere || this.#stale()) return;
    if (!(usedBytes >= 0 && usedBytes <= this.#claimedBytes)) {
      throw new HotlinkError('ERR_HLNK_INTERNAL', `Ring: ${usedBytes} bytes committed, ${this.#claimedBytes} claimed.`);
    }
    if (this.#padBytes > 0) this.#recordWords[this.#placeOf(this.#head) >> 2] = PAD;
    this.#recordWords[this.#placeOf(this.#head + this.#padBytes) >> 2] = usedBytes;
    this.#head = (this.#head + this.#padBytes + recordBytes(usedBytes)) | 0;
    this.#claimedBytes = -1;
    Atomics.store(this.#words, HEAD_WORD, this.#head);
    const ticket = this.#dataBell.sleeper();
    if (ticket !== 0) this.#dataBell.ring(ticket);
  }

  /** Gives the claimed region back; nothing is published. */
  abort(): void {
    this.#claimedBytes = -1;
  }

  /** @returns bytes published and not yet freed, record heads and pads included */
  occupiedBytes(): number {
    this.#tailSeen = Atomics.load(this.#words, TAIL_WORD);
    return (this.#head - this.#tailSeen) | 0;
  }

  /**
   * Waits for room without blocking the event loop (and without keeping the process alive). Look again after it: a wake-up is a hint.
   *
   * @param neededBytes the next claim; a larger one (up to {@link maxRecordBytes}) means fewer wake-ups
   * @returns undefined when there is room now or the ring is closed, else a promise that never rejects; there is at most one pending
   * @throws HotlinkError `ERR_HLNK_USAGE` as {@link claim}
   */
  spaceWait(neededBytes: number): Promise<void> | undefined {
    this.#checkSize(neededBytes);
    const roomBytes = this.#padBytesBefore(neededBytes) + recordBytes(neededBytes);
    if (this.closed || this.#hasRoom(roomBytes)) return undefined;
    Atomics.store(this.#words, WANTED_TAIL_WORD, (this.#head + roomBytes - this.#capacityBytes) | 0);
    this.#sleeper.announce();
    if (this.closed || this.#hasRoom(roomBytes)) {
      this.#sleeper.withdraw();
      return undefined;
    }
    return this.#sleeper.sleep();
  }

  /** No more records: the consumer still gets what was committed, then sees the end. Wakes both sides. May be called again. */
  close(): void {
    if (this.#closedHere) return;
    this.#closedHere = true;
    this.#claimedBytes = -1;
    if (!this.#stale()) {
      Atomics.store(this.#words, PRODUCER_CLOSED_WORD, 1);
      this.#dataBell.ring(0);
    }
    this.#sleeper.wake();
  }

  #stale(): boolean {
    return Atomics.load(this.#words, EPOCH_WORD) !== this.#epoch;
  }

  #placeOf(position: number): number {
    return position & (this.#capacityBytes - 1);
  }

  /** A record that does not fit before the end starts over at the front; the rest is padding. */
  #padBytesBefore(payloadBytes: number): number {
    const toEndBytes = this.#capacityBytes - this.#placeOf(this.#head);
    return recordBytes(payloadBytes) <= toEndBytes ? 0 : toEndBytes;
  }

  #hasRoom(roomBytes: number): boolean {
    if (((this.#head - this.#tailSeen) | 0) + roomBytes <= this.#capacityBytes) return true;
    return this.occupiedBytes() + roomBytes <= this.#capacityBytes;
  }

  #checkSize(payloadBytes: number): void {
    if (!(payloadBytes >= 0 && payloadBytes <= this.maxRecordBytes)) {
      throw new HotlinkError(
        'ERR_HLNK_USAGE',
        `Ring: a record takes 0 to ${this.maxRecordBytes} bytes, not ${payloadBytes}; make the ring larger.`,
      );
    }
  }
}
