// Back-pressure through the relay: one FlowEnd per connection, its outgoing queue and the right to pause its reading.
//
//   sender A ─read─▶ router ─deliver─▶ [ queue of B ] ─at most 256 KiB─▶ ws ─▶ recipient B
//      ▲                                     │ above the high watermark
//      └────────── pause reading ◀───────────┘ (resume below the low one)
//
// Invariant: nothing that was delivered is dropped while the recipient lives, and its queue holds at most the high watermark plus what each
// feeder had already been read: one socket read and one message. Whoever causes output pays for it, with itself if it answers to itself.

/** What is under a FlowEnd: a WebSocket, or a double of one. */
export interface FlowCarrier {
  /** Send one message; `done` comes once per call, in order, when the bytes have left this process. */
  send(frame: Uint8Array | string, done: () => void): void;
  pause(): void;
  resume(): void;
}

export interface FlowLimits {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  /** Bytes handed to the carrier at once; default 256 KiB. */
  readonly handedBytes?: number;
}

/**
 * Bytes handed to the carrier at once. The kernel takes a large write in many pieces and reports only its end; small portions make the
 * difference between a slow recipient and a stuck one visible, and are still far more than one turn of the loop can put on a wire.
 */
const HANDED_BYTES = 256 * 1024;
/** Charged per frame besides its bytes: the objects around it. Without it, tiny frames would make a queue a hundred times its limit. */
const FRAME_COST_BYTES = 256;

export class FlowEnd {
  private readonly carrier: FlowCarrier;
  private readonly limits: FlowLimits;
  private readonly portionBytes: number;
  private readonly onPause: () => void;
  private readonly waiting = new Fifo<Uint8Array | string>();
  private readonly handedCosts = new Fifo<number>();
  private handedBytes = 0;
  private queuedBytes = 0;
  /** Ends that do not read because this one is full, and those this one does not read for. */
  private readonly feeders = new Set<FlowEnd>();
  private readonly blockers = new Set<FlowEnd>();
  private closed = false;
  private progress = 0;
  private seenProgress = 0;
  private seenAtMs = 0;

  constructor(carrier: FlowCarrier, limits: FlowLimits, onPause: () => void = () => {}) {
    this.carrier = carrier;
    this.limits = limits;
    this.portionBytes = limits.handedBytes ?? HANDED_BYTES;
    this.onPause = onPause;
  }

  /** Bytes that wait for the recipient, here and in the carrier, overhead included. */
  get bufferedBytes(): number {
    return this.queuedBytes;
  }

  /** True while this end's own reading is paused for somebody. */
  get isPaused(): boolean {
    return this.blockers.size > 0;
  }

  /**
   * Queue one message for this end's recipient.
   * @param frame not changed by the caller afterwards
   * @param cause the end whose message led to this one; it stops reading if this is too much
   */
  deliver(frame: Uint8Array | string, cause: FlowEnd): void {
    if (this.closed) return;
    const cost = costOf(frame);
    this.queuedBytes += cost;
    // Whatever comes while nothing is under way goes out at once, without a copy: one socket read at most is kept alive by it.
    if (this.handedBytes === 0 && this.waiting.isEmpty) this.hand(frame, cost);
    else {
      this.waiting.push(typeof frame === 'string' ? frame : unpinned(frame));
      this.pump();
    }
    if (this.queuedBytes > this.limits.highWaterBytes && !cause.closed && !this.feeders.has(cause)) {
      this.feeders.add(cause);
      cause.block(this);
    }
  }

  /** Whether bytes have waited for `stuckMs` without any of them leaving. To be asked now and then. */
  isStuck(nowMs: number, stuckMs: number): boolean {
    if (this.queuedBytes === 0 || this.progress !== this.seenProgress || this.seenAtMs === 0) {
      this.seenProgress = this.progress;
      this.seenAtMs = nowMs;
      return false;
    }
    return nowMs - this.seenAtMs >= stuckMs;
  }

  /** The connection is gone: whoever waits for it goes on, and it waits for nobody. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiting.clear();
    this.queuedBytes = 0;
    this.releaseFeeders();
    for (const blocker of this.blockers) blocker.feeders.delete(this);
    this.blockers.clear();
  }

  private readonly onSent = (): void => {
    const cost = this.handedCosts.shift();
    if (cost === undefined || this.closed) return;
    this.handedBytes -= cost;
    this.queuedBytes -= cost;
    this.progress++;
    this.pump();
    if (this.feeders.size > 0 && this.queuedBytes <= this.limits.lowWaterBytes) this.releaseFeeders();
  };

  private pump(): void {
    while (this.handedBytes < this.portionBytes) {
      const frame = this.waiting.shift();
      if (frame === undefined) return;
      this.hand(frame, costOf(frame));
    }
  }

  private hand(frame: Uint8Array | string, cost: number): void {
    this.handedBytes += cost;
    this.handedCosts.push(cost);
    this.carrier.send(frame, this.onSent);
  }

  private block(blocker: FlowEnd): void {
    this.blockers.add(blocker);
    if (this.blockers.size > 1) return;
    this.carrier.pause();
    this.onPause();
  }

  private releaseFeeders(): void {
    for (const feeder of this.feeders) {
      feeder.blockers.delete(this);
      if (feeder.blockers.size === 0 && !feeder.closed) feeder.carrier.resume();
    }
    this.feeders.clear();
  }
}

function costOf(frame: Uint8Array | string): number {
  return FRAME_COST_BYTES + (typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength);
}

/** A received message is a view into the socket read it came with; a small one would keep all 64 KiB of it alive while it waits. */
function unpinned(frame: Uint8Array): Uint8Array {
  return frame.byteLength * 4 < frame.buffer.byteLength ? Buffer.from(frame) : frame;
}

/** First in, first out, without moving the rest on every take. */
class Fifo<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  get isEmpty(): boolean {
    return this.head === this.items.length;
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.head === this.items.length) return undefined;
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head === this.items.length) this.clear();
    else if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }
}
