// One stream of the channel as a pair of web streams, with the core's back-pressure on both: a write waits for room in the send window, and the
// peer may send more as the reader takes what has come.

/** Written at a time, bytes: a third of a send window always fits, sooner or later. */
const PIECE_BYTES = 65_536;
/** How often to look whether everything is acknowledged once the writer has closed, ms. */
const LOOK_MS = 10;

export class PageStream {
  #core;
  #run;
  #out;
  #received = [];
  #ended = false;
  #error;
  #wakeWriter = () => {};
  #wakeReader = () => {};

  /** @param run see session.mjs */
  constructor(core, run) {
    this.#core = core;
    this.#run = run;
    run((now) => {
      this.id = core.highestStream + 1;
      this.#out = core.openStream(this.id, true, true, now);
    });
    this.writable = new WritableStream({
      write: (bytes) => this.#write(bytes),
      close: () => this.#close(),
      abort: (reason) => this.#reset(reason),
    });
    // Nothing is taken before it is asked for, so that what the reader leaves is not called taken.
    this.readable = new ReadableStream(
      { pull: (controller) => this.#pull(controller), cancel: (reason) => this.#reset(reason) },
      { highWaterMark: 0 },
    );
  }

  // --- from the peer ---------------------------------------------------------------------------------------------------------------

  delivered(bytes) {
    this.#received.push(bytes);
    this.#wakeReader();
  }

  peerEnded() {
    this.#ended = true;
    this.#wakeReader();
  }

  failed(reason) {
    this.#error ??= new Error(reason);
    this.#wakeReader();
    this.#wakeWriter();
  }

  room() {
    this.#wakeWriter();
  }

  // --- from the page ---------------------------------------------------------------------------------------------------------------

  async #write(bytes) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      while (this.#error === undefined && !this.#run((now) => this.#core.take(this.#out, piece, -1, now))) {
        await new Promise((resolve) => {
          this.#wakeWriter = resolve;
        });
      }
      if (this.#error !== undefined) throw this.#error;
    }
  }

  /** Resolves when the peer has everything. */
  async #close() {
    this.#run((now) => this.#core.endStream(this.#out, now));
    while (this.#error === undefined && !this.#core.settled)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (this.#error !== undefined) throw this.#error;
  }

  async #pull(controller) {
    while (this.#received.length === 0 && !this.#ended && this.#error === undefined) {
      await new Promise((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    const bytes = this.#received.shift();
    if (bytes !== undefined) {
      this.#run((now) => this.#core.consumed(this.id, bytes.length, now));
      controller.enqueue(bytes);
    } else if (this.#error !== undefined) controller.error(this.#error);
    else controller.close();
  }

  #reset(reason) {
    this.failed('the stream was given up here');
    this.#run((now) => this.#core.resetStream(this.#out, String(reason ?? 'the page gave it up'), now));
  }
}
