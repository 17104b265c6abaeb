// Vectors over the ring of integers modulo 2^64: a BigUint64Array wraps by itself, its elements are also their bytes on the wire (on a little-endian
// machine), and the compiler makes plain 64-bit arithmetic of it. Every function writes into `out`, which may be one of its arguments.
import { createCipheriv, randomFillSync } from 'node:crypto';
import { endianness } from 'node:os';

if (endianness() !== 'LE') throw new Error('this machine keeps its words the other way round than the messages do');

export const ELEMENT_BYTES = 8;

/** Elements that nobody can foresee: shares that hide something. */
export const random = (elements) => randomFillSync(new BigUint64Array(elements));

/** Elements that whoever has the seed makes out of it, and that look random to everybody else: AES-256 in counter mode. */
export function expand(seed, label, elements) {
  return elementsOf(keystream(seed, label, elements * ELEMENT_BYTES));
}

/** The bytes behind {@link expand}. @param seed 32 bytes @param label 0 to 2^32 - 1: other labels, other bytes */
export function keystream(seed, label, bytes) {
  const counter = Buffer.alloc(16);
  counter.writeUInt32BE(label);
  return createCipheriv('aes-256-ctr', seed, counter).update(Buffer.alloc(bytes));
}

/** A message as elements. Copied only where it does not begin at a multiple of eight. */
export function elementsOf(bytes) {
  if (bytes.length % ELEMENT_BYTES !== 0) throw new Error(`${bytes.length} bytes are no whole number of elements`);
  const whole = bytes.byteOffset % ELEMENT_BYTES === 0 ? bytes : Uint8Array.from(bytes);
  return new BigUint64Array(whole.buffer, whole.byteOffset, whole.length / ELEMENT_BYTES);
}

export const bytesOf = (elements) => Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);

export function add(a, b, out = new BigUint64Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 1) out[at] = a[at] + b[at];
  return out;
}

export function subtract(a, b, out = new BigUint64Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 1) out[at] = a[at] - b[at];
  return out;
}

/** Element by element. */
export function multiply(a, b, out = new BigUint64Array(a.length)) {
  same(a, b, out);
  for (let at = 0; at < a.length; at += 1) out[at] = a[at] * b[at];
  return out;
}

/** Decimal numbers from 0 to 2^64 - 1, as texts. */
export function fromDecimals(decimals) {
  return BigUint64Array.from(decimals, (decimal) => {
    if (!/^\d{1,20}$/.test(decimal) || BigInt(decimal) >= 1n << 64n) throw new Error(`"${decimal}" is no number from 0 to 2^64 - 1`);
    return BigInt(decimal);
  });
}

export const toDecimals = (elements) => Array.from(elements, String);

function same(a, b, out) {
  if (a.length !== b.length || a.length !== out.length) throw new Error(`vectors of ${a.length}, ${b.length} and ${out.length} elements`);
}
