// Reads the msgpack that envelopes are made of, in place, any width of any number. wire.md §1.4. Any thread.
// Invariants: never reads past its end, never throws, allocates nothing for values it skips (a header that promises four
// billion items costs nothing). A general decoder builds what a peer announces, so it is the tests' oracle and not used here.

/** `ok`; `mismatch`: another type, or a number out of range; `cut`: the bytes end inside the value, or no value starts like this. */
export type ReadVerdict = 'ok' | 'mismatch' | 'cut';

export class MsgpackReader {
  readonly bytes: Uint8Array;
  /** offset of the next value */
  at: number;
  readonly end: number;
  /** start and length of the last {@link span} */
  spanStart = 0;
  spanBytes = 0;
  /** value of the last {@link mapHeader}, {@link arrayHeader} or {@link integer} */
  number = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** Takes a nil if one is next. */
  nil(): boolean {
    if (this.at >= this.end || this.bytes[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  mapHeader(): ReadVerdict {
    return this.#countHeader(0x80, 0xde);
  }

  arrayHeader(): ReadVerdict {
    return this.#countHeader(0x90, 0xdc);
  }

  /** A str or a bin, which Go takes for each other: its place goes to `spanStart` and `spanBytes`. */
  span(): ReadVerdict {
    if (this.at >= this.end) return 'cut';
    const code = this.bytes[this.at]!;
    let widthBytes: number;
    if (code >= 0xa0 && code <= 0xbf) widthBytes = 0;
    else if (code >= 0xc4 && code <= 0xc6) widthBytes = 1 << (code - 0xc4);
    else if (code >= 0xd9 && code <= 0xdb) widthBytes = 1 << (code - 0xd9);
    else return 'mismatch';
    const start = this.at + 1 + widthBytes;
    if (start > this.end) return 'cut';
    const lengthBytes = widthBytes === 0 ? code & 0x1f : this.#unsigned(this.at + 1, widthBytes);
    if (lengthBytes > this.end - start) return 'cut';
    this.spanStart = start;
    this.spanBytes = lengthBytes;
    this.at = start + lengthBytes;
    return 'ok';
  }

  /** An integer of any width that is a safe integer. */
  integer(): ReadVerdict {
    if (this.at >= this.end) return 'cut';
    const code = this.bytes[this.at]!;
    if (code < 0x80 || code >= 0xe0) {
      this.number = code < 0x80 ? code : code - 0x100;
      this.at++;
      return 'ok';
    }
    if (code < 0xcc || code > 0xd3) return 'mismatch';
    const signed = code >= 0xd0;
    const widthBytes = 1 << (code - (signed ? 0xd0 : 0xcc));
    const start = this.at + 1;
    if (start + widthBytes > this.end) return 'cut';
    let value = this.#unsigned(start, widthBytes);
    if (signed && this.bytes[start]! >= 0x80) value = widthBytes < 8 ? value - 2 ** (8 * widthBytes) : this.#negative64(start);
    if (!Number.isSafeInteger(value)) return 'mismatch';
    this.number = value;
    this.at = start + widthBytes;
    return 'ok';
  }

  /** Steps over one value of any kind, however deep. False when the bytes end first or the code is not one (0xc1). */
  skip(): boolean {
    // A count instead of a stack: every value takes a byte at least, so the loop ends with the bytes.
    for (let values = 1; values > 0; values--) {
      if (this.at >= this.end) return false;
      const code = this.bytes[this.at]!;
      if (code === 0xc1) return false;
      if (isMap(code) || isArray(code)) {
        if ((isMap(code) ? this.mapHeader() : this.arrayHeader()) !== 'ok') return false;
        values += isMap(code) ? this.number * 2 : this.number;
      } else {
        const lengthBytes = this.#scalarBytes(code);
        if (lengthBytes > this.end - this.at) return false;
        this.at += lengthBytes;
      }
    }
    return true;
  }

  /** Bytes that a value other than a map or an array takes, its code included; more than there are when its length is cut off. */
  #scalarBytes(code: number): number {
    if (code < 0x80 || code >= 0xe0) return 1;
    if (code <= 0xbf) return 1 + (code & 0x1f); // short str; maps and arrays are not asked for
    if (code <= 0xc3) return 1; // nil, false, true
    if (code <= 0xc6) return this.#lengthPrefixedBytes(1 << (code - 0xc4), 0); // bin
    if (code <= 0xc9) return this.#lengthPrefixedBytes(1 << (code - 0xc7), 1); // ext: a type byte after the length
    if (code <= 0xcb) return code === 0xca ? 5 : 9; // floats
    if (code <= 0xd3) return 1 + (1 << (code & 3)); // unsigned, signed
    if (code <= 0xd8) return 2 + (1 << (code - 0xd4)); // fixed ext
    return this.#lengthPrefixedBytes(1 << (code - 0xd9), 0); // str
  }

  #lengthPrefixedBytes(widthBytes: number, extraBytes: number): number {
    const start = this.at + 1;
    if (start + widthBytes > this.end) return Number.POSITIVE_INFINITY;
    return 1 + widthBytes + extraBytes + this.#unsigned(start, widthBytes);
  }

  #countHeader(shortCode: number, code16: number): ReadVerdict {
    if (this.at >= this.end) return 'cut';
    const code = this.bytes[this.at]!;
    if ((code & 0xf0) === shortCode) {
      this.number = code & 0x0f;
      this.at++;
      return 'ok';
    }
    if (code !== code16 && code !== code16 + 1) return 'mismatch';
    const widthBytes = code === code16 ? 2 : 4;
    if (this.at + 1 + widthBytes > this.end) return 'cut';
    this.number = this.#unsigned(this.at + 1, widthBytes);
    this.at += 1 + widthBytes;
    return 'ok';
  }

  /** Big-endian, exact up to 2^53; beyond that it is not a safe integer either way, and refused. */
  #unsigned(at: number, widthBytes: number): number {
    let value = 0;
    for (let i = 0; i < widthBytes; i++) value = value * 0x100 + this.bytes[at + i]!;
    return value;
  }

  /** A negative int64: the magnitude is complemented first, since the unsigned reading has lost its low bits. */
  #negative64(at: number): number {
    let value = 0;
    for (let i = 0; i < 8; i++) value = value * 0x100 + (0xff - this.bytes[at + i]!);
    return -value - 1;
  }
}

function isMap(code: number): boolean {
  return (code & 0xf0) === 0x80 || code === 0xde || code === 0xdf;
}

function isArray(code: number): boolean {
  return (code & 0xf0) === 0x90 || code === 0xdc || code === 0xdd;
}
