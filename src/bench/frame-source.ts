// The exact byte stream of one burst link, the same on both ends: upstream's framing (4-byte big-endian length, then the payload) around
// pseudo-random payload. Every frame is an AES-128-CTR keystream keyed by the link, with the frame number as nonce, so that a frame lost, repeated,
// swapped or taken from another link shows at its first byte. Upstream's script sends one repeated letter and would notice none of these.
import { createCipheriv, createHash } from 'node:crypto';

/** Bytes per piece. Large enough that generating and comparing cost next to nothing per byte, small enough to stay in the cache. */
export const PIECE_BYTES = 256 * 1024;
export const LENGTH_PREFIX_BYTES = 4;
const zeros = Buffer.alloc(PIECE_BYTES);

export interface StreamShape {
  /** Names the link; both ends must agree. */
  link: string;
  frameCount: number;
  frameBytes: number;
}

/** Most of one frame here, bytes: its length stands in 32 bits. */
const MOST_FRAME_BYTES = 2 ** 30;

/** Frames for so many bytes, or a few more: one, as long as its length can be written. */
export function framesFor(bytes: number): Pick<StreamShape, 'frameCount' | 'frameBytes'> {
  const frameCount = Math.max(1, Math.ceil(bytes / MOST_FRAME_BYTES));
  return { frameCount, frameBytes: Math.ceil(bytes / frameCount) };
}

/** Payload of the whole stream, without length prefixes: what figures count. */
export function payloadBytesOf(shape: StreamShape): number {
  return shape.frameCount * shape.frameBytes;
}

/** Everything that crosses the socket. */
export function streamBytesOf(shape: StreamShape): number {
  return shape.frameCount * (shape.frameBytes + LENGTH_PREFIX_BYTES);
}

export class FrameSource {
  readonly #shape: StreamShape;
  readonly #key: Buffer;
  #frame = 0;
  #leftInFrame = 0;
  #cipher: ReturnType<typeof createCipheriv> | undefined;

  constructor(shape: StreamShape) {
    this.#shape = shape;
    this.#key = createHash('sha256').update(`hotlink burst ${shape.link}`).digest().subarray(0, 16);
  }

  /** The next piece of the stream, in order; undefined after the last. The caller owns it. */
  next(): Buffer | undefined {
    if (this.#leftInFrame > 0) return this.#payloadPiece();
    if (this.#frame === this.#shape.frameCount) return undefined;
    const prefix = Buffer.alloc(LENGTH_PREFIX_BYTES);
    prefix.writeUInt32BE(this.#shape.frameBytes);
    const nonce = Buffer.alloc(16);
    nonce.writeUInt32BE(this.#frame, 4);
    this.#cipher = createCipheriv('aes-128-ctr', this.#key, nonce);
    this.#leftInFrame = this.#shape.frameBytes;
    this.#frame++;
    return prefix;
  }

  #payloadPiece(): Buffer {
    const bytes = Math.min(this.#leftInFrame, PIECE_BYTES);
    this.#leftInFrame -= bytes;
    return this.#cipher!.update(bytes === PIECE_BYTES ? zeros : zeros.subarray(0, bytes));
  }
}
