// The shared words of a record ring: one producer thread, one consumer thread, one SharedArrayBuffer.
// Invariant: every word has one writer, named below; the words one side writes often share no cache line with the other side's.
//
//   byte 0                64             128                192            256                320                    320 + capacity
//   ┌─────────────────────┬──────────────┬──────────────────┬──────────────┬──────────────────┬───────────────────────────────┐
//   │ magic capacity epoch│ head         │ data bell        │ tail         │ space bell       │ record │ record │ … │ pad ────┤
//   │                     │              │ producer sleep   │              │ consumer sleep   │                               │
//   │                     │              │ wanted tail      │              │ consumer closed  │                               │
//   │                     │              │ producer closed  │              │                  │                               │
//   └─────────────────────┴──────────────┴──────────────────┴──────────────┴──────────────────┴───────────────────────────────┘
//     creator               producer       producer, seldom   consumer       consumer, seldom   producer
//
//   record, always at a multiple of 8:   │ length (Int32) │ 4 unused │ payload, `length` bytes │ 0…7 unused │
//   pad, from there to the end:          │ -1             │ …
//
// Head and tail count bytes ever published and ever freed, modulo 2^32; `position & (capacity - 1)` is the place in the data area,
// which is why the capacity is a power of two. head - tail is what is occupied, pads and record heads included.

import { HotlinkError } from '../errors.js';

export const MAGIC_WORD = 0;
export const CAPACITY_WORD = 1;
export const EPOCH_WORD = 2;

export const HEAD_WORD = 16;

export const DATA_BELL_WORD = 32;
export const PRODUCER_SLEEP_WORD = 33;
export const WANTED_TAIL_WORD = 34;
export const PRODUCER_CLOSED_WORD = 35;

export const TAIL_WORD = 48;

export const SPACE_BELL_WORD = 64;
export const CONSUMER_SLEEP_WORD = 65;
export const CONSUMER_CLOSED_WORD = 66;

const HEADER_WORDS = 80;
const HEADER_BYTES = HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT;

/** "HLR1": says that a buffer is a ring of this layout. */
const MAGIC = 0x484c5231;

/** Before each payload: the length word, and four bytes that keep the payload on a multiple of 8, where copies are fastest. */
export const RECORD_HEAD_BYTES = 8;

/** In place of a length: nothing here, the record is at the start of the data area. */
export const PAD = -1;

/** Two records of 8..24 bytes: below that a ring is only overhead. */
const MIN_CAPACITY_BYTES = 64;

/** Positions are compared as signed 32-bit differences, so what is occupied has to stay well under 2^31. */
const MAX_CAPACITY_BYTES = 2 ** 30;

/** What both sides see of one ring. */
export interface RingView {
  /** The header. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The data area as bytes, and as words for the record heads. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly recordWords: Int32Array<SharedArrayBuffer>;
  readonly capacityBytes: number;
  /** The epoch at the time of attaching. */
  readonly epoch: number;
}

/** @returns the room that a record with this payload takes */
export function recordBytes(payloadBytes: number): number {
  return RECORD_HEAD_BYTES + ((payloadBytes + 7) & ~7);
}

/** @returns the largest payload that always fits once the consumer has caught up, wherever in the ring the next record starts */
export function maxRecordBytes(capacityBytes: number): number {
  return capacityBytes / 2 - RECORD_HEAD_BYTES;
}

/**
 * Makes an empty ring.
 *
 * @param capacityBytes size of the data area, 1 … 2^30, rounded up to a power of two (at least 64); one record may take half of it
 * @returns a buffer to hand to one {@link RingProducer} and one {@link RingConsumer}, by `postMessage` or `workerData`
 * @throws HotlinkError `ERR_HLNK_USAGE` when the size is out of range
 */
export function createRing(capacityBytes: number): SharedArrayBuffer {
  if (!Number.isInteger(capacityBytes) || capacityBytes < 1 || capacityBytes > MAX_CAPACITY_BYTES) {
    throw new HotlinkError('ERR_HLNK_USAGE', `A ring needs a capacity of 1 to ${MAX_CAPACITY_BYTES} bytes, not ${capacityBytes}.`);
  }
  const capacity = Math.max(MIN_CAPACITY_BYTES, 2 ** (32 - Math.clz32(capacityBytes - 1)));
  const buffer = new SharedArrayBuffer(HEADER_BYTES + capacity);
  const words = new Int32Array(buffer, 0, HEADER_WORDS);
  words[CAPACITY_WORD] = capacity;
  words[EPOCH_WORD] = 1;
  Atomics.store(words, MAGIC_WORD, MAGIC);
  return buffer;
}

/**
 * Empties a ring for its next use under a new epoch. Sides attached before see the ring as closed from then on, and are woken.
 * The epoch catches a side that was forgotten; it is no lock: tell both to stop (or know them dead) before calling.
 *
 * @throws HotlinkError `ERR_HLNK_USAGE` when the buffer is not a ring
 */
export function resetRing(buffer: SharedArrayBuffer): void {
  const { words } = attachRing(buffer);
  Atomics.add(words, EPOCH_WORD, 1);
  for (const word of [HEAD_WORD, TAIL_WORD, PRODUCER_CLOSED_WORD, CONSUMER_CLOSED_WORD]) Atomics.store(words, word, 0);
  for (const word of [DATA_BELL_WORD, SPACE_BELL_WORD]) {
    Atomics.add(words, word, 1);
    Atomics.notify(words, word);
  }
}

/** @returns bytes published and not yet freed at about this moment, for whoever watches from a third thread */
export function ringOccupiedBytes(buffer: SharedArrayBuffer): number {
  const { words } = attachRing(buffer);
  return (Atomics.load(words, HEAD_WORD) - Atomics.load(words, TAIL_WORD)) | 0;
}

/** @throws HotlinkError `ERR_HLNK_USAGE` when the buffer was not made by {@link createRing} */
export function attachRing(buffer: SharedArrayBuffer): RingView {
  const words = buffer.byteLength > HEADER_BYTES ? new Int32Array(buffer, 0, HEADER_WORDS) : undefined;
  const capacityBytes = buffer.byteLength - HEADER_BYTES;
  if (words === undefined || Atomics.load(words, MAGIC_WORD) !== MAGIC || words[CAPACITY_WORD] !== capacityBytes) {
    throw new HotlinkError('ERR_HLNK_USAGE', 'This buffer is not a record ring; make one with createRing().');
  }
  return {
    words,
    bytes: new Uint8Array(buffer, HEADER_BYTES, capacityBytes),
    recordWords: new Int32Array(buffer, HEADER_BYTES, capacityBytes / Int32Array.BYTES_PER_ELEMENT),
    capacityBytes,
    epoch: Atomics.load(words, EPOCH_WORD),
  };
}
