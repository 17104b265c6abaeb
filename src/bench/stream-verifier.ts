// Compares what arrives with what was sent, byte by byte, in place: no concatenation, no copy, whatever the sizes the socket delivers.
import { createHash, type Hash } from 'node:crypto';
import { FrameSource, type StreamShape, streamBytesOf } from './frame-source.js';

export type Verdict = 'more' | 'complete' | 'fault';

export class StreamVerifier {
  readonly totalBytes: number;
  /** Bytes of the stream that arrived and were right, length prefixes included. */
  verifiedBytes = 0;
  /** One sentence naming the offset, once the verdict was `fault`. */
  fault: string | undefined;
  readonly #source: FrameSource;
  readonly #hash: Hash | undefined;
  #piece: Buffer;
  #pieceAt = 0;

  constructor(shape: StreamShape, options: { sha256: boolean }) {
    this.totalBytes = streamBytesOf(shape);
    this.#source = new FrameSource(shape);
    this.#hash = options.sha256 ? createHash('sha256') : undefined;
    this.#piece = this.#source.next() ?? Buffer.alloc(0);
  }

  /** Checks the next bytes. After `complete` any further byte is a fault. */
  push(chunk: Buffer): Verdict {
    if (this.fault !== undefined) return 'fault';
    if (this.verifiedBytes + chunk.length > this.totalBytes)
      return this.#fail(`${chunk.length} more bytes than the stream has`, this.totalBytes);
    let at = 0;
    while (at < chunk.length) {
      if (this.#pieceAt === this.#piece.length) {
        this.#piece = this.#source.next()!;
        this.#pieceAt = 0;
      }
      const bytes = Math.min(chunk.length - at, this.#piece.length - this.#pieceAt);
      if (chunk.compare(this.#piece, this.#pieceAt, this.#pieceAt + bytes, at, at + bytes) !== 0) {
        const off = firstDifference(chunk, at, this.#piece, this.#pieceAt, bytes);
        const got = chunk[at + off]!;
        return this.#fail(`byte ${hex(got)} instead of ${hex(this.#piece[this.#pieceAt + off]!)}`, this.verifiedBytes + off);
      }
      at += bytes;
      this.#pieceAt += bytes;
      this.verifiedBytes += bytes;
    }
    this.#hash?.update(chunk);
    return this.verifiedBytes === this.totalBytes ? 'complete' : 'more';
  }

  /** Digest of everything, in hexadecimal; only once, only after `complete`. */
  digest(): string | undefined {
    return this.#hash?.digest('hex');
  }

  #fail(what: string, offsetBytes: number): 'fault' {
    this.fault = `${what} at offset ${offsetBytes}`;
    return 'fault';
  }
}

function firstDifference(a: Buffer, aAt: number, b: Buffer, bAt: number, bytes: number): number {
  let off = 0;
  while (off < bytes && a[aAt + off] === b[bAt + off]) off++;
  return off;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
