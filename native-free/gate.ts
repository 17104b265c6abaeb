// The send gate in front of a lane: watermarks over the lane's buffered bytes, and a deadline for a lane that takes nothing any more.
// Invariant: it closes at the high watermark, reopens only at the low one, and expires only while nothing drains at all.
// (Upstream polls every 5 ms and gives up after the wait even if the buffer is draining, wire §5.8.) Time comes in as an argument.

/** Upstream's clamp of SYFTBOX_HOTLINK_WEBRTC_BUFFERED_HIGH (wire §7). */
const MAX_HIGH_BYTES = 16 * 1024 * 1024;

export interface SendGateOptions {
  /** Closes at this many buffered bytes, 0 … 16 MiB (clamped). 0: every send waits for an empty buffer. */
  readonly highBytes: number;
  /** Reopens at this many or fewer; default half of high. Kept below high. */
  readonly lowBytes?: number;
  /** How long it may stay closed without the buffer going down. */
  readonly waitMs: number;
}

/** `expired` stays until the buffer goes down or {@link SendGate.reset}; what it means (next lane, or an error) is the caller's. */
export type GateVerdict = 'open' | 'closed' | 'expired';

export class SendGate {
  /** Times the gate has closed since the beginning. */
  stalls = 0;

  readonly #highBytes: number;
  readonly #lowBytes: number;
  readonly #waitMs: number;
  #closedSinceMs: number | undefined;
  #progressMs = 0;
  #lastBytes = 0;

  constructor({ highBytes, lowBytes, waitMs }: SendGateOptions) {
    // Buffered bytes are whole numbers, so "closed at 1" is "open only when empty": what a high watermark of 0 has to mean to let anything pass.
    this.#highBytes = Math.max(1, Math.min(highBytes, MAX_HIGH_BYTES));
    this.#lowBytes = Math.max(0, Math.min(lowBytes ?? Math.floor(this.#highBytes / 2), this.#highBytes - 1));
    this.#waitMs = waitMs;
  }

  get closed(): boolean {
    return this.#closedSinceMs !== undefined;
  }

  /** When the gate closed; undefined while it is open. */
  get closedSinceMs(): number | undefined {
    return this.#closedSinceMs;
  }

  /**
   * Call before each send, and when the lane reports a low buffer or the deadline passes.
   *
   * @param bufferedBytes what the lane has accepted and not yet sent
   * @param nowMs any clock that does not go back
   */
  observe(bufferedBytes: number, nowMs: number): GateVerdict {
    if (this.#closedSinceMs === undefined) {
      if (bufferedBytes < this.#highBytes) return 'open';
      this.#closedSinceMs = nowMs;
      this.#progressMs = nowMs;
      this.#lastBytes = bufferedBytes;
      this.stalls += 1;
      return 'closed';
    }
    if (bufferedBytes <= this.#lowBytes) {
      this.#closedSinceMs = undefined;
      return 'open';
    }
    if (bufferedBytes < this.#lastBytes) this.#progressMs = nowMs;
    this.#lastBytes = bufferedBytes;
    return nowMs - this.#progressMs >= this.#waitMs ? 'expired' : 'closed';
  }

  /** @returns the first moment at which {@link observe} says `expired` if nothing drains until then; undefined while open */
  deadlineMs(): number | undefined {
    return this.#closedSinceMs === undefined ? undefined : this.#progressMs + this.#waitMs;
  }

  /** Opens the gate and forgets the buffer, as for a new lane. The count of stalls stays. */
  reset(): void {
    this.#closedSinceMs = undefined;
  }
}
