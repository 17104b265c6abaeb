// The embedding program as an application: what it writes comes out of one ring, what the peer sends goes into another, and a full ring
// holds the writer up on either side. An end closes a ring behind its last byte; a reset does not, and is told by message instead, so that
// a stream cut short can never look like one that ended. Channel worker.

import { RingConsumer, RingProducer } from '../../native-free/ring/index.js';
import { Block } from '../blocks.js';
import { copyInto } from '../memory.js';
import type { ApplicationConnection, ConnectionEvents } from '../tcp/connection.js';

/** Records read before others on this thread get a turn. */
const RECORDS_PER_TURN = 32;
/** Largest record toward the program, bytes: small enough that a ring holds several. */
const RECORD_BYTES = 131_072;

export class RingConnection implements ApplicationConnection {
  readonly openedMs = performance.now();
  used = false;
  blockedMs = 0;
  readonly #events: ConnectionEvents;
  readonly #from: RingConsumer;
  readonly #to: RingProducer;
  readonly #backlog: Uint8Array[] = [];
  /** Of the first of those, what is in the ring already. */
  #begunBytes = 0;
  #backlogBytes = 0;
  #unreportedBytes = 0;
  #reporting = false;
  #flushing = false;
  #ending = false;
  #ended = false;
  #readEnded = false;
  #silenced = false;
  #gone = false;
  #resumed: (() => void) | undefined;

  /** @param out what the program writes @param incoming what it reads */
  constructor(out: SharedArrayBuffer, incoming: SharedArrayBuffer, events: ConnectionEvents) {
    this.#events = events;
    this.#from = new RingConsumer(out);
    this.#to = new RingProducer(incoming);
  }

  /** Begins to read; events may come from within. */
  start(): void {
    void this.#read();
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  write(bytes: Uint8Array): void {
    if (this.#gone) return;
    this.used = true;
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    void this.#flush();
  }

  resume(): void {
    if (!this.#silenced) this.#resumed?.();
  }

  pause(): void {
    this.#silenced = true;
  }

  end(): void {
    this.#ending = true;
    void this.#flush();
  }

  reset(): void {
    this.#leave(undefined);
  }

  destroy(): void {
    this.#leave(undefined);
  }

  /** The program gave the stream up. */
  abandon(reason: string): void {
    const error = new Error(reason);
    // At once: a stop that follows would reset the stream with a reason of its own.
    if (this.#gone) return;
    this.#end();
    this.#events.closed(this, error);
  }

  async #read(): Promise<void> {
    for (let records = 1; !this.#gone; records += 1) {
      const length = this.#from.peek();
      if (length < 0) {
        if (this.#from.closed) {
          this.#readEnded = true;
          this.#events.ended(this);
          this.#leaveIfOver();
          return;
        }
        await this.#from.dataWait();
        continue;
      }
      this.used = true;
      const { bytes, recordStart } = this.#from;
      const more = !this.#silenced && this.#events.read(this, bytes.subarray(recordStart, recordStart + length), false);
      // After a pause for good nothing is read, and what is in the ring goes with it.
      if (this.#silenced) return;
      this.#from.release();
      if (!more) await this.#room();
      else if (records % RECORDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#resumed = () => {
        this.#resumed = undefined;
        resolve();
      };
    });
  }

  async #flush(): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    let blockedAtMs = -1;
    while (!this.#gone && this.#backlog.length > 0) {
      const next = this.#backlog[0] as Uint8Array;
      const length = Math.min(next.length - this.#begunBytes, RECORD_BYTES);
      const at = this.#to.claim(length);
      if (at < 0) {
        if (this.#to.closed) break;
        if (blockedAtMs < 0) blockedAtMs = performance.now();
        await this.#to.spaceWait(length);
        continue;
      }
      if (blockedAtMs >= 0) this.blockedMs += performance.now() - blockedAtMs;
      blockedAtMs = -1;
      copyInto(this.#to.bytes, length === next.length ? next : next.subarray(this.#begunBytes, this.#begunBytes + length), at);
      this.#to.commit(length);
      this.#begunBytes += length;
      if (this.#begunBytes === next.length) {
        this.#backlog.shift();
        this.#begunBytes = 0;
        Block.passedOn(next);
      }
      this.#backlogBytes -= length;
      this.#report(length);
    }
    this.#flushing = false;
    if (!this.#gone && this.#ending && !this.#ended && this.#backlog.length === 0) {
      this.#ended = true;
      this.#to.close();
      this.#leaveIfOver();
    }
  }

  /** In a turn of its own: the core that delivers must not be called back from within. */
  #report(bytes: number): void {
    this.#unreportedBytes += bytes;
    if (this.#reporting) return;
    this.#reporting = true;
    setImmediate(() => {
      this.#reporting = false;
      const taken = this.#unreportedBytes;
      this.#unreportedBytes = 0;
      if (!this.#gone) this.#events.written(this, taken);
    });
  }

  #leaveIfOver(): void {
    if (this.#readEnded && this.#ended) setImmediate(() => this.#leave(undefined));
  }

  #leave(error: Error | undefined): void {
    if (this.#gone) return;
    this.#end();
    setImmediate(() => this.#events.closed(this, error));
  }

  #end(): void {
    this.#gone = true;
    this.#resumed?.();
    this.#from.close();
    this.#backlog.length = 0;
    this.#backlogBytes = 0;
  }
}
