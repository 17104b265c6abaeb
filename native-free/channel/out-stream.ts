// One stream's sending half: its window, its credit, and what is still to be said about it (open, end, reset). Owned by OutFlow.

import { INITIAL_CREDIT_BYTES } from './limits.js';
import type { SendWindow } from './send-window.js';

export class OutStream {
  readonly id: number;
  /** Made at the first byte, so that a connection that never carries one costs nothing. */
  window: SendWindow | undefined;
  /** Payload bytes handed to lanes so far. */
  sentBytes = 0;
  /** Payload bytes the peer allows in total. */
  limitBytes = INITIAL_CREDIT_BYTES;
  /** The peer must be told of the stream although it has no byte yet. */
  openPending = false;
  /** The application finished writing; the end goes out behind the last byte. */
  endPending = false;
  /** The stream is to be torn down; overtakes unsent bytes. */
  resetPending: string | undefined;
  /** End or reset was handed to a lane: nothing more will be sent. */
  done = false;
  /** In OutFlow's queue of streams with something to send. */
  queued = false;
  /** A frame was refused for lack of room or credit, since then (ms); for the send-time telemetry. */
  blockedSinceMs = -1;

  constructor(id: number) {
    this.id = id;
  }

  /** True when the peer's credit allows the next record. */
  get hasCredit(): boolean {
    const window = this.window;
    return window === undefined || window.unsentRecords === 0 || this.sentBytes + window.unsentRecordBytes <= this.limitBytes;
  }

  /** True when {@link OutFlow} could send something of this stream now. */
  get sendable(): boolean {
    if (this.done) return false;
    if (this.resetPending !== undefined || this.openPending) return true;
    if (this.window !== undefined && this.window.unsentRecords > 0) return this.hasCredit;
    return this.endPending;
  }
}
