// The outer layer of a msgpack envelope: prefix, id, type, and where the nested document lies. wire.md §1.3. Any thread.
import { MsgpackReader } from './msgpack-reader.js';
import { MAX_TYPE } from './schema.js';
import type { EnvelopeVerdict } from './types.js';
import { isUtf8 } from './utf8.js';

/** `SB`, then the version and the encoding of the rest. */
export const PREFIX_BYTES = 4;
export const PREFIX_0 = 0x53;
export const PREFIX_1 = 0x42;
export const ENVELOPE_VERSION = 1;
export const ENCODING_JSON = 0;
export const ENCODING_MSGPACK = 1;

/** The outer map read in place; fields have a meaning when {@link EnvelopeHead.read} said `ok`. */
export class EnvelopeHead {
  typ = 0;
  idStart = 0;
  idBytes = 0;
  datStart = 0;
  datBytes = 0;

  /** Reads a frame whose prefix has been checked. Unknown keys are skipped; of a key that comes twice the last one counts, as in Go. */
  read(frame: Uint8Array): 'ok' | EnvelopeVerdict {
    const reader = new MsgpackReader(frame, PREFIX_BYTES, frame.length);
    if (reader.mapHeader() !== 'ok') return 'garbage';
    let hasId = false;
    let hasTyp = false;
    let hasDat = false;
    for (let pairs = reader.number; pairs > 0; pairs--) {
      if (reader.span() !== 'ok') return 'garbage';
      const key = keyCode(frame, reader.spanStart, reader.spanBytes);
      if (key === KEY_ID) {
        hasId = !reader.nil();
        if (!hasId) continue;
        const verdict = reader.span();
        if (verdict !== 'ok') return verdict === 'cut' ? 'garbage' : 'bad-field';
        this.idStart = reader.spanStart;
        this.idBytes = reader.spanBytes;
      } else if (key === KEY_TYP) {
        hasTyp = !reader.nil();
        if (!hasTyp) continue;
        const verdict = reader.integer();
        if (verdict !== 'ok') return verdict === 'cut' ? 'garbage' : 'bad-field';
        if (reader.number < 0 || reader.number > MAX_TYPE) return 'bad-field';
        this.typ = reader.number;
      } else if (key === KEY_DAT) {
        hasDat = !reader.nil();
        if (!hasDat) continue;
        const verdict = reader.span(); // bin; Go takes a str too
        if (verdict !== 'ok') return verdict === 'cut' ? 'garbage' : 'bad-field';
        this.datStart = reader.spanStart;
        this.datBytes = reader.spanBytes;
      } else if (!reader.skip()) return 'garbage';
    }
    if (reader.at !== reader.end) return 'garbage';
    if (!hasId || !hasTyp || !hasDat) return 'missing-field';
    return isUtf8(frame, this.idStart, this.idBytes) ? 'ok' : 'bad-field';
  }
}

/** Whether a binary frame announces itself; without it upstream's Rust client takes the frame for JSON. */
export function hasPrefix(frame: Uint8Array): boolean {
  return frame.length >= 2 && frame[0] === PREFIX_0 && frame[1] === PREFIX_1;
}

/** A key of two or three bytes as one number, so that a handful of known keys are told apart by comparing integers; else -1. */
export function keyCode(bytes: Uint8Array, start: number, lengthBytes: number): number {
  if (lengthBytes === 3) return (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
  if (lengthBytes === 2) return (bytes[start]! << 8) | bytes[start + 1]!;
  return -1;
}

const KEY_ID = 0x6964;
const KEY_TYP = 0x747970;
const KEY_DAT = 0x646174;
