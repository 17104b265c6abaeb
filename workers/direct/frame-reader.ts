// HLNK frames back to back out of the pieces TLS hands over, each frame in one contiguous stretch of memory. A large one may be kept: it stays as it is until
// whoever took it says that it was passed on (../blocks.ts). One block holds several large frames; only the beginning of a frame that does not fit any more
// is moved, and a block of which everything was passed on is filled from its beginning again. Unlike upstream's stream readers there is no hunting for the next frame: TLS loses nothing, so
// anything that is no frame ends the connection. Hotlink wire protocol 3.1. Channel worker.

import { type FrameVerdict, FrameView } from '../../native-free/hlnk/index.js';
import { Block, LENT_BYTES } from '../blocks.js';

/** The least room to read into: one TLS record. */
export const LANDING_BYTES = 16_384;

export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #frame: (message: Uint8Array, lasting: boolean) => void;
  readonly #view = new FrameView();
  #block = Block.take();
  #begin = 0;
  #end = 0;
  /** Bytes of the unfinished frame in all; 0 while its head has not come. */
  #wantBytes = 0;

  /** @param frame a whole frame; its bytes are only valid during the call, unless `lasting` */
  constructor(maxFrameBytes: number, frame: (message: Uint8Array, lasting: boolean) => void) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#frame = frame;
  }

  /** Where the next bytes may be put: at least {@link LANDING_BYTES}. */
  space(): Uint8Array {
    if (this.#begin === this.#end && this.#block.idle) {
      this.#begin = 0;
      this.#end = 0;
    }
    const needBytes = Math.max(LANDING_BYTES, this.#wantBytes - (this.#end - this.#begin));
    if (this.#block.bytes.length - this.#end < needBytes) this.#renew(needBytes);
    return this.#block.bytes.subarray(this.#end);
  }

  /** Bytes were put there. @returns what was wrong with them; the connection is of no use then */
  landed(bytes: number): FrameVerdict | 'frame-too-long' | undefined {
    this.#end += bytes;
    const block = this.#block.bytes;
    while (this.#end > this.#begin && this.#end - this.#begin >= this.#wantBytes) {
      this.#view.endAt = 0;
      const verdict = this.#view.readWithin(block, this.#begin, this.#end);
      if (verdict === 'truncated') {
        // Without a whole head the length is not known yet.
        this.#wantBytes = Math.max(0, this.#view.endAt - this.#begin);
        if (this.#wantBytes > this.#maxFrameBytes) return 'frame-too-long';
        return undefined;
      }
      if (verdict !== 'ok' && verdict !== 'trailing-bytes') return verdict;
      const message = block.subarray(this.#begin, this.#view.endAt);
      if (message.length > this.#maxFrameBytes) return 'frame-too-long';
      this.#begin = this.#view.endAt;
      this.#wantBytes = 0;
      const lasting = this.#view.payloadBytes >= LENT_BYTES;
      if (lasting) this.#block.lend(this.#view.payloadBytes);
      this.#frame(message, lasting);
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
    const before = this.#block;
    const held = before.bytes.subarray(this.#begin, this.#end);
    this.#block = Block.take(held.length + needBytes);
    this.#block.bytes.set(held);
    this.#begin = 0;
    this.#end = held.length;
    before.retire();
  }
}
