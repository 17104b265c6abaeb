// Data envelopes on the byte path: written with one allocation, peeked at without one per field. wire.md §1.3, §1.4, §2.2.
// Invariants: the bytes are those of encodeEnvelope(…, 'msgpack'), and peekData accepts exactly what decodeEnvelope does. Any thread.
//
//   53 42 01 01 │ 83 │ "id" id │ "typ" 0c │ "dat" bin(document)
//   document:     84..86 │ "sid" sid │ "seq" seq │ "pth" pth │ ["etg" etg] │ ["pay" bin(pay)]
import { HotlinkError } from '../errors.js';
import { type ByteMemory, PLAIN_MEMORY } from '../memory.js';
import { ENCODING_MSGPACK, ENVELOPE_VERSION, EnvelopeHead, hasPrefix, keyCode, PREFIX_0, PREFIX_1, PREFIX_BYTES } from './head.js';
import { MsgpackReader } from './msgpack-reader.js';
import { decodeUtf8, isUtf8, utf8Bytes, writeUtf8 } from './utf8.js';

/**
 * Kind of the Signal that carries a whole HLNK frame, base64 in `tok`, from the acceptor of a session to its opener: the relay takes Data from the
 * opener alone. Between own peers, for control frames.
 */
export const FRAME_SIGNAL = 'hl1_frame';

const DATA = 12;
const KEY_SID = 0x736964;
const KEY_SEQ = 0x736571;
const KEY_PTH = 0x707468;
const KEY_ETG = 0x657467;
const KEY_PAY = 0x706179;
/** A key of three letters with its str header. */
const KEY_BYTES = 4;

/**
 * One Data envelope; the payload is copied once, into the frame.
 * @param seq a safe integer, from 1
 * @param etg empty to leave it out
 * @param pay not empty: the relay drops an empty one and the sequence number is lost with it (wire.md §2.2)
 * @throws HotlinkError ERR_HLNK_INTERNAL when `seq` is not a safe integer or negative
 */
export function encodeDataEnvelope(
  id: string,
  sid: string,
  seq: number,
  pth: string,
  etg: string,
  pay: Uint8Array,
  memory: ByteMemory = PLAIN_MEMORY,
): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(seq) || seq < 0)
    throw new HotlinkError('ERR_HLNK_INTERNAL', `a sequence number is a safe integer from 0, not ${seq}`);
  const idBytes = utf8Bytes(id);
  const sidBytes = utf8Bytes(sid);
  const pthBytes = utf8Bytes(pth);
  const etgBytes = utf8Bytes(etg);
  let pairs = 3;
  let datBytes = 1 + 3 * KEY_BYTES + textBytes(sidBytes) + integerBytes(seq) + textBytes(pthBytes);
  if (etgBytes > 0) {
    pairs++;
    datBytes += KEY_BYTES + textBytes(etgBytes);
  }
  if (pay.length > 0) {
    pairs++;
    datBytes += KEY_BYTES + binBytes(pay.length);
  }
  const out = memory.allocate(PREFIX_BYTES + 1 + 3 + textBytes(idBytes) + KEY_BYTES + 1 + KEY_BYTES + binBytes(datBytes));
  out[0] = PREFIX_0;
  out[1] = PREFIX_1;
  out[2] = ENVELOPE_VERSION;
  out[3] = ENCODING_MSGPACK;
  out[4] = 0x83;
  out[5] = 0xa2; // "id"
  out[6] = 0x69;
  out[7] = 0x64;
  let at = writeText(out, 8, id, idBytes);
  at = writeKey(out, at, 0x747970); // "typ"
  out[at++] = DATA;
  at = writeKey(out, at, 0x646174); // "dat"
  at = writeBinHeader(out, at, datBytes);
  out[at++] = 0x80 | pairs;
  at = writeText(out, writeKey(out, at, KEY_SID), sid, sidBytes);
  at = writeInteger(out, writeKey(out, at, KEY_SEQ), seq);
  at = writeText(out, writeKey(out, at, KEY_PTH), pth, pthBytes);
  if (etgBytes > 0) at = writeText(out, writeKey(out, at, KEY_ETG), etg, etgBytes);
  if (pay.length > 0) {
    at = writeBinHeader(out, writeKey(out, at, KEY_PAY), pay.length);
    memory.copy(out, pay, at);
  }
  return out;
}

/** Where the parts of a Data envelope lie in its frame. */
export interface DataPeek {
  readonly sid: string;
  readonly seq: number;
  /** offset of the path's text in the frame */
  readonly pthStart: number;
  readonly pthBytes: number;
  /** offset of the etag's text in the frame; meaningless when `etgBytes` is 0 */
  readonly etgStart: number;
  readonly etgBytes: number;
  /** offset of the payload in the frame; meaningless when `payBytes` is 0 */
  readonly payStart: number;
  readonly payBytes: number;
}

/**
 * Finds session, sequence number and payload of a msgpack Data envelope in place, in either dialect.
 * @returns undefined when the frame is anything else, or a Data that {@link decodeEnvelope} would refuse: ask that one then. Never throws.
 */
export function peekData(frame: Uint8Array): DataPeek | undefined {
  if (!hasPrefix(frame) || frame[2] !== ENVELOPE_VERSION || frame[3] !== ENCODING_MSGPACK) return undefined;
  const head = new EnvelopeHead();
  if (head.read(frame) !== 'ok' || head.typ !== DATA) return undefined;
  const reader = new MsgpackReader(frame, head.datStart, head.datStart + head.datBytes);
  if (reader.mapHeader() !== 'ok') return undefined;
  let sidStart = -1;
  let sidBytes = 0;
  let seq = -1;
  let pthStart = -1;
  let pthBytes = 0;
  let etgStart = 0;
  let etgBytes = 0;
  let payStart = 0;
  let payBytes = 0;
  for (let pairs = reader.number; pairs > 0; pairs--) {
    if (reader.span() !== 'ok') return undefined;
    const key = keyCode(frame, reader.spanStart, reader.spanBytes);
    if (key === KEY_SEQ) {
      seq = -1;
      if (reader.nil()) continue;
      if (reader.integer() !== 'ok' || reader.number < 0) return undefined;
      seq = reader.number;
      continue;
    }
    if (key !== KEY_SID && key !== KEY_PTH && key !== KEY_ETG && key !== KEY_PAY) {
      if (!reader.skip()) return undefined;
      continue;
    }
    const isNil = reader.nil();
    if (!isNil && reader.span() !== 'ok') return undefined;
    const start = reader.spanStart;
    const lengthBytes = isNil ? 0 : reader.spanBytes;
    if (key !== KEY_PAY && !isUtf8(frame, start, lengthBytes)) return undefined;
    if (key === KEY_SID) {
      sidStart = isNil ? -1 : start;
      sidBytes = lengthBytes;
    } else if (key === KEY_PTH) {
      pthStart = isNil ? -1 : start;
      pthBytes = lengthBytes;
    } else if (key === KEY_ETG) {
      etgStart = start;
      etgBytes = lengthBytes;
    } else {
      payStart = start;
      payBytes = lengthBytes;
    }
  }
  if (reader.at !== reader.end || sidStart < 0 || seq < 0 || pthStart < 0) return undefined;
  const sid = decodeUtf8(frame, sidStart, sidBytes);
  return sid === undefined ? undefined : { sid, seq, pthStart, pthBytes, etgStart, etgBytes, payStart, payBytes };
}

function textBytes(bytes: number): number {
  return bytes < 32 ? 1 + bytes : binBytes(bytes);
}

function binBytes(bytes: number): number {
  return bytes + (bytes <= 0xff ? 2 : bytes <= 0xffff ? 3 : 5);
}

function integerBytes(value: number): number {
  return value < 0x80 ? 1 : value <= 0xff ? 2 : value <= 0xffff ? 3 : value <= 0xffff_ffff ? 5 : 9;
}

function writeKey(out: Uint8Array, at: number, key: number): number {
  out[at] = 0xa3;
  out[at + 1] = key >>> 16;
  out[at + 2] = key >>> 8;
  out[at + 3] = key;
  return at + KEY_BYTES;
}

function writeText(out: Uint8Array, at: number, text: string, bytes: number): number {
  if (bytes >= 32) return writeUtf8(out, writeLength(out, at, 0xd9, bytes), text);
  out[at] = 0xa0 | bytes;
  return writeUtf8(out, at + 1, text);
}

function writeBinHeader(out: Uint8Array, at: number, bytes: number): number {
  return writeLength(out, at, 0xc4, bytes);
}

function writeInteger(out: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    out[at] = value;
    return at + 1;
  }
  if (value <= 0xffff_ffff) return writeLength(out, at, 0xcc, value);
  out[at] = 0xcf;
  return writeUint32(out, writeUint32(out, at + 1, Math.floor(value / 0x1_0000_0000)), value >>> 0);
}

/** A number in 1, 2 or 4 bytes behind the code of its width: codes of one family are neighbours. */
function writeLength(out: Uint8Array, at: number, code8: number, value: number): number {
  if (value <= 0xff) {
    out[at] = code8;
    out[at + 1] = value;
    return at + 2;
  }
  if (value <= 0xffff) {
    out[at] = code8 + 1;
    out[at + 1] = value >>> 8;
    out[at + 2] = value;
    return at + 3;
  }
  out[at] = code8 + 2;
  return writeUint32(out, at + 1, value);
}

function writeUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}
