// Vectors over the ring of integers modulo 2^64: n elements are 2n words of 32 bits, the lower one first, which on a little-endian machine
// are also their bytes on the wire. Two words with carries are some thirty times faster than BigInt, and exact.
// Every function writes into `out`, which may be one of its arguments.
import { createCipheriv, randomFillSync } from 'node:crypto';
import { endianness } from 'node:os';

if (endianness() !== 'LE') throw new Error('this machine keeps its words the other way round than the messages do');

export const ELEMENT_BYTES = 8;
const TWO_32 = 2 ** 32;

export const zeros = (elements) => new Uint32Array(2 * elements);

/** Elements that nobody can foresee: shares that hide something. */
export const random = (elements) => randomFillSync(zeros(elements));

/** Elements that whoever has the seed makes out of it, and that look random to everybody else: AES-256 in counter mode. */
export function expand(seed, label, elements) {
  return wordsOf(keystream(seed, label, elements * ELEMENT_BYTES));
}

/** The bytes behind {@link expand}. @param seed 32 bytes @param label 0 to 2^32 - 1: other labels, other bytes */
export function keystream(seed, label, bytes) {
  const counter = Buffer.alloc(16);
  counter.writeUInt32BE(label);
  return createCipheriv('aes-256-ctr', seed, counter).update(Buffer.alloc(bytes));
}

/** A message as words. Copied only where it does not begin at a multiple of four. */
export function wordsOf(bytes) {
  if (bytes.length % ELEMENT_BYTES !== 0) throw new Error(`${bytes.length} bytes are no whole number of elements`);
  const whole = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(whole.buffer, whole.byteOffset, whole.length / 4);
}

export const bytesOf = (words) => Buffer.from(words.buffer, words.byteOffset, words.byteLength);

export function add(a, b, out = new Uint32Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 2) {
    const low = a[at] + b[at];
    out[at + 1] = a[at + 1] + b[at + 1] + (low >= TWO_32 ? 1 : 0);
    out[at] = low;
  }
  return out;
}

export function subtract(a, b, out = new Uint32Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 2) {
    const low = a[at] - b[at];
    out[at + 1] = a[at + 1] - b[at + 1] - (low < 0 ? 1 : 0);
    out[at] = low;
  }
  return out;
}

/** Element by element. Four products of 16 bits give the lower words' whole product; of the others only what is below 2^64 counts. */
export function multiply(a, b, out = new Uint32Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 2) {
    const [x, y] = [a[at], b[at]];
    const [xLow, xHigh, yLow, yHigh] = [x & 0xffff, x >>> 16, y & 0xffff, y >>> 16];
    const low = xLow * yLow;
    const middle = xLow * yHigh + xHigh * yLow + (low >>> 16);
    const high = xHigh * yHigh + Math.floor(middle / 0x10000);
    out[at + 1] = high + Math.imul(a[at + 1], y) + Math.imul(x, b[at + 1]);
    out[at] = (middle << 16) | (low & 0xffff);
  }
  return out;
}

/** Decimal numbers from 0 to 2^64 - 1, as texts. */
export function fromDecimals(decimals) {
  const words = zeros(decimals.length);
  const elements = new BigUint64Array(words.buffer);
  decimals.forEach((decimal, index) => {
    if (!/^\d{1,20}$/.test(decimal) || BigInt(decimal) >= 1n << 64n) throw new Error(`"${decimal}" is no number from 0 to 2^64 - 1`);
    elements[index] = BigInt(decimal);
  });
  return words;
}

export function toDecimals(words) {
  return Array.from(new BigUint64Array(words.slice().buffer), String);
}

function same(a, b, out) {
  if (a.length !== b.length || a.length !== out.length)
    throw new Error(`vectors of ${a.length / 2}, ${b.length / 2} and ${out.length / 2} elements`);
}
