// The frames in the stream that an own peer sends, one after the other behind a preamble, and what of the stream's credit they hold: a whole
// frame holds all of its bytes until the application has it. The beginning of a frame whose rest is still to come holds none, or a frame larger
// than the credit would wait for what only its own end can bring. Invariant: bytes of whole frames that wait are never more than was granted
// and one frame; what was given back too early is made up for before anything more is. Channel worker thread.

import { FrameDecoder, type FrameView, HEADER_BYTES } from '../../native-free/hlnk/index.js';
import { readPreamble } from '../../native-free/ipc/index.js';

export interface OwnFramesEvents {
  /** The frames that follow are of this run, whose numbers begin here. @param taken to be called once that counts */
  begin(run: string, base: number, taken: () => void): void;
  /** @param bytes the frame, to keep @param taken to be called once the application has it, or will not get it */
  frame(run: string, view: FrameView, bytes: Uint8Array, taken: () => void): void;
  /** The peer may send so many more. */
  consumed(bytes: number): void;
}

export class OwnFrames {
  readonly #events: OwnFramesEvents;
  readonly #decoder = new FrameDecoder();
  #run = '';
  /** Bytes that came, less those of whole frames that wait, less those given back; below zero after a frame whose beginning was given back. */
  #dueBytes = 0;

  /** For one stream. */
  constructor(events: OwnFramesEvents) {
    this.#events = events;
  }

  push(payload: Uint8Array): void {
    this.#decoder.push(payload);
    this.#dueBytes += payload.length;
    for (let view = this.#decoder.next(); view !== undefined; view = this.#decoder.next()) {
      const startAt = view.pathStart - HEADER_BYTES;
      const frameBytes = view.endAt - startAt;
      const taken = (): void => this.#settle(frameBytes);
      this.#dueBytes -= frameBytes;
      const preamble = readPreamble(view);
      if (preamble === undefined) this.#events.frame(this.#run, view, view.message.slice(startAt, view.endAt), taken);
      else {
        this.#run = preamble.run;
        this.#events.begin(preamble.run, preamble.base, taken);
      }
    }
    this.#settle(0);
  }

  #settle(freedBytes: number): void {
    this.#dueBytes += freedBytes;
    const due = this.#dueBytes;
    if (due <= 0) return;
    this.#dueBytes = 0;
    this.#events.consumed(due);
  }
}
