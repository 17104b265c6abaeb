// Recognises a Data envelope that may be passed on as the very bytes it came in (wire §1.3, §2.2).
// Invariant: only the plain form is recognised: known keys, each once, in the order of the specification, nothing behind. A frame with a key
// twice could be read as one session here and as another by its recipient; everything that is not plain is decoded and written anew.
import { isUtf8 } from '../../native-free/envelope/utf8.js';

const DATA = 12;

/** What the relay has to know of it. */
export interface PlainData {
  readonly sid: string;
  readonly path: string;
}

/**
 * Session and path of a plain msgpack Data envelope.
 * @param frame one binary WebSocket message
 * @returns undefined for everything else; ask the decoder then
 */
export function plainData(frame: Buffer): PlainData | undefined {
  if (frame.length < 32 || frame.readUInt32BE(0) !== 0x53420101 || frame[4] !== 0x83) return undefined;
  const at = new Cursor(frame, 5);
  if (!(at.key2('id') && at.text() && at.key3('typ') && at.integer() && at.number === DATA)) return undefined;
  if (!(at.key3('dat') && at.bin() && at.end === frame.length)) return undefined;
  at.next = at.start;
  const pairs = (frame[at.next++] as number) - 0x80;
  if (pairs < 3 || pairs > 5) return undefined;
  if (!(at.key3('sid') && at.text())) return undefined;
  const sid = frame.toString('latin1', at.start, at.end);
  if (!(at.key3('seq') && at.integer() && at.key3('pth') && at.text())) return undefined;
  const path = frame.toString('utf8', at.start, at.end);
  let left = pairs - 3;
  if (left > 0 && at.key3('etg')) {
    if (!at.text()) return undefined;
    left--;
  }
  if (left > 0 && at.key3('pay')) {
    if (!at.bin()) return undefined;
    left--;
  }
  return left === 0 && at.next === frame.length ? { sid, path } : undefined;
}

/** Steps over one value at a time; `false` means it is not there, and only a key may be tried again. */
class Cursor {
  next: number;
  /** Content of the last text or bin, and the last integer. */
  start = 0;
  end = 0;
  number = 0;
  private readonly frame: Buffer;

  constructor(frame: Buffer, next: number) {
    this.frame = frame;
    this.next = next;
  }

  key2(key: string): boolean {
    return this.keyIs(0xa2, key);
  }

  key3(key: string): boolean {
    return this.keyIs(0xa3, key);
  }

  text(): boolean {
    const code = this.frame[this.next] ?? 0;
    const ok = code >= 0xa0 && code <= 0xbf ? this.span(1, code - 0xa0) : code >= 0xd9 && code <= 0xdb && this.sized(code - 0xd9);
    return ok && isUtf8(this.frame, this.start, this.end - this.start);
  }

  bin(): boolean {
    const code = this.frame[this.next] ?? 0;
    return code >= 0xc4 && code <= 0xc6 && this.sized(code - 0xc4);
  }

  /** An unsigned integer no greater than 2^53-1. */
  integer(): boolean {
    const code = this.frame[this.next] ?? 0xff;
    if (code < 0x80) {
      this.number = code;
      this.next++;
      return true;
    }
    const bytes = code >= 0xcc && code <= 0xcf ? 1 << (code - 0xcc) : 0;
    const from = this.next + 1;
    if (bytes === 0 || from + bytes > this.frame.length) return false;
    this.number =
      bytes === 8 ? this.frame.readUInt32BE(from) * 2 ** 32 + this.frame.readUInt32BE(from + 4) : this.frame.readUIntBE(from, bytes);
    this.next = from + bytes;
    return Number.isSafeInteger(this.number);
  }

  private keyIs(code: number, key: string): boolean {
    if (this.frame[this.next] !== code) return false;
    for (let i = 0; i < key.length; i++) if (this.frame[this.next + 1 + i] !== key.charCodeAt(i)) return false;
    this.next += 1 + key.length;
    return true;
  }

  private sized(width: number): boolean {
    const bytes = 1 << width;
    if (this.next + 1 + bytes > this.frame.length) return false;
    return this.span(1 + bytes, this.frame.readUIntBE(this.next + 1, bytes));
  }

  private span(headBytes: number, contentBytes: number): boolean {
    this.start = this.next + headBytes;
    this.end = this.start + contentBytes;
    this.next = this.end;
    return this.end <= this.frame.length;
  }
}
