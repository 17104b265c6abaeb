// HLNK frames out of a byte stream (unix socket, pipe, TLS) that may be cut anywhere and may hold noise between frames.
// Invariants: every byte is part of a frame or counted as skipped; at most one unfinished frame is held. wire.md §3.2-3.4.
// Any thread; one decoder per stream.
//
// 1. push() takes a chunk. A frame that lies in it whole is read in place.
// 2. What is left at the end of a chunk and may be the beginning of a frame is copied and completed from the next chunks.
// 3. Noise is hunted through byte by byte for `HLNK`. A header that cannot be used (other version, over a limit) is dropped with
//    its 21 bytes, as the Go client does, and the hunt goes on behind it.
import { HotlinkError } from '../errors.js';
import { HEADER_BYTES, MAGIC_0, MAGIC_1, MAGIC_2, MAGIC_3, MAGIC_BYTES } from './constants.js';
import { FrameView } from './view.js';

/** The first allocation for a cut frame: a header with a usual path fits, and it doubles from here. */
const FIRST_HELD_BYTES = 1024;

/**
 * Incremental reader: `push(chunk)`, then take frames with {@link FrameDecoder.next} (or iterate) until there are none, then push again.
 *
 * A returned view, and any payload taken from it, is good until the next call; payloads may point into the pushed chunk.
 */
export class FrameDecoder {
  /** Bytes that were no part of any frame, so far. */
  skippedBytes = 0;

  readonly #view = new FrameView();
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  // The beginning of a frame whose rest has not come. Its first bytes always match the magic.
  #held: Uint8Array = NOTHING;
  #heldBytes = 0;
  #heldIsOut = false;

  /** Bytes kept back because they may be the beginning of a frame. Non-zero at the end of a stream means that it was cut. */
  get unfinishedBytes(): number {
    return this.#heldIsOut ? 0 : this.#heldBytes;
  }

  /**
   * Gives the next bytes of the stream. They must stay unchanged until {@link FrameDecoder.next} returned undefined.
   * @throws HotlinkError ERR_HLNK_INTERNAL when frames of the previous chunk have not all been taken
   */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) {
      throw new HotlinkError('ERR_HLNK_INTERNAL', 'take every frame of a chunk with next() before the next push()');
    }
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** The next frame, or undefined when more bytes are needed. Allocates only when a frame was cut. Never throws. */
  next(): FrameView | undefined {
    if (this.#heldIsOut) {
      this.#heldIsOut = false;
      this.#heldBytes = 0;
    }
    while (this.#at < this.#chunk.length) {
      const found = this.#heldBytes > 0 ? this.#completeHeld() : this.#readChunk();
      if (found) return this.#view;
    }
    this.#chunk = NOTHING; // nothing points into it any more: let the reader reuse or free it
    this.#at = 0;
    return undefined;
  }

  /** Every frame until more bytes are needed, as {@link FrameDecoder.next} gives them. */
  *[Symbol.iterator](): Generator<FrameView, void> {
    for (let frame = this.next(); frame !== undefined; frame = this.next()) yield frame;
  }

  /** Hunts in the chunk from here on. True when a whole frame was found; else some bytes were skipped or held. */
  #readChunk(): boolean {
    const chunk = this.#chunk;
    const startAt = magicAt(chunk, this.#at);
    this.skippedBytes += startAt - this.#at;
    this.#at = startAt;
    if (chunk.length - startAt < HEADER_BYTES) {
      this.#hold(chunk.length - startAt);
      return false;
    }
    switch (this.#view.readWithin(chunk, startAt, chunk.length)) {
      case 'ok':
      case 'trailing-bytes':
        this.#at = this.#view.endAt;
        return true;
      case 'truncated':
        this.#hold(chunk.length - startAt);
        return false;
      default:
        this.#at += HEADER_BYTES;
        this.skippedBytes += HEADER_BYTES;
        return false;
    }
  }

  /** Continues the held beginning with bytes of the chunk: magic, then header, then the rest. */
  #completeHeld(): boolean {
    if (this.#heldBytes < MAGIC_BYTES) {
      if (this.#chunk[this.#at] !== magicByte(this.#heldBytes)) {
        // Only the first byte of the magic can start another one, so nothing that was held can.
        this.skippedBytes += this.#heldBytes;
        this.#heldBytes = 0;
        return false;
      }
      this.#hold(1);
      return false;
    }
    if (this.#heldBytes < HEADER_BYTES) {
      this.#hold(Math.min(HEADER_BYTES - this.#heldBytes, this.#chunk.length - this.#at));
      if (this.#heldBytes < HEADER_BYTES) return false;
    }
    let verdict = this.#view.readWithin(this.#held, 0, this.#heldBytes);
    if (verdict === 'truncated') {
      const missingBytes = this.#view.endAt - this.#heldBytes;
      this.#hold(Math.min(missingBytes, this.#chunk.length - this.#at), this.#view.endAt);
      if (this.#heldBytes < this.#view.endAt) return false;
      verdict = this.#view.readWithin(this.#held, 0, this.#heldBytes);
    }
    if (verdict !== 'ok') {
      this.skippedBytes += this.#heldBytes;
      this.#heldBytes = 0;
      return false;
    }
    this.#heldIsOut = true;
    return true;
  }

  /** Moves bytes of the chunk behind the held ones. Grows with what has come, not with what a header promises. */
  #hold(moreBytes: number, frameBytes = 0): void {
    const neededBytes = this.#heldBytes + moreBytes;
    if (neededBytes > this.#held.length) {
      const doubled = Math.max(FIRST_HELD_BYTES, this.#held.length * 2);
      const grown = new Uint8Array(Math.max(neededBytes, frameBytes > 0 ? Math.min(doubled, frameBytes) : doubled));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(this.#chunk.subarray(this.#at, this.#at + moreBytes), this.#heldBytes);
    this.#heldBytes = neededBytes;
    this.#at += moreBytes;
  }
}

const NOTHING = new Uint8Array(0);

/** Where the magic, or the part of it that fits in front of the end, begins at or after `from`; the chunk's length when nowhere. */
function magicAt(chunk: Uint8Array, from: number): number {
  const end = chunk.length;
  for (let at = chunk.indexOf(MAGIC_0, from); at >= 0; at = chunk.indexOf(MAGIC_0, at + 1)) {
    if (at + 1 < end && chunk[at + 1] !== MAGIC_1) continue;
    if (at + 2 < end && chunk[at + 2] !== MAGIC_2) continue;
    if (at + 3 < end && chunk[at + 3] !== MAGIC_3) continue;
    return at;
  }
  return end;
}

function magicByte(index: number): number {
  switch (index) {
    case 0:
      return MAGIC_0;
    case 1:
      return MAGIC_1;
    case 2:
      return MAGIC_2;
    default:
      return MAGIC_3;
  }
}
