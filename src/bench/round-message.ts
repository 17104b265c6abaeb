// The messages of half-duplex rounds: one application asks with a message of fixed size, the other answers with one of the same size when it has all of
// it. Content is pseudo-random, different for each direction, and stamped with the round, so that a byte lost, repeated or late shows.
import { createCipheriv, createHash } from 'node:crypto';

const LENGTH_BYTES = 8;
const STAMP_BYTES = 4;

export interface RoundsShape {
  /** Body of a message, bytes, from 1. */
  messageBytes: number;
  /** Counted rounds. */
  rounds: number;
  /** Rounds before them. */
  warmUp: number;
  /** An 8-byte length before each body, in a write of its own, as Sequre sends its messages. */
  lengthFirst: boolean;
}

export class RoundMessage {
  /** Length, when there is one, and body, stamped with the present round. */
  readonly bytes: Buffer;
  readonly headBytes: number;

  constructor(shape: RoundsShape, direction: 'ask' | 'answer') {
    this.headBytes = shape.lengthFirst ? LENGTH_BYTES : 0;
    this.bytes = Buffer.alloc(this.headBytes + shape.messageBytes);
    if (shape.lengthFirst) this.bytes.writeBigUInt64LE(BigInt(shape.messageBytes));
    const body = this.bytes.subarray(this.headBytes);
    const key = createHash('sha256').update(`hotlink rounds ${direction}`).digest().subarray(0, 16);
    createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(body).copy(body);
  }

  /** Stamps the message with the number of the round. */
  stamp(round: number): void {
    const stamp = Buffer.alloc(STAMP_BYTES);
    stamp.writeUInt32LE(round >>> 0);
    stamp.copy(this.bytes, this.headBytes, 0, Math.min(STAMP_BYTES, this.bytes.length - this.headBytes));
  }
}

export type RoundVerdict = 'more' | 'whole' | 'fault';

/** Checks what arrives against the message that must arrive. */
export class RoundReader {
  readonly #message: RoundMessage;
  #round = 0;
  #at = 0;

  constructor(shape: RoundsShape, direction: 'ask' | 'answer') {
    this.#message = new RoundMessage(shape, direction);
    this.#message.stamp(0);
  }

  /** Rounds whose message arrived whole. */
  get round(): number {
    return this.#round;
  }

  /** @returns `whole` when the message of this round is complete; a byte behind it is a fault, since it is not its sender's turn */
  push(chunk: Uint8Array): RoundVerdict {
    const { bytes } = this.#message;
    const end = this.#at + chunk.length;
    if (end > bytes.length || bytes.compare(chunk, 0, chunk.length, this.#at, end) !== 0) return 'fault';
    this.#at = end;
    if (end < bytes.length) return 'more';
    this.#at = 0;
    this.#round += 1;
    this.#message.stamp(this.#round);
    return 'whole';
  }
}
