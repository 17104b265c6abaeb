// HLNK frames back to back out of the pieces TLS hands over, each frame in one contiguous stretch of memory that stays as it is: blocks are
// filled once and never reused, so whoever takes a frame may keep it. One block holds several large frames; only the beginning of a frame
// that does not fit any more is moved. Unlike upstream's stream readers there is no hunting for the next frame: TLS loses nothing, so
// anything that is no frame ends the connection. Hotlink wire protocol 3.1. Channel worker.

import { type FrameVerdict, FrameView } from '../../native-free/hlnk/index.js';

/** Four frames of our own peers and what TLS hands over at once. Larger blocks only cost cache. */
const BLOCK_BYTES = 1_048_576;
/** The least room to read into: one TLS record. */
export const LANDING_BYTES = 16_384;

export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #frame: (message: Uint8Array) => void;
  readonly #view = new FrameView();
  readonly #blockBytes: number;
  #block: Buffer;
  #begin = 0;
  #end = 0;
  /** Bytes of the unfinished frame in all; 0 while its head has not come. */
  #wantBytes = 0;

  /** @param blockBytes memory taken at once; smaller only where many readers come and go */
  constructor(maxFrameBytes: number, frame: (message: Uint8Array) => void, blockBytes = BLOCK_BYTES) {
    this.#blockBytes = blockBytes;
    this.#block = Buffer.allocUnsafeSlow(blockBytes);
    this.#maxFrameBytes = maxFrameBytes;
    this.#frame = frame;
  }

  /** Where the next bytes may be put: at least {@link LANDING_BYTES}. */
  space(): Uint8Array {
    const needBytes = Math.max(LANDING_BYTES, this.#wantBytes - (this.#end - this.#begin));
    if (this.#block.length - this.#end < needBytes) this.#renew(needBytes);
    return this.#block.subarray(this.#end);
  }

  /** Bytes were put there. @returns what was wrong with them; the connection is of no use then */
  landed(bytes: number): FrameVerdict | 'frame-too-long' | undefined {
    this.#end += bytes;
    while (this.#end > this.#begin && this.#end - this.#begin >= this.#wantBytes) {
      this.#view.endAt = 0;
      const verdict = this.#view.readWithin(this.#block, this.#begin, this.#end);
      if (verdict === 'truncated') {
        // Without a whole head the length is not known yet.
        this.#wantBytes = Math.max(0, this.#view.endAt - this.#begin);
        if (this.#wantBytes > this.#maxFrameBytes) return 'frame-too-long';
        return undefined;
      }
      if (verdict !== 'ok' && verdict !== 'trailing-bytes') return verdict;
      const message = this.#block.subarray(this.#begin, this.#view.endAt);
      if (message.length > this.#maxFrameBytes) return 'frame-too-long';
      this.#begin = this.#view.endAt;
      this.#wantBytes = 0;
      this.#frame(message);
    }
    return undefined;
  }

  /** Bytes that are in some other memory. */
  push(chunk: Uint8Array): FrameVerdict | 'frame-too-long' | undefined {
    for (let at = 0; at < chunk.length; ) {
      const space = this.space();
      const piece = chunk.subarray(at, at + space.length);
      space.set(piece);
      at += piece.length;
      const wrong = this.landed(piece.length);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  #renew(needBytes: number): void {
    const held = this.#block.subarray(this.#begin, this.#end);
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#blockBytes, held.length + needBytes));
    held.copy(this.#block);
    this.#begin = 0;
    this.#end = held.length;
  }
}
