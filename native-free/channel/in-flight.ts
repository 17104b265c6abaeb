// The sequenced frames that were handed to a lane and are not acknowledged yet, oldest first: where each one's bytes lie, so that the
// very same bytes can be sent again on another lane. A circular struct of arrays: nothing is allocated per frame. Single thread.

import type { OutStream } from './out-stream.js';

export class InFlight {
  #stream: (OutStream | undefined)[] = new Array(64).fill(undefined);
  /** A frame that has bytes of its own (control frames, later parts of a split record) instead of a place in a window. */
  #own: (Uint8Array | undefined)[] = new Array(64).fill(undefined);
  #start = new Int32Array(64);
  #end = new Int32Array(64);
  #releases = new Uint8Array(64);
  #first = 1;
  #next = 1;
  /** Of all frames that were acknowledged so far, heads included. */
  acknowledgedBytes = 0;

  /** Sequence number of the oldest unacknowledged frame. */
  get firstSeq(): number {
    return this.#first;
  }
  /** Sequence number the next frame will get. */
  get nextSeq(): number {
    return this.#next;
  }
  get count(): number {
    return this.#next - this.#first;
  }

  /**
   * Records a frame under the next sequence number.
   * @param releases the acknowledgement of this frame frees the oldest record of the stream's window
   */
  push(stream: OutStream, start: number, end: number, own: Uint8Array | undefined, releases: boolean): void {
    if (this.count === this.#stream.length) this.#grow();
    const i = this.#next % this.#stream.length;
    this.#stream[i] = stream;
    this.#own[i] = own;
    this.#start[i] = start;
    this.#end[i] = end;
    this.#releases[i] = releases ? 1 : 0;
    this.#next += 1;
  }

  /** A frame went out that nobody will ask for again. Only with nothing in flight. */
  skip(): void {
    this.#next += 1;
    this.#first = this.#next;
  }

  /** The bytes of an unacknowledged frame, as they were sent. */
  frame(seq: number): Uint8Array {
    const i = seq % this.#stream.length;
    const own = this.#own[i];
    if (own !== undefined) return own;
    return ((this.#stream[i] as OutStream).window as { bytes: Uint8Array }).bytes.subarray(this.#start[i], this.#end[i]);
  }

  /** Frees every frame below `seq`. @param freed called with the stream of each record whose slot became free */
  acknowledge(seq: number, freed: (stream: OutStream) => void): void {
    while (this.#first < seq) {
      const i = this.#first % this.#stream.length;
      const stream = this.#stream[i] as OutStream;
      const releases = this.#releases[i] === 1;
      this.acknowledgedBytes += this.#own[i]?.length ?? (this.#end[i] as number) - (this.#start[i] as number);
      this.#stream[i] = undefined;
      this.#own[i] = undefined;
      this.#first += 1;
      if (releases) {
        stream.window?.releaseOldest();
        freed(stream);
      }
    }
  }

  /** Forgets everything and starts again at sequence number `first`. */
  reset(first = 1): void {
    this.#stream.fill(undefined);
    this.#own.fill(undefined);
    this.#first = first;
    this.#next = first;
  }

  /** Nothing is in flight any more, but the numbering goes on (upstream peers, which never acknowledge). */
  forget(): void {
    this.#stream.fill(undefined);
    this.#own.fill(undefined);
    this.#first = this.#next;
  }

  #grow(): void {
    const size = this.#stream.length;
    const stream = new Array<OutStream | undefined>(size * 2).fill(undefined);
    const own = new Array<Uint8Array | undefined>(size * 2).fill(undefined);
    const start = new Int32Array(size * 2);
    const end = new Int32Array(size * 2);
    const releases = new Uint8Array(size * 2);
    for (let seq = this.#first; seq < this.#next; seq += 1) {
      const from = seq % size;
      const to = seq % (size * 2);
      stream[to] = this.#stream[from];
      own[to] = this.#own[from];
      start[to] = this.#start[from] as number;
      end[to] = this.#end[from] as number;
      releases[to] = this.#releases[from] as number;
    }
    this.#stream = stream;
    this.#own = own;
    this.#start = start;
    this.#end = end;
    this.#releases = releases;
  }
}
