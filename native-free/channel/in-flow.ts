// The receiving half of a channel: frames into order, in order to their streams, and back to the sender what it may forget
// (acknowledgement) and what it may still send (credit). One instance per own peer; one per inbound session of an upstream peer,
// whose frames all belong to one stream. Memory is bounded by the reorder window and by the credit given. Spec: architecture.md
// "A byte's way in", wire.md 4.7 and 13.4. Channel worker.

import { Counter } from '../counters.js';
import { ReorderWindow } from '../reorder.js';
import { ACK_DELAY_MS, ACK_EVERY_BYTES, type ChannelLimits, INITIAL_CREDIT_BYTES } from './limits.js';
import { ACK_MAX_STREAMS, encodeAck, OwnKind, type OwnKindCode } from './own-wire.js';

export interface InFlowPorts {
  /**
   * Bytes of a stream, in order.
   * @param lasting false: the bytes are only valid during the call
   */
  deliver(stream: number, payload: Uint8Array, lasting: boolean): void;
  /** The peer opened a stream that has no byte yet, or its first byte is about to be delivered. */
  opened(stream: number): void;
  ended(stream: number): void;
  reset(stream: number, reason: string): void;
}

export type FrameOutcome = 'ok' | 'duplicate' | 'window-full' | 'bad-seq' | 'credit-exceeded';

interface Held {
  kind: OwnKindCode;
  stream: number;
  payload: Uint8Array;
}

/** Receiving half of one stream. */
class InStream {
  receivedBytes = 0;
  consumedBytes = 0;
  grantedBytes = INITIAL_CREDIT_BYTES;
  done = false;
}

export class InFlow {
  readonly #limits: ChannelLimits;
  readonly #counters: Float64Array;
  readonly #ports: InFlowPorts;
  #reorder: ReorderWindow<Held>;
  readonly #streams = new Map<number, InStream>();
  /** Streams whose credit the peer is to be told of. */
  readonly #untold = new Set<number>();
  #highestStream = 0;
  #unackedBytes = 0;
  #ackDueMs: number | undefined;

  constructor(limits: ChannelLimits, counters: Float64Array, ports: InFlowPorts) {
    this.#limits = limits;
    this.#counters = counters;
    this.#ports = ports;
    this.#reorder = new ReorderWindow<Held>({ maxBytes: limits.reorderBytes, maxFrames: limits.reorderFrames });
  }

  /** Next sequence number that is missing. */
  get nextSeq(): number {
    return this.#reorder.nextSeq;
  }
  get heldFrames(): number {
    return this.#reorder.heldFrames;
  }
  /** Highest stream id the peer ever used. */
  get highestStream(): number {
    return this.#highestStream;
  }
  /** When the present hole in the sequence was first seen, ms. */
  get gapSinceMs(): number | undefined {
    return this.#reorder.gapSinceMs();
  }
  /** When an acknowledgement must go out at the latest, ms; undefined when there is nothing to say. */
  get ackDueMs(): number | undefined {
    return this.#ackDueMs;
  }

  /** A sequenced frame. @param lasting whether `payload` stays valid after the call */
  frame(seq: number, kind: OwnKindCode, stream: number, payload: Uint8Array, lasting: boolean, nowMs: number): FrameOutcome {
    const inOrder = seq === this.#reorder.nextSeq;
    const item = inOrder ? undefined : { kind, stream, payload: lasting ? payload : payload.slice() };
    const verdict = this.#reorder.accept(seq, payload.length, item as Held, nowMs);
    switch (verdict) {
      case 'deliver': {
        let outcome = this.#dispatch(kind, stream, payload, lasting);
        for (let next = this.#reorder.next(); next !== undefined; next = this.#reorder.next()) {
          const later = this.#dispatch(next.kind, next.stream, next.payload, true);
          if (later !== 'ok') outcome = later;
        }
        this.#counters[Counter.heldFrames] = this.#reorder.heldFrames;
        this.#scheduleAck(nowMs);
        return outcome;
      }
      case 'held':
        this.#counters[Counter.heldFrames] = this.#reorder.heldFrames;
        return 'ok';
      case 'duplicate':
        // The sender repeats what it thinks is lost: tell it again how far we are.
        this.#counters[Counter.duplicates] = (this.#counters[Counter.duplicates] as number) + 1;
        this.#ackDueMs = nowMs;
        return 'duplicate';
      case 'full':
        return 'window-full';
      default:
        return 'bad-seq';
    }
  }

  /** A stream that was opened on this side: the peer's frames for it are expected in any order of streams. */
  expect(stream: number): void {
    if (stream > this.#highestStream) this.#highestStream = stream;
    this.#streams.set(stream, new InStream());
  }

  /** The application has taken `bytes` more of a stream. */
  consumed(id: number, bytes: number, nowMs: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.done) return;
    stream.consumedBytes += bytes;
    // A quarter of the credit at a time: few messages, and the sender never runs dry.
    if (stream.consumedBytes + this.#limits.creditBytes - stream.grantedBytes < this.#limits.creditBytes >> 2) return;
    this.#untold.add(id);
    this.#ackDueMs = nowMs;
  }

  /** Everything we know is to be said again at `dueMs`: a new lane, or the sender asked. */
  refresh(dueMs: number): void {
    for (const [id, stream] of this.#streams) if (!stream.done) this.#untold.add(id);
    this.#ackDueMs = dueMs;
  }

  /** The stream is over here; its bytes still to come are dropped. */
  forget(stream: number): void {
    this.#streams.delete(stream);
    this.#untold.delete(stream);
  }

  /** @returns the payload of the acknowledgement that is due, marking it as said; another one may be due right behind it */
  takeAck(): Uint8Array {
    const limits: number[] = [];
    for (const id of this.#untold) {
      if (limits.length === 2 * ACK_MAX_STREAMS) break;
      this.#untold.delete(id);
      const stream = this.#streams.get(id);
      if (stream === undefined || stream.done) continue;
      stream.grantedBytes = Math.max(stream.grantedBytes, stream.consumedBytes + this.#limits.creditBytes);
      limits.push(id, stream.grantedBytes);
    }
    this.#unackedBytes = 0;
    if (this.#untold.size === 0) this.#ackDueMs = undefined;
    return encodeAck(this.#reorder.nextSeq, limits);
  }

  /** Forgets everything and expects sequence number 1 again. */
  restart(): void {
    this.#streams.clear();
    this.#untold.clear();
    this.#reorder = new ReorderWindow<Held>({ maxBytes: this.#limits.reorderBytes, maxFrames: this.#limits.reorderFrames });
    this.#highestStream = 0;
    this.#unackedBytes = 0;
    this.#ackDueMs = undefined;
  }

  #dispatch(kind: OwnKindCode, id: number, payload: Uint8Array, lasting: boolean): FrameOutcome {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      // Ids only grow: one that is not known and not new belongs to a stream that is over here.
      if (id <= this.#highestStream) {
        this.#unackedBytes += payload.length;
        return 'ok';
      }
      this.#highestStream = id;
      stream = new InStream();
      this.#streams.set(id, stream);
      this.#ports.opened(id);
    }
    switch (kind) {
      case OwnKind.data: {
        stream.receivedBytes += payload.length;
        this.#unackedBytes += payload.length;
        if (stream.receivedBytes > stream.grantedBytes) return 'credit-exceeded';
        this.#counters[Counter.rxPackets] = (this.#counters[Counter.rxPackets] as number) + 1;
        this.#counters[Counter.rxBytes] = (this.#counters[Counter.rxBytes] as number) + payload.length;
        this.#ports.deliver(id, payload, lasting);
        return 'ok';
      }
      case OwnKind.end:
        stream.done = true;
        this.#ports.ended(id);
        return 'ok';
      case OwnKind.reset:
        stream.done = true;
        this.#ports.reset(id, new TextDecoder().decode(payload.slice()));
        return 'ok';
      default:
        return 'ok';
    }
  }

  #scheduleAck(nowMs: number): void {
    const due = this.#unackedBytes >= ACK_EVERY_BYTES ? nowMs : nowMs + ACK_DELAY_MS;
    if (this.#ackDueMs === undefined || due < this.#ackDueMs) this.#ackDueMs = due;
  }
}
