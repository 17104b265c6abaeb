// One HLNK frame read in place: offsets and numbers into the message it arrived in, nothing copied.
// Invariant: reading allocates nothing and never throws, whatever the bytes are; a bad frame is a verdict. wire.md §3.1-3.4.
// Any thread; one view per reader, reused for every frame.
import {
  ETAG_BYTES_AT,
  HEADER_BYTES,
  HLNK_VERSION,
  MAGIC_0,
  MAGIC_1,
  MAGIC_2,
  MAGIC_3,
  MAX_ETAG_BYTES,
  MAX_PATH_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_SEQ_HIGH_WORD,
  PATH_BYTES_AT,
  PAYLOAD_BYTES_AT,
  SEQ_AT,
  VERSION_AT,
} from './constants.js';

/** What a message turned out to be. The header is judged first, in this order, then how much of the frame is there. */
export type FrameVerdict =
  | 'ok'
  | 'bad-magic'
  | 'bad-version'
  | 'path-too-long'
  | 'etag-too-long'
  | 'payload-too-long'
  | 'bad-seq' // over 2^53-1
  | 'truncated' // what is there is right, but it ends too early
  | 'trailing-bytes'; // a whole frame, then more; upstream's data-channel reader ignores the rest

/** Reusable view of one frame. Fields and methods have a meaning after `ok` and `trailing-bytes` only. */
export class FrameView {
  /** the bytes the offsets below count in */
  message: Uint8Array = NOTHING;
  /** Sequence number, a safe integer. */
  seq = 0;
  /** Offset of the path. */
  pathStart = 0;
  /** Length of the path. */
  pathBytes = 0;
  /** Offset of the etag. */
  etagStart = 0;
  /** Length of the etag. */
  etagBytes = 0;
  /** Offset of the payload. */
  payloadStart = 0;
  /** Length of the payload. */
  payloadBytes = 0;
  /** offset after the frame's last byte; set as soon as the header was good, so also after `truncated` with a whole header */
  endAt = 0;

  /** Reads the one frame that a message is. Any `byteOffset`, and shared memory, will do. */
  read(message: Uint8Array): FrameVerdict {
    return this.readWithin(message, 0, message.length);
  }

  /** Reads the frame that begins at `startAt`; bytes from `endAt` on are not looked at. Offsets count from the start of `message`. */
  readWithin(message: Uint8Array, startAt: number, endAt: number): FrameVerdict {
    this.message = NOTHING;
    const availableBytes = endAt - startAt;
    if (availableBytes > 0 && message[startAt] !== MAGIC_0) return 'bad-magic';
    if (availableBytes > 1 && message[startAt + 1] !== MAGIC_1) return 'bad-magic';
    if (availableBytes > 2 && message[startAt + 2] !== MAGIC_2) return 'bad-magic';
    if (availableBytes > 3 && message[startAt + 3] !== MAGIC_3) return 'bad-magic';
    if (availableBytes > VERSION_AT && message[startAt + VERSION_AT] !== HLNK_VERSION) return 'bad-version';
    if (availableBytes < HEADER_BYTES) return 'truncated';

    const pathBytes = (message[startAt + PATH_BYTES_AT]! << 8) | message[startAt + PATH_BYTES_AT + 1]!;
    if (pathBytes > MAX_PATH_BYTES) return 'path-too-long';
    const etagBytes = (message[startAt + ETAG_BYTES_AT]! << 8) | message[startAt + ETAG_BYTES_AT + 1]!;
    if (etagBytes > MAX_ETAG_BYTES) return 'etag-too-long';
    const payloadBytes = readUint32(message, startAt + PAYLOAD_BYTES_AT);
    if (payloadBytes > MAX_PAYLOAD_BYTES) return 'payload-too-long';
    const seqHigh = readUint32(message, startAt + SEQ_AT);
    if (seqHigh > MAX_SEQ_HIGH_WORD) return 'bad-seq';

    this.seq = seqHigh * 0x1_0000_0000 + readUint32(message, startAt + SEQ_AT + 4);
    this.pathStart = startAt + HEADER_BYTES;
    this.pathBytes = pathBytes;
    this.etagStart = this.pathStart + pathBytes;
    this.etagBytes = etagBytes;
    this.payloadStart = this.etagStart + etagBytes;
    this.payloadBytes = payloadBytes;
    this.endAt = this.payloadStart + payloadBytes;
    if (this.endAt > endAt) return 'truncated';
    this.message = message;
    return this.endAt < endAt ? 'trailing-bytes' : 'ok';
  }

  /** The payload as a view into the message: it is as short-lived as the message's memory. */
  payload(): Uint8Array {
    return this.message.subarray(this.payloadStart, this.payloadStart + this.payloadBytes);
  }

  /** The path as text. Bytes that are not UTF-8 become U+FFFD: a path never routes, it is only shown and compared. */
  path(): string {
    return textAt(this.message, this.pathStart, this.pathBytes);
  }

  /** The etag as text, read as the path is. */
  etag(): string {
    return textAt(this.message, this.etagStart, this.etagBytes);
  }

  /** Whether the path is exactly these bytes, without making a string of it. */
  pathIs(path: Uint8Array): boolean {
    return sameBytes(this.message, this.pathStart, this.pathBytes, path);
  }

  /** Whether the etag is exactly these bytes, without making a string of it. */
  etagIs(etag: Uint8Array): boolean {
    return sameBytes(this.message, this.etagStart, this.etagBytes, etag);
  }
}

const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function textAt(bytes: Uint8Array, start: number, lengthBytes: number): string {
  // Copied first: TextDecoder refuses shared memory, and the few bytes cost less than asking which kind it is.
  return decoder.decode(new Uint8Array(bytes.subarray(start, start + lengthBytes)));
}

function sameBytes(bytes: Uint8Array, start: number, lengthBytes: number, other: Uint8Array): boolean {
  if (lengthBytes !== other.length) return false;
  for (let i = 0; i < lengthBytes; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}
