// Writes msgpack values into a buffer that grows. Two integer habits: shortest (ours, Rust's) and full width (Go's). wire.md §1.4.
// One writer per message; any thread. The byte path does not use it (data.ts).
import { utf8Bytes, writeUtf8 } from './utf8.js';

/** Control messages fit without growing; an SDP takes one or two doublings. */
const FIRST_BYTES = 512;

export class MsgpackWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  /** Bytes as they are, no header. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  /** @param pairs at most 15: no message has more keys */
  mapHeader(pairs: number): void {
    this.#byte(0x80 | pairs);
  }

  arrayHeader(items: number): void {
    if (items < 16) this.#byte(0x90 | items);
    else if (items <= 0xffff) this.#word16(0xdc, items);
    else this.#word32(0xdd, items);
  }

  text(value: string): void {
    const bytes = utf8Bytes(value);
    this.#lengthHeader(bytes, 0xd9, bytes < 32);
    this.#reserve(bytes);
    this.#at = writeUtf8(this.#bytes, this.#at, value);
  }

  bin(value: Uint8Array): void {
    this.#lengthHeader(value.length, 0xc4, false);
    this.raw(value);
  }

  /** The shortest form of a safe integer. */
  int(value: number): void {
    if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value <= 0xff) this.#word8(0xcc, value);
      else if (value <= 0xffff) this.#word16(0xcd, value);
      else if (value <= 0xffff_ffff) this.#word32(0xce, value);
      else this.uint64(value);
    } else if (value >= -0x20) this.#byte(value);
    else if (value >= -0x80) this.#word8(0xd0, value);
    else if (value >= -0x8000) this.#word16(0xd1, value);
    else if (value >= -0x8000_0000) this.#word32(0xd2, value);
    else this.int64(value);
  }

  uint16(value: number): void {
    this.#word16(0xcd, value);
  }

  uint64(value: number): void {
    this.#byte(0xcf);
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, BigInt(value));
    this.#at += 8;
  }

  int64(value: number): void {
    this.#byte(0xd3);
    this.#reserve(8);
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
  }

  /** Header of a str or bin: three widths with neighbouring codes, and the short one that only str has. */
  #lengthHeader(bytes: number, code8: number, short: boolean): void {
    if (short) this.#byte(0xa0 | bytes);
    else if (bytes <= 0xff) this.#word8(code8, bytes);
    else if (bytes <= 0xffff) this.#word16(code8 + 1, bytes);
    else this.#word32(code8 + 2, bytes);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #word8(code: number, value: number): void {
    this.#byte(code);
    this.#byte(value);
  }

  #word16(code: number, value: number): void {
    this.#byte(code);
    this.#reserve(2);
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  #word32(code: number, value: number): void {
    this.#byte(code);
    this.#reserve(4);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
