// Writing HLNK frames: in front of a payload that is already in place (the byte path), or into a new array (everything else).
// Invariant: lengths are never truncated to the width of their field; a frame that would not be read back is refused. wire.md §3.1, §3.2.
// Any thread.
import { HotlinkError } from '../errors.js';
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
  PATH_BYTES_AT,
  PAYLOAD_BYTES_AT,
  SEQ_AT,
  VERSION_AT,
} from './constants.js';

const encoder = new TextEncoder();

/** Bytes to leave free in front of a payload for the header, path and etag of its frame. */
export function headRoomBytes(pathBytes: number, etagBytes: number): number {
  return HEADER_BYTES + pathBytes + etagBytes;
}

/**
 * Writes header, path and etag so that they end where the payload begins. Allocates nothing; works on shared memory.
 *
 * The frame is then `out` from the returned offset up to `payloadAt + payloadBytes`.
 * @param out holds the payload at `payloadAt`, with at least {@link headRoomBytes} free bytes in front of it
 * @param seq a safe integer, 0 or more
 * @returns offset of the frame's first byte in `out`
 * @throws HotlinkError ERR_HLNK_PATH for a path over 4096 bytes; ERR_HLNK_INTERNAL when another field is over its limit or the frame does
 *   not fit in `out`
 */
export function writeFrameHead(
  out: Uint8Array,
  payloadAt: number,
  payloadBytes: number,
  path: Uint8Array,
  etag: Uint8Array,
  seq: number,
): number {
  const pathBytes = path.length;
  const etagBytes = etag.length;
  checkLimits(pathBytes, etagBytes, payloadBytes, seq);
  const start = payloadAt - HEADER_BYTES - pathBytes - etagBytes;
  if (start < 0 || payloadAt + payloadBytes > out.length) {
    throw new HotlinkError(
      'ERR_HLNK_INTERNAL',
      `a frame with ${payloadBytes} payload bytes at ${payloadAt} and ${payloadAt - start} bytes of head-room does not fit in ${out.length} bytes`,
    );
  }
  out[start] = MAGIC_0;
  out[start + 1] = MAGIC_1;
  out[start + 2] = MAGIC_2;
  out[start + 3] = MAGIC_3;
  out[start + VERSION_AT] = HLNK_VERSION;
  out[start + PATH_BYTES_AT] = pathBytes >>> 8;
  out[start + PATH_BYTES_AT + 1] = pathBytes;
  out[start + ETAG_BYTES_AT] = etagBytes >>> 8;
  out[start + ETAG_BYTES_AT + 1] = etagBytes;
  writeUint32(out, start + PAYLOAD_BYTES_AT, payloadBytes);
  writeUint32(out, start + SEQ_AT, Math.floor(seq / 0x1_0000_0000));
  writeUint32(out, start + SEQ_AT + 4, seq >>> 0); // `>>> 0` is exact modulo 2^32 for every safe integer
  out.set(path, start + HEADER_BYTES);
  out.set(etag, start + HEADER_BYTES + pathBytes);
  return start;
}

/**
 * One HLNK frame: the datasite path of the channel (4096 bytes at most), a tag (128, or empty), a sequence number, and the payload (16 MiB).
 * @remarks As a new array, for everything that is not the byte path.
 * @throws HotlinkError `ERR_HLNK_PATH` for a path that is too long, `ERR_HLNK_INTERNAL` for another field
 */
export function encodeFrame(
  path: string | Uint8Array,
  etag: string | Uint8Array,
  seq: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const pathField = typeof path === 'string' ? encoder.encode(path) : path;
  const etagField = typeof etag === 'string' ? encoder.encode(etag) : etag;
  checkLimits(pathField.length, etagField.length, payload.length, seq); // before a huge field makes us allocate for it
  const payloadAt = headRoomBytes(pathField.length, etagField.length);
  const frame = new Uint8Array(payloadAt + payload.length);
  frame.set(payload, payloadAt);
  writeFrameHead(frame, payloadAt, payload.length, pathField, etagField, seq);
  return frame;
}

/** Writes another sequence number into a whole frame. @param seq a safe integer, 0 or more */
export function writeFrameSeq(frame: Uint8Array, seq: number): void {
  writeUint32(frame, SEQ_AT, Math.floor(seq / 0x1_0000_0000));
  writeUint32(frame, SEQ_AT + 4, seq >>> 0);
}

/** How many payload bytes the head of a whole frame says it has. */
export function framePayloadBytes(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(PAYLOAD_BYTES_AT);
}

function checkLimits(pathBytes: number, etagBytes: number, payloadBytes: number, seq: number): void {
  if (pathBytes > MAX_PATH_BYTES) {
    throw new HotlinkError('ERR_HLNK_PATH', `a frame's path may have ${MAX_PATH_BYTES} bytes, not ${pathBytes}: use a shorter path`);
  }
  if (etagBytes > MAX_ETAG_BYTES)
    throw new HotlinkError('ERR_HLNK_INTERNAL', `a frame's etag may have ${MAX_ETAG_BYTES} bytes, not ${etagBytes}`);
  if (payloadBytes > MAX_PAYLOAD_BYTES) {
    throw new HotlinkError('ERR_HLNK_INTERNAL', `a frame's payload may have ${MAX_PAYLOAD_BYTES} bytes, not ${payloadBytes}: cut it`);
  }
  if (!Number.isSafeInteger(seq) || seq < 0)
    throw new HotlinkError('ERR_HLNK_INTERNAL', `a sequence number is a safe integer from 0, not ${seq}`);
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
