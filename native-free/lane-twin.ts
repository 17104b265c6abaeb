// Two lanes joined in memory: what one side sends, the other receives, when its driver says so. For tests and the simulator; also the
// reference for how a lane behaves: it copies what it takes, never calls back from within `trySend`, and reports room once it has some.
// Invariant: messages leave in the order they were taken. Single thread.

import type { Lane, LaneEvents, LaneKind, SendVerdict } from './lane.js';

export interface TwinOptions {
  kind: LaneKind;
  sid: string;
  /** Largest message it takes, bytes. */
  maxFrameBytes?: number;
  /** Messages that are not urgent are refused while this many bytes or more wait; room is reported at half of it. */
  highBytes?: number;
}

export class TwinLane implements Lane {
  readonly kind: LaneKind;
  readonly sid: string;
  /** May change at any time, as a lane's real limit may be other than the one it names. */
  maxFrameBytes: number;
  highBytes: number;
  readonly #outbox: Uint8Array[] = [];
  #bufferedBytes = 0;
  #refused = false;
  #closed = false;
  #events: LaneEvents | undefined;

  constructor({ kind, sid, maxFrameBytes = Number.POSITIVE_INFINITY, highBytes = Number.POSITIVE_INFINITY }: TwinOptions) {
    this.kind = kind;
    this.sid = sid;
    this.maxFrameBytes = maxFrameBytes;
    this.highBytes = highBytes;
  }

  /** Who is told of messages, room and the end. */
  listen(events: LaneEvents): void {
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }
  /** Messages that wait to leave. */
  get waiting(): number {
    return this.#outbox.length;
  }

  trySend(frame: Uint8Array, urgent = false): SendVerdict {
    if (this.#closed) return 'closed';
    if (frame.length > this.maxFrameBytes) return 'oversize';
    if (!urgent && this.#bufferedBytes >= this.highBytes) {
      this.#refused = true;
      return 'full';
    }
    this.#outbox.push(frame.slice());
    this.#bufferedBytes += frame.length;
    return 'taken';
  }

  bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  close(): void {
    this.#closed = true;
    this.#outbox.length = 0;
    this.#bufferedBytes = 0;
  }

  /** The oldest message leaves. May report room. @returns undefined when none waits */
  transmit(): Uint8Array | undefined {
    const message = this.#outbox.shift();
    if (message === undefined) return undefined;
    this.#bufferedBytes -= message.length;
    if (this.#refused && this.#bufferedBytes * 2 <= this.highBytes) {
      this.#refused = false;
      this.#events?.writable(this);
    }
    return message;
  }

  /** A message arrives on this side. Nothing happens once it is closed. */
  receive(message: Uint8Array): void {
    if (!this.#closed) this.#events?.frame(this, message, true);
  }

  /** Ends this side as a failure would: what waits is lost, and the owner is told. */
  fail(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events?.closed(this, reason);
  }
}

/** @returns both ends of one lane */
export function twinLanes(options: TwinOptions): [TwinLane, TwinLane] {
  return [new TwinLane(options), new TwinLane(options)];
}

/** Carries everything that waits on `from` to `to`, and what is sent meanwhile. @returns how many messages */
export function carry(from: TwinLane, to: TwinLane): number {
  let messages = 0;
  for (let message = from.transmit(); message !== undefined; message = from.transmit()) {
    to.receive(message);
    messages += 1;
  }
  return messages;
}
