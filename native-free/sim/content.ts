// What streams carry in a simulation: bytes that follow from the stream and the offset alone, so that a reader can tell every lost, repeated,
// swapped or foreign byte. The first four bytes name the stream.

/** What one side sent on one stream, as its application knows it. */
export interface Sent {
  readonly token: number;
  /** Name of the sending party. */
  readonly by: string;
  stream: number;
  /** Bytes the core has taken. */
  bytes: number;
  /** The application has ended its half: `bytes` is final. */
  ended: boolean;
  /** Somebody reads or has read it. */
  claimed: boolean;
}

const TOKEN_BYTES = 4;

export function byteAt(token: number, offset: number): number {
  if (offset < TOKEN_BYTES) return (token >>> (24 - 8 * offset)) & 255;
  return (Math.imul(offset, 0x9e37_79b1) ^ Math.imul(token, 0x85eb_ca6b)) >>> 24;
}

export function fill(token: number, offset: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i += 1) out[i] = byteAt(token, offset + i);
  return out;
}

/** Checks one stream as it is delivered. */
export class Reader {
  readonly #sent: readonly Sent[];
  readonly #from: string;
  /** The stream it belongs to. */
  stream: number;
  readonly #head: number[] = [];
  #offset = 0;
  #source: Sent | undefined;

  /** @param from the only party that may have sent what is read @param sent by token */
  constructor(sent: readonly Sent[], from: string, stream: number) {
    this.#sent = sent;
    this.#from = from;
    this.stream = stream;
  }

  get bytes(): number {
    return this.#offset;
  }

  /** @returns what is wrong with these bytes; undefined when they are the next of the stream */
  read(payload: Uint8Array): string | undefined {
    for (const byte of payload) {
      if (this.#offset < TOKEN_BYTES) {
        this.#head.push(byte);
        if (this.#head.length === TOKEN_BYTES) {
          const wrong = this.#claim(this.#head.reduce((token, part) => token * 256 + part, 0));
          if (wrong !== undefined) return wrong;
        }
      } else if (byte !== byteAt((this.#source as Sent).token, this.#offset)) return `byte ${this.#offset} is wrong`;
      this.#offset += 1;
    }
    if (this.#source !== undefined && this.#offset > this.#source.bytes)
      return `${this.#offset} bytes were delivered and ${this.#source.bytes} sent`;
    return undefined;
  }

  /** @returns what is wrong with an end here */
  end(): string | undefined {
    const source = this.#source;
    if (source === undefined) return this.#offset === 0 ? undefined : `the end came after ${this.#offset} bytes`;
    if (!source.ended) return 'the end came and the sender had not ended';
    return source.bytes === this.#offset ? undefined : `the end came after ${this.#offset} bytes, and ${source.bytes} were sent`;
  }

  #claim(token: number): string | undefined {
    const source = this.#sent[token];
    if (source === undefined) return `bytes of a stream that does not exist (${token})`;
    if (source.by !== this.#from || source.stream !== this.stream) return `bytes of stream ${source.stream} of ${source.by}`;
    if (source.claimed) return 'bytes that another stream has delivered already';
    source.claimed = true;
    this.#source = source;
    return undefined;
  }
}
