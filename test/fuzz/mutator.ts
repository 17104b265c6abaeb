// Makes new inputs out of old ones: bits, bytes, lengths, pieces moved and repeated, words of the format, two inputs spliced. Everything
// from a seed. The mix is libFuzzer's, without its bookkeeping.
import type { Random } from '../../native-free/sim/random.js';

/** Values at which lengths and counters turn over, and the codes that open long things in msgpack. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xc0, 0xc1, 0xc6, 0xdb, 0xdd, 0xdf, 0xfe, 0xff];
const WIDE_EDGES = [0, 1, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
/** Words learnt from comparisons, at most. */
const MAX_WORDS = 1024;

export class Mutator {
  readonly #random: Random;
  readonly #maxBytes: number;
  readonly #words: Uint8Array[];
  readonly #known = new Set<string>();

  constructor(random: Random, maxBytes: number, words: readonly string[] = []) {
    this.#random = random;
    this.#maxBytes = maxBytes;
    this.#words = words.map(bytesOfWord);
    for (const word of words) this.#known.add(word);
  }

  /** A text that a comparison in the code was after. */
  learn(word: string): void {
    if (word === '' || word.length > 64 || this.#words.length >= MAX_WORDS || this.#known.has(word)) return;
    this.#known.add(word);
    this.#words.push(bytesOfWord(word));
  }

  /** @param other to splice with */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes: Buffer = Buffer.from(input);
    for (let steps = 1 << this.#random.between(0, 4); steps > 0; steps -= 1) bytes = this.#step(bytes, other);
    return bytes.length > this.#maxBytes ? bytes.subarray(0, this.#maxBytes) : bytes;
  }

  #step(bytes: Buffer, other: Uint8Array): Buffer {
    const random = this.#random;
    const at = bytes.length === 0 ? 0 : random.next() % bytes.length;
    if (bytes.length === 0) return this.#insert(bytes, 0, this.#piece(other));
    switch (random.next() % 12) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.between(0, 7));
        return bytes;
      case 1:
        bytes[at] = random.next() & 255;
        return bytes;
      case 2:
        bytes[at] = random.pick(EDGES);
        return bytes;
      case 3:
        bytes[at] = (bytes[at] as number) + random.between(-16, 16);
        return bytes;
      case 4:
        if (bytes.length >= at + 4) bytes.writeUInt32BE(random.pick(WIDE_EDGES), at);
        return bytes;
      case 5:
        if (bytes.length >= at + 2) bytes.writeUInt16BE(random.pick(WIDE_EDGES) & 0xffff, at);
        return bytes;
      case 6:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 1 << random.between(0, 8)))]);
      case 7:
        return this.#insert(bytes, at, this.#piece(bytes));
      case 8:
        return this.#insert(bytes, at, this.#piece(other));
      case 9: {
        // Depth: the same piece many times over.
        const piece = bytes.subarray(at, at + random.between(1, 4));
        return this.#insert(bytes, at, Buffer.concat(Array<Buffer>(1 << random.between(1, 7)).fill(piece)));
      }
      case 10:
        if (this.#words.length === 0) return bytes;
        return this.#insert(bytes, at, random.pick(this.#words));
      default: {
        // A word over what is there: keeps lengths that come before it right.
        if (this.#words.length === 0) return bytes;
        const word = random.pick(this.#words);
        bytes.set(word.subarray(0, bytes.length - at), at);
        return bytes;
      }
    }
  }

  #piece(from: Uint8Array): Uint8Array {
    if (from.length === 0) return Uint8Array.of(this.#random.next() & 255);
    const at = this.#random.next() % from.length;
    return from.subarray(at, at + this.#random.between(1, 1 << this.#random.between(0, 7)));
  }

  #insert(bytes: Buffer, at: number, piece: Uint8Array): Buffer {
    if (bytes.length + piece.length > this.#maxBytes) return bytes;
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  }
}

/** Words of one byte each, or text. */
function bytesOfWord(word: string): Uint8Array {
  return Buffer.from(word, /^[\0-\u00ff]*$/.test(word) ? 'latin1' : 'utf8');
}
