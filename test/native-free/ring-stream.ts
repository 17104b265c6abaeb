// The stream of records that the two-thread ring test sends: sizes and bytes follow from a seed, each record checks itself.

/** The test's own small generator (xorshift32): both threads must draw the same numbers. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
}

export const LARGEST_BYTES = 900;

/** Writes record `index` and returns its length: 8 … LARGEST_BYTES. */
export function fillRecord(bytes: Uint8Array, at: number, index: number, draw: Draw): number {
  const lengthBytes = 8 + (draw.next() % (LARGEST_BYTES - 7));
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, lengthBytes);
  const salt = draw.next();
  for (let i = 8; i < lengthBytes; i += 1) bytes[at + i] = salt + i;
  view.setUint32(0, index);
  view.setUint32(4, checksum(bytes, at, lengthBytes));
  return lengthBytes;
}

/** @returns what is wrong with the record, or undefined */
export function faultOf(bytes: Uint8Array, at: number, lengthBytes: number, index: number): string | undefined {
  if (lengthBytes < 8) return `record ${index}: length ${lengthBytes}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, lengthBytes);
  if (view.getUint32(0) !== index) return `record ${index}: says it is ${view.getUint32(0)}`;
  if (view.getUint32(4) !== checksum(bytes, at, lengthBytes)) return `record ${index}: checksum`;
  return undefined;
}

function checksum(bytes: Uint8Array, at: number, lengthBytes: number): number {
  let sum = lengthBytes;
  for (let i = 8; i < lengthBytes; i += 1) sum = (Math.imul(sum, 31) + bytes[at + i]!) | 0;
  return sum >>> 0;
}
