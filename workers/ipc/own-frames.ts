// The frames in the stream that an own peer sends, one after the other behind a preamble, and what each costs of the stream's credit: a frame
// counts as consumed once the application has it. The beginning of a frame whose rest is still to come counts at once, or a frame larger than
// the credit would wait for what only its own end can bring. Channel worker thread.

import { FrameDecoder, type FrameView, HEADER_BYTES } from '../../native-free/hlnk/index.js';
import { readPreamble } from '../../native-free/ipc/index.js';

export interface OwnFramesEvents {
  /** The frames that follow are of this run, whose numbers begin here. */
  begin(run: string, base: number): void;
  /** @param bytes the frame, to keep @param cost to be reported once the application has it */
  frame(run: string, view: FrameView, bytes: Uint8Array, cost: number): void;
  /** Bytes that no application will take. */
  consumed(bytes: number): void;
}

export class OwnFrames {
  readonly #events: OwnFramesEvents;
  readonly #decoder = new FrameDecoder();
  #run = '';
  /** Bytes of the unfinished frame, which count as consumed already. */
  #early = 0;

  /** For one stream. */
  constructor(events: OwnFramesEvents) {
    this.#events = events;
  }

  push(payload: Uint8Array): void {
    this.#decoder.push(payload);
    let spare = payload.length;
    for (let view = this.#decoder.next(); view !== undefined; view = this.#decoder.next()) {
      const startAt = view.pathStart - HEADER_BYTES;
      const frameBytes = view.endAt - startAt;
      const cost = Math.max(0, frameBytes - this.#early);
      this.#early = Math.max(0, this.#early - frameBytes);
      spare -= cost;
      const preamble = readPreamble(view);
      if (preamble === undefined) this.#events.frame(this.#run, view, view.message.slice(startAt, view.endAt), cost);
      else {
        this.#run = preamble.run;
        this.#events.begin(preamble.run, preamble.base);
        this.#events.consumed(cost);
      }
    }
    this.#early += spare;
    if (spare > 0) this.#events.consumed(spare);
  }
}
