// One stream's sending half: its window, its credit, and what is still to be said about it (open, end, reset). Owned by OutFlow.

import type { SendWindow } from './send-window.js';

/** One stream's sending half; made by {@link ChannelCore.openStream}. */
export class OutStream {
  /** Changes only while the peer has not heard of the stream (see `ChannelPorts.peerRestarted`). */
  id: number;
  /** Made at the first byte, so that a connection that never carries one costs nothing. @internal */
  window: SendWindow | undefined;
  /** Payload bytes handed to lanes so far. @internal */
  sentBytes = 0;
  /** Payload bytes the peer allows in total. @internal */
  limitBytes: number;
  /** What had been sent when the peer was told that its credit will not do. @internal */
  askedBytes = 0;
  /** Least credit worth a frame of its own; less is waited for. */
  readonly #leastBytes: number;
  /** Bytes of the next record that already left, as parts of their own. @internal */
  partBytes = 0;
  /** A frame of this stream was handed to a lane: the peer knows it, or will. @internal */
  spoken = false;
  /** The peer must be told of the stream although it has no byte yet. @internal */
  openPending = false;
  /** The application finished writing; the end goes out behind the last byte. @internal */
  endPending = false;
  /** The stream is to be torn down; overtakes unsent bytes, and may follow the end. @internal */
  resetPending: string | undefined;
  /** @internal */
  resetSent = false;
  /** End or reset was handed to a lane, or nobody is there to be told: no more bytes. @internal */
  done = false;
  /** In OutFlow's queue of streams with something to send. @internal */
  queued = false;
  /** A frame was refused for lack of room, since then (ms); for the send-time telemetry. @internal */
  blockedSinceMs = -1;

  constructor(id: number, limitBytes: number) {
    this.id = id;
    this.limitBytes = limitBytes;
    // The receiver grants a quarter of its credit at a time, and its credit is never below the first one: so much always comes.
    this.#leastBytes = limitBytes >> 2;
  }

  /** @internal */
  get unsentRecords(): number {
    return this.window === undefined ? 0 : this.window.unsentRecords;
  }

  /** True when unsent bytes wait for nothing but the peer's credit. @internal */
  get starved(): boolean {
    return !this.done && this.resetPending === undefined && this.unsentRecords > 0 && !this.hasCredit;
  }

  /** True when the peer's credit allows the next frame. @internal */
  get hasCredit(): boolean {
    const window = this.window;
    if (window === undefined || window.unsentRecords === 0) return true;
    const creditBytes = this.limitBytes - this.sentBytes;
    return creditBytes >= window.unsentRecordBytes - this.partBytes || (creditBytes > 0 && creditBytes >= this.#leastBytes);
  }

  /**
   * True when less may still be sent than is on its way, so that all of it may be used up by the time more credit is here, and the peer was not told so within
   * this round trip. Never toward an upstream peer, which sets no limit. @internal
   */
  get tight(): boolean {
    const arrivedBytes = this.window === undefined ? 0 : this.window.releasedBytes;
    return this.limitBytes - this.sentBytes < this.sentBytes - arrivedBytes && arrivedBytes >= this.askedBytes;
  }

  /** True when {@link OutFlow} could send something of this stream now. @internal */
  get sendable(): boolean {
    if (this.resetPending !== undefined) return true;
    if (this.done) return false;
    if (this.openPending) return true;
    return this.unsentRecords > 0 ? this.hasCredit : this.endPending;
  }
}
