// The waiting frames on their way into the stream to an own peer: whole frames back to back, a preamble where a run begins, in pieces that the
// core's window takes. Remembers where in the stream each frame ends, so that what the peer's daemon has acknowledged is known frame by frame.
// One instance per peer; a new stream begins with what was not acknowledged. Channel worker thread.

import type { ChannelCore, OutStream } from '../../native-free/channel/index.js';
import { encodePreamble } from '../../native-free/ipc/index.js';
import type { IpcHost } from './host.js';

/** A frame is handed to the core in pieces of this size, bytes: the default chunk between own peers. */
const PIECE_BYTES = 245_760;

/** How far one peer got; outlives the leg, since a channel starts anew after a failure. */
export interface Reader {
  /** Position of the oldest frame that the peer has not acknowledged. */
  next: number;
}

/** What is being handed to the core. @property position of the frame; -1 for what is not one */
interface Piece {
  bytes: Uint8Array;
  at: number;
  position: number;
}

export class OwnSending {
  readonly #host: IpcHost;
  readonly #core: ChannelCore;
  readonly #reader: Reader;
  /** Position of the next frame to hand to the core. */
  #fed: number;
  #fedBytes = 0;
  /** Run of the last preamble. */
  #said: string | undefined;
  #piece: Piece | undefined;
  /** Where in the stream each frame ends, oldest first. */
  readonly #ends: { bytes: number; position: number }[] = [];

  constructor(host: IpcHost, core: ChannelCore, reader: Reader) {
    this.#host = host;
    this.#core = core;
    this.#reader = reader;
    this.#fed = reader.next;
  }

  /** Hands over what the stream takes. @param stream opens it at the first byte */
  feed(stream: () => OutStream): void {
    for (;;) {
      if (this.#piece === undefined && !this.#cut()) return;
      const piece = this.#piece as Piece;
      const part = piece.bytes.subarray(piece.at, piece.at + PIECE_BYTES);
      if (!this.#core.take(stream(), part, -1, performance.now())) return;
      if (this.#piece !== piece) return; // taking it ended the stream
      this.#fedBytes += part.length;
      piece.at += part.length;
      if (piece.at < piece.bytes.length) continue;
      this.#piece = undefined;
      if (piece.position < 0) continue;
      this.#ends.push({ bytes: this.#fedBytes, position: piece.position });
      this.#fed = piece.position + 1;
    }
  }

  /** What the peer's daemon has is not needed here any more. @param bytes of the stream that it acknowledged */
  acknowledged(bytes: number): void {
    let oldest = this.#ends[0];
    if (oldest === undefined || oldest.bytes > bytes) return;
    for (; oldest !== undefined && oldest.bytes <= bytes; oldest = this.#ends[0]) {
      this.#reader.next = oldest.position + 1;
      this.#ends.shift();
    }
    this.#host.release();
  }

  /** The stream is over; what was not acknowledged goes again on the next one. */
  rewind(): void {
    this.#fedBytes = 0;
    this.#said = undefined;
    this.#piece = undefined;
    this.#ends.length = 0;
    this.#fed = this.#reader.next;
  }

  /** The next thing to say. @returns false when there is nothing */
  #cut(): boolean {
    this.#fed = Math.max(this.#fed, this.#host.outbox.first);
    let frame = this.#host.frameAt(this.#fed);
    for (; frame?.bytes?.length === 0; frame = this.#host.frameAt(this.#fed)) {
      // Its file is gone: whoever took it has it.
      this.#ends.push({ bytes: this.#fedBytes, position: this.#fed });
      this.#fed += 1;
    }
    if (frame?.bytes === undefined) return false;
    if (this.#said === frame.run) this.#piece = { bytes: frame.bytes, at: 0, position: this.#fed };
    else {
      this.#said = frame.run;
      this.#piece = { bytes: encodePreamble(frame.run, frame.number), at: 0, position: -1 };
    }
    return true;
  }
}
