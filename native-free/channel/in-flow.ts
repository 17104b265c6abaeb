// The receiving half of a channel: frames into order, in order to their streams, and back to the sender what it may forget
// (acknowledgement), what it has to send again (holes) and what it may still send (credit). One instance per own peer; one per inbound
// session of an upstream peer, whose frames all belong to one stream without credit. Memory is bounded by the reorder window and by the
// credit given. Spec: architecture.md "A byte's way in", wire.md 4.7 and 13.4. Channel worker.

import { Counter } from '../counters.js';
import { ReorderWindow } from '../reorder.js';
import { HoleWatch } from './holes.js';
import { InStream } from './in-stream.js';
import { ACK_AGAIN_MS, ACK_DELAY_MS, ACK_EVERY_BYTES, ACK_EVERY_FRAMES, type ChannelLimits } from './limits.js';
import { ACK_MAX_STREAMS, encodeAck, OwnKind, type OwnKindCode } from './own-wire.js';

/** The one stream of an upstream session, which knows no streams. */
export const UPSTREAM_STREAM = 0;

/** Where a receiving half puts what came. */
export interface InFlowPorts {
  /**
   * Bytes of a stream, in order.
   * @param lasting false: the bytes are only valid during the call
   */
  deliver(stream: number, payload: Uint8Array, lasting: boolean): void;
  /** The peer opened a stream that has no byte yet, or its first byte is about to be delivered. */
  opened(stream: number): void;
  /** The peer has no more to send; after its last byte. */
  ended(stream: number): void;
  /** The peer tore the stream down. */
  reset(stream: number, reason: string): void;
  /** The peer sent more than it was allowed: the stream is over here and the peer is to be told. */
  overrun(stream: number): void;
}

/**
 * - `ok`: delivered, or held until the hole in front of it is closed
 * - `duplicate`: known already
 * - `full`: ahead of a hole and no room to hold it; an own peer sends it again, after upstream's the hole can never be closed
 * - `bad-seq`: not a sequence number
 */
export type FrameOutcome = 'ok' | 'duplicate' | 'full' | 'bad-seq';

interface Held {
  seq: number;
  kind: OwnKindCode;
  stream: number;
  payload: Uint8Array;
}

export class InFlow {
  readonly #limits: ChannelLimits;
  readonly #counters: Float64Array;
  readonly #ports: InFlowPorts;
  readonly #streams = new Map<number, InStream>();
  readonly #holes = new HoleWatch();
  /** Streams whose credit the peer is to be told of. */
  readonly #untold = new Set<number>();
  #reorder: ReorderWindow<Held>;
  #openHalves = 0;
  #highestStream = 0;
  #answersPing = 0;
  #ackDueMs: number | undefined;
  /** Bytes and frames since the last acknowledgement, and whether a stream's end was among them. */
  #unackedBytes = 0;
  #unackedFrames = 0;
  #endHeard = false;
  #creditBytes: number;

  constructor(limits: ChannelLimits, counters: Float64Array, ports: InFlowPorts, peer: 'own' | 'upstream' = 'own') {
    this.#limits = limits;
    this.#counters = counters;
    this.#ports = ports;
    this.#creditBytes = limits.creditBytes;
    this.#reorder = new ReorderWindow<Held>({ maxBytes: limits.reorderBytes, maxFrames: limits.reorderFrames });
    if (peer === 'upstream') this.#streams.set(UPSTREAM_STREAM, new InStream(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
  }

  /** Next sequence number that is missing. */
  get nextSeq(): number {
    return this.#reorder.nextSeq;
  }
  get heldFrames(): number {
    return this.#reorder.heldFrames;
  }
  get heldBytes(): number {
    return this.#reorder.heldBytes;
  }
  /** Highest stream id either side used. */
  get highestStream(): number {
    return this.#highestStream;
  }
  /** Streams whose peer has not ended its half. */
  get openHalves(): number {
    return this.#openHalves;
  }
  /** Streams in the table. */
  get streamCount(): number {
    return this.#streams.size;
  }
  /** When the present hole in the sequence was first seen, ms. */
  get gapSinceMs(): number | undefined {
    return this.#reorder.gapSinceMs();
  }
  /** When an acknowledgement must go out at the latest, ms; undefined when there is nothing to say. */
  get ackDueMs(): number | undefined {
    const hole = this.#holes.dueMs;
    const ack = this.#ackDueMs;
    if (hole === undefined) return ack;
    return ack === undefined || hole < ack ? hole : ack;
  }

  stream(id: number): InStream | undefined {
    return this.#streams.get(id);
  }

  /** A sequenced frame. @param lasting whether `payload` stays valid after the call */
  frame(seq: number, kind: OwnKindCode, stream: number, payload: Uint8Array, lasting: boolean, nowMs: number): FrameOutcome {
    const reorder = this.#reorder;
    const inOrder = seq === reorder.nextSeq;
    // Not `slice`: a Buffer's is a view of the same memory.
    const item = inOrder ? undefined : { seq, kind, stream, payload: lasting ? payload : new Uint8Array(payload) };
    switch (reorder.accept(seq, payload.length, item as Held, nowMs)) {
      case 'deliver':
        this.#dispatch(kind, stream, payload, lasting);
        if (reorder.heldFrames > 0 || this.#holes.dueMs !== undefined) this.#drain(reorder, nowMs);
        this.#scheduleAck(nowMs);
        return 'ok';
      case 'held':
        this.#holes.held(seq, reorder.nextSeq, nowMs);
        this.#counters[Counter.heldFrames] = reorder.heldFrames;
        return 'ok';
      case 'duplicate':
        // The sender repeats what it thinks is lost: tell it again how far we are. Not at once, since repeats come in runs.
        this.#counters[Counter.duplicates] = (this.#counters[Counter.duplicates] as number) + 1;
        this.#ackBy(nowMs + ACK_AGAIN_MS);
        return 'duplicate';
      case 'full':
        return 'full';
      default:
        return 'bad-seq';
    }
  }

  /** The credit of each stream may grow up to this from now on: the path is long. */
  raiseCredit(bytes: number): void {
    this.#creditBytes = Math.max(this.#creditBytes, bytes);
    for (const stream of this.#streams.values()) stream.raiseCeiling(bytes);
  }

  /** A stream that was opened on this side: the peer's frames for it are expected. */
  expect(stream: number): void {
    if (stream > this.#highestStream) this.#highestStream = stream;
    this.#add(stream);
  }

  /** The application has taken `bytes` more of a stream. @returns whether the peer is to be told now */
  consumed(id: number, bytes: number, nowMs: number): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.done || !stream.consume(bytes)) return false;
    this.#untold.add(id);
    this.#ackDueMs = nowMs;
    return true;
  }

  /** The sender of a stream waits for nothing but credit, or will soon. */
  hungry(id: number, nowMs: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.done) return;
    // The peer counts on the credit it is given now: the stream is in use, although its bytes may still be on their way.
    stream.heard = true;
    stream.hungry();
    this.#untold.add(id);
    this.#ackDueMs = nowMs;
  }

  /** Everything we know is to be said again at `dueMs`: a new lane, or the sender asked. */
  refresh(dueMs: number): void {
    for (const [id, stream] of this.#streams) if (!stream.done && stream.wasGranted) this.#untold.add(id);
    this.#ackDueMs = dueMs;
  }

  /** What is to be acknowledged some time is to be acknowledged now. */
  hasten(nowMs: number): void {
    if (this.#ackDueMs !== undefined) this.#ackBy(nowMs);
  }

  /** The peer asks where it stands. @param id of its ping */
  pinged(id: number, nowMs: number): void {
    this.#answersPing = id;
    this.refresh(nowMs);
  }

  /** The stream is over here; its bytes still to come are dropped. @param unused nobody has ever named it: the id is free again */
  forget(id: number, unused: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (!stream.done) this.#openHalves -= 1;
    this.#streams.delete(id);
    this.#untold.delete(id);
    if (unused && id === this.#highestStream) this.#highestStream -= 1;
  }

  /** @returns the payload of the acknowledgement that is due, marking it as said; another one may be due right behind it */
  takeAck(nowMs: number): Uint8Array {
    const limits: number[] = [];
    for (const id of this.#untold) {
      if (limits.length === 2 * ACK_MAX_STREAMS) break;
      this.#untold.delete(id);
      const stream = this.#streams.get(id);
      if (stream !== undefined && !stream.done) limits.push(id, stream.grant());
    }
    const { nextSeq } = this.#reorder;
    const answersPing = this.#answersPing;
    const holeDueMs = this.#holes.dueMs;
    const report = answersPing > 0 || (holeDueMs !== undefined && holeDueMs <= nowMs);
    const missingFrames = report ? this.#holes.report(nextSeq, nowMs) : 0;
    if (missingFrames > 0) this.#counters[Counter.holeReports] = (this.#counters[Counter.holeReports] as number) + 1;
    this.#answersPing = 0;
    this.#ackDueMs = this.#untold.size === 0 ? undefined : nowMs;
    this.#nothingUnacked();
    return encodeAck({ nextSeq, answersPing, missingFrames }, limits);
  }

  /** Forgets everything and expects sequence number 1 again. */
  restart(): void {
    this.#streams.clear();
    this.#untold.clear();
    this.#holes.clear();
    this.#reorder = new ReorderWindow<Held>({ maxBytes: this.#limits.reorderBytes, maxFrames: this.#limits.reorderFrames });
    this.#counters[Counter.heldFrames] = 0;
    this.#openHalves = 0;
    this.#highestStream = 0;
    this.#answersPing = 0;
    this.#ackDueMs = undefined;
    this.#nothingUnacked();
  }

  /** Delivers what a closed hole set free. */
  #drain(reorder: ReorderWindow<Held>, nowMs: number): void {
    for (let next = reorder.next(); next !== undefined; next = reorder.next()) {
      this.#holes.delivered(next.seq);
      this.#dispatch(next.kind, next.stream, next.payload, true);
    }
    this.#holes.moved(reorder.nextSeq, reorder.gapSinceMs(), nowMs);
    this.#counters[Counter.heldFrames] = reorder.heldFrames;
  }

  #dispatch(kind: OwnKindCode, id: number, payload: Uint8Array, lasting: boolean): void {
    this.#unackedBytes += payload.length;
    this.#unackedFrames += 1;
    // At once: whoever ended a stream may be waiting to leave.
    if (kind === OwnKind.end) this.#endHeard = true;
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      // Ids only grow: one that is not known and not new belongs to a stream that is over here.
      if (id <= this.#highestStream) return;
      this.#highestStream = id;
      if (kind === OwnKind.reset) return;
      stream = this.#add(id);
      this.#ports.opened(id);
    }
    stream.heard = true;
    if (kind === OwnKind.reset) {
      if (stream.resetByPeer) return;
      this.#finish(stream);
      stream.resetByPeer = true;
      this.#ports.reset(id, new TextDecoder().decode(payload.slice()));
    } else if (stream.done) return;
    else if (kind === OwnKind.data) {
      if (!stream.receive(payload.length)) {
        this.#finish(stream);
        this.#ports.overrun(id);
        return;
      }
      this.#counters[Counter.rxPackets] = (this.#counters[Counter.rxPackets] as number) + 1;
      this.#counters[Counter.rxBytes] = (this.#counters[Counter.rxBytes] as number) + payload.length;
      this.#ports.deliver(id, payload, lasting);
    } else if (kind === OwnKind.end) {
      this.#finish(stream);
      this.#ports.ended(id);
    }
  }

  #add(id: number): InStream {
    const stream = new InStream(this.#limits.creditFloorBytes, this.#creditBytes);
    this.#streams.set(id, stream);
    this.#openHalves += 1;
    return stream;
  }

  #finish(stream: InStream): void {
    if (stream.done) return;
    stream.done = true;
    this.#openHalves -= 1;
  }

  #scheduleAck(nowMs: number): void {
    const atOnce = this.#endHeard || this.#unackedBytes >= ACK_EVERY_BYTES || this.#unackedFrames >= ACK_EVERY_FRAMES;
    this.#ackBy(atOnce ? nowMs : nowMs + ACK_DELAY_MS);
  }

  #ackBy(dueMs: number): void {
    if (this.#ackDueMs === undefined || dueMs < this.#ackDueMs) this.#ackDueMs = dueMs;
  }

  #nothingUnacked(): void {
    this.#unackedBytes = 0;
    this.#unackedFrames = 0;
    this.#endHeard = false;
  }
}
