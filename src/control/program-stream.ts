// The embedding program's end of its stream, as a Duplex: two rings to the channel's thread, which hold up whoever writes faster than the
// other side takes. The one place where payload is on the main thread, because the program itself is. Main thread.
//
// How it ends: `end()` closes the ring out; 'finish' comes when the peer has acknowledged the last byte. 'end' comes when the peer's ring
// is closed and read. A reset, a lost peer or a failed channel destroys it with the reason, never with an 'end'. Destroying it before it
// is over resets the far end.

import { Duplex } from 'node:stream';
import { createRing, HotlinkError, RingConsumer, RingProducer } from '../../native-free/index.js';
import { copyInto, copyOf } from '../../workers/memory.js';
import type { HotlinkStream, WebStreamPair } from '../forward.js';
import { webStreams } from './web-streams.js';

/** Bytes between the program and the channel's thread, per direction; the memory of a stream beside its window. */
const RING_BYTES = 1_048_576;
/** Largest record, bytes: a frame between own peers, so that one write becomes one frame. */
const RECORD_BYTES = 245_760;
/** What a stream buffers in the heap unless it is told otherwise: a frame between own peers, and some. */
const HIGH_WATER_BYTES = 262_144;

export interface ProgramStreamPorts {
  /** Starts the other end. */
  open(out: SharedArrayBuffer, incoming: SharedArrayBuffer): void;
  /** Resets the far end. */
  abandon(reason: string): void;
  /** Ends the channel. @returns when it is gone */
  close(): Promise<void>;
}

export class ProgramStream extends Duplex implements HotlinkStream {
  readonly #ports: ProgramStreamPorts;
  readonly #from: RingConsumer;
  readonly #to: RingProducer;
  #reading = false;
  /** Bytes of the ring's first record that were pushed already. */
  #pushedBytes = 0;
  #web = false;
  #over = false;
  #finished: (() => void) | undefined;

  constructor(ports: ProgramStreamPorts, highWaterMark = HIGH_WATER_BYTES) {
    super({ allowHalfOpen: true, autoDestroy: true, readableHighWaterMark: highWaterMark, writableHighWaterMark: highWaterMark });
    this.#ports = ports;
    const out = createRing(RING_BYTES);
    const incoming = createRing(RING_BYTES);
    this.#to = new RingProducer(out);
    this.#from = new RingConsumer(incoming);
    ports.open(out, incoming);
  }

  /** Everything that was written, and its end, is acknowledged. */
  written(): void {
    this.#finished?.();
  }

  /** The stream is over at the channel's end. @param error why, unless it ended in peace */
  over(error: HotlinkError | undefined): void {
    this.#over = true;
    if (error !== undefined) this.destroy(error);
  }

  override _read(): void {
    if (!this.#reading) void this.#fill();
  }

  async #fill(): Promise<void> {
    this.#reading = true;
    for (;;) {
      if (this.destroyed) break;
      const length = this.#from.peek();
      if (length < 0) {
        if (this.#from.closed) {
          if (!this.destroyed) this.push(null);
          break;
        }
        await this.#from.dataWait();
        continue;
      }
      if (!this.push(this.#take(length))) break;
    }
    this.#reading = false;
  }

  /** The next bytes of a record, no more than are to be buffered at once. */
  #take(recordBytes: number): Buffer {
    const { bytes, recordStart } = this.#from;
    const start = recordStart + this.#pushedBytes;
    const end = Math.min(recordStart + recordBytes, start + Math.max(1, this.readableHighWaterMark));
    const copy = copyOf(bytes.subarray(start, end));
    this.#pushedBytes = end - recordStart;
    if (this.#pushedBytes === recordBytes) {
      this.#pushedBytes = 0;
      this.#from.release();
    }
    return copy;
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    this.#put(bytes).then(
      () => done(),
      (error: Error) => done(error),
    );
  }

  async #put(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const length = Math.min(bytes.length - at, RECORD_BYTES);
      const place = this.#to.claim(length);
      if (place < 0) {
        // The other end closes its ring when the stream is reset; the reason is on its way.
        if (this.#to.closed) return await new Promise(() => {});
        await this.#to.spaceWait(length);
        continue;
      }
      copyInto(this.#to.bytes, bytes.subarray(at, at + length), place);
      this.#to.commit(length);
      at += length;
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finished = () => done();
    this.#to.close();
  }

  /**
   * As of every Readable, but that the end of the bytes leaves the other direction open: Node's own would destroy the whole Duplex there, and
   * with it an answer that is yet to be written. Leaving the loop early destroys it.
   */
  override async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined> {
    let ended = false;
    try {
      for await (const part of this.iterator({ destroyOnReturn: false })) yield part as Buffer;
      ended = true;
    } finally {
      if (!ended) this.destroy();
    }
    return undefined;
  }

  toWeb(): WebStreamPair {
    if (this.#web) throw new HotlinkError('ERR_HLNK_USAGE', 'this stream has its web streams already');
    this.#web = true;
    return webStreams(this);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      // Its own end is what is waited for; an error on the way is its listeners' matter.
      this.once('error', () => {});
      this.once('close', resolve);
      this.destroy();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const inPeace = this.readableEnded && this.writableFinished;
    // A ring that is closed says that everything was written: only one that ends in peace is.
    if (inPeace) this.#to.close();
    else if (!this.#over) this.#ports.abandon(error?.message ?? 'the program closed its stream');
    this.#from.close();
    this.#ports.close().then(
      () => done(error),
      (failure: Error) => done(error ?? failure),
    );
  }
}

/** Why a stream was cut short, for the program. */
export function resetError(reason: string): HotlinkError {
  return new HotlinkError('ERR_HLNK_PEER_UNAVAILABLE', `the stream was reset: ${reason || 'the peer gives no reason'}`);
}
