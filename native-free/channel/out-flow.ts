// The sending half of a channel: one sequence space over all its streams (architecture.md, "Own peers"; wire.md 13.4).
//
// The way out, all on the channel worker's thread:
//   1. take()     bytes read from TCP become a record of the stream's window, behind head-room
//   2. pump()     picks the next record (streams take turns), writes the frame's head in front of it: contiguous bytes, no copy
//   3. lane       takes it, or refuses: full (try again when writable), oversize (cut smaller, same sequence plan), closed
//   4. own peers  the slot stays until acknowledged(); resend() offers the same bytes, under the same numbers, to the next lane
//      upstream   never acknowledges, so the slot is free as soon as the lane has taken it
// A sequence number is allocated only when a lane took the frame, so none is ever skipped.

import type { Chunker } from '../chunker.js';
import { Counter } from '../counters.js';
import { headRoomBytes, writeFrameHead } from '../hlnk/index.js';
import type { Lane, SendVerdict } from '../lane.js';
import { InFlight } from './in-flight.js';
import type { ChannelLimits } from './limits.js';
import { OutStream } from './out-stream.js';
import { OWN_ETAG_BYTES, OwnKind, type OwnKindCode, writeOwnEtag } from './own-wire.js';
import { SendWindow } from './send-window.js';

/** Upstream etags: `s`, nine base-36 digits of the sequence number, `-`, five of the session's salt. Unique, so a Go peer never dedupes. */
const UPSTREAM_ETAG_BYTES = 16;
const BASE36 = Uint8Array.from('0123456789abcdefghijklmnopqrstuvwxyz', (digit) => digit.charCodeAt(0));
const ONE_ZERO = new Uint8Array(1);

export interface OutFlowPorts {
  /** A stream's window has room again after it had none. */
  room(stream: number): void;
  /** A stream has nothing more to send: its end or reset is on its way. */
  streamDone(stream: number): void;
}

export interface OutFlowConfig {
  path: Uint8Array;
  limits: ChannelLimits;
  chunker: Chunker;
  counters: Float64Array;
  ports: OutFlowPorts;
  /** Five base-36 characters that make this channel's upstream etags unlike any other's. */
  salt: string;
}

export type PumpVerdict = 'idle' | 'full' | 'closed' | 'no-lane' | 'stuck-oversize';

export class OutFlow {
  #lane: Lane | undefined;
  readonly #config: OutFlowConfig;
  readonly #counters: Float64Array;
  readonly #chunker: Chunker;
  readonly #streams = new Map<number, OutStream>();
  readonly #queue: OutStream[] = [];
  readonly #inFlight = new InFlight();
  readonly #ownEtag = new Uint8Array(OWN_ETAG_BYTES);
  readonly #upstreamEtag = new Uint8Array(UPSTREAM_ETAG_BYTES);
  #path: Uint8Array;
  #own = true;
  #resendSeq = 1;
  /** Bytes of a partly sent record that already left (a record cut because a lane refused its size). */
  #partBytes = 0;

  constructor(config: OutFlowConfig) {
    this.#config = config;
    this.#counters = config.counters;
    this.#chunker = config.chunker;
    this.#path = config.path;
    for (let i = 0; i < 5; i += 1) this.#upstreamEtag[11 + i] = config.salt.charCodeAt(i);
    this.#upstreamEtag[0] = 0x73;
    this.#upstreamEtag[10] = 0x2d;
  }

  /** Where frames go; undefined while there is no lane. Chosen by the channel's core. */
  get lane(): Lane | undefined {
    return this.#lane;
  }
  set lane(lane: Lane | undefined) {
    this.#lane = lane;
    // A new lane has limits of its own: what was learned about the sizes of the last one says nothing about it.
    if (lane !== undefined) this.#chunker.setLane(lane.maxFrameBytes, this.headRoom);
  }

  /** Sequence number of the next frame. */
  get nextSeq(): number {
    return this.#inFlight.nextSeq;
  }
  /** Frames sent and not acknowledged. */
  get inFlightFrames(): number {
    return this.#inFlight.count;
  }
  /** True when bytes or control frames wait for a lane or for credit. */
  get pending(): boolean {
    return this.#resendSeq < this.#inFlight.nextSeq || [...this.#streams.values()].some((s) => s.sendable || (s.window?.unsentRecords ?? 0) > 0);
  }
  get headRoom(): number {
    return headRoomBytes(this.#config.path.length, UPSTREAM_ETAG_BYTES);
  }

  /** Says what the peer is. With an upstream peer nothing waits for an acknowledgement. */
  setPeer(own: boolean, path: Uint8Array): void {
    // A longer path than the one head-room was made for cannot be framed in place; the core never passes one.
    this.#path = path;
    this.#own = own;
    if (!own) this.#release();
  }

  /** An upstream session was replaced: its receiver counts from 1 again (wire.md 12 row 15, Rust). */
  restartNumbering(): void {
    this.#inFlight.reset();
    this.#resendSeq = 1;
  }

  /** Everything unacknowledged is offered again to the present lane, oldest first, under the same numbers. */
  resend(): void {
    this.#resendSeq = this.#inFlight.firstSeq;
  }

  stream(id: number): OutStream | undefined {
    return this.#streams.get(id);
  }

  /** Starts a stream's sending half. @param announce tell the peer even before the first byte */
  openStream(id: number, announce: boolean): OutStream {
    const stream = new OutStream(id);
    stream.openPending = announce;
    this.#streams.set(id, stream);
    this.#enqueue(stream);
    return stream;
  }

  /** The stream's window, made on first use. */
  windowOf(stream: OutStream): SendWindow {
    if (stream.window === undefined) {
      const { windowBytes } = this.#config.limits;
      const headRoom = this.headRoom;
      stream.window = new SendWindow({ capacityBytes: windowBytes, headRoomBytes: headRoom, chunkBytes: this.#chunker.payloadBytes });
      this.#counters[Counter.windowBytes] = (this.#counters[Counter.windowBytes] as number) + stream.window.bytes.length;
    }
    return stream.window;
  }

  /** Takes bytes read from the application. @returns false when the window has no room: keep the bytes and wait for `room` */
  take(stream: OutStream, source: Uint8Array, landedAt = -1): boolean {
    if (stream.done || stream.resetPending !== undefined || stream.endPending) return true; // nobody will read them
    const window = this.windowOf(stream);
    window.chunkBytes = this.#chunker.payloadBytes;
    if (!window.take(source, landedAt)) return false;
    this.#enqueue(stream);
    return true;
  }

  /** The application finished writing. */
  end(stream: OutStream): void {
    stream.endPending = true;
    this.#enqueue(stream);
  }

  /** Tears the stream down on the far side; bytes not yet sent are dropped. */
  reset(stream: OutStream, reason: string): void {
    if (stream.done) return;
    stream.resetPending = reason;
    this.#enqueue(stream);
  }

  /** The stream is over on both sides. Its slots live on until acknowledged. */
  removeStream(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.done = true;
    this.#streams.delete(id);
    if (stream.window !== undefined) {
      this.#counters[Counter.windowBytes] = (this.#counters[Counter.windowBytes] as number) - stream.window.bytes.length;
    }
  }

  /** Credit from the peer; never taken back. */
  grant(id: number, limitBytes: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || limitBytes <= stream.limitBytes) return;
    stream.limitBytes = limitBytes;
    this.#enqueue(stream);
  }

  /** The peer has everything below `seq`. @returns false when it claims frames that were never sent */
  acknowledged(seq: number): boolean {
    if (seq > this.#inFlight.nextSeq) return false;
    this.#inFlight.acknowledge(seq, (stream) => {
      if (!stream.done && stream.window?.roomy) this.#config.ports.room(stream.id);
    });
    if (this.#resendSeq < seq) this.#resendSeq = seq;
    return true;
  }

  /** Sends what can be sent. Call it whenever bytes, credit, room or a lane appeared. */
  pump(nowMs: number): PumpVerdict {
    const lane = this.lane;
    if (lane === undefined) return 'no-lane';
    while (this.#resendSeq < this.#inFlight.nextSeq) {
      const verdict = lane.trySend(this.#inFlight.frame(this.#resendSeq));
      if (verdict === 'oversize') return 'stuck-oversize';
      if (verdict !== 'taken') return verdict;
      this.#resendSeq += 1;
      this.#count(Counter.retransmits, 1);
    }
    for (;;) {
      const stream = this.#queue[0];
      if (stream === undefined) return 'idle';
      if (!stream.sendable) {
        this.#dequeue();
        continue;
      }
      const verdict = this.#sendOne(lane, stream, nowMs);
      if (verdict !== 'taken') {
        if (stream.blockedSinceMs < 0) stream.blockedSinceMs = nowMs;
        if (verdict === 'oversize') {
          this.#count(Counter.chunkSteps, 1);
          if (this.#chunker.refusedOversize((stream.window?.unsentRecordBytes ?? 1) - this.#partBytes) === 'at-floor') return 'stuck-oversize';
          continue;
        }
        return verdict;
      }
      // Streams take turns frame by frame; a record that is being sent in parts is finished first.
      if (this.#partBytes === 0) {
        this.#dequeue();
        if (stream.sendable) this.#enqueue(stream);
      }
    }
  }

  /** Forgets every stream and number: the peer restarted and has lost everything. */
  restart(): void {
    for (const stream of this.#streams.values()) this.removeStream(stream.id);
    this.#queue.length = 0;
    this.#partBytes = 0;
    this.restartNumbering();
  }

  #sendOne(lane: Lane, stream: OutStream, nowMs: number): SendVerdict {
    if (stream.resetPending !== undefined) return this.#sendReset(lane, stream, stream.resetPending);
    if (stream.openPending) {
      if (!this.#own) {
        stream.openPending = false;
        return 'taken';
      }
      const verdict = this.#sendControl(lane, stream, OwnKind.open, ONE_ZERO);
      if (verdict === 'taken') stream.openPending = false;
      return verdict;
    }
    if (stream.window !== undefined && stream.window.unsentRecords > 0) return this.#sendRecord(lane, stream, stream.window, nowMs);
    // Upstream has no word for the end of a stream (wire.md 4.8): it only stops.
    const verdict = this.#own ? this.#sendControl(lane, stream, OwnKind.end, ONE_ZERO) : 'taken';
    if (verdict === 'taken') this.#finish(stream);
    return verdict;
  }

  #sendRecord(lane: Lane, stream: OutStream, window: SendWindow, nowMs: number): SendVerdict {
    const whole = window.unsentRecordBytes;
    const rest = whole - this.#partBytes;
    const payload = Math.min(rest, this.#chunker.payloadBytes);
    const payloadAt = window.unsentAt + this.#partBytes;
    const last = payload === rest;
    // A later part's head overwrites the end of the part before it, which an own peer may still need again: frame it elsewhere.
    const detached = this.#own && this.#partBytes > 0;
    const target = detached ? this.#copyOut(window.bytes, payloadAt, payload) : window.bytes;
    const at = detached ? this.headRoom : payloadAt;
    const start = writeFrameHead(target, at, payload, this.#path, this.#etag(OwnKind.data, stream.id), this.nextSeq);
    const frame = target.subarray(start, at + payload);
    const verdict = lane.trySend(frame);
    if (verdict !== 'taken') return verdict;
    this.#account(lane, stream, payload, nowMs);
    stream.sentBytes += payload;
    this.#partBytes = last ? 0 : this.#partBytes + payload;
    if (last) window.markSent();
    this.#inFlight.push(stream, start, at + payload, detached ? frame : undefined, last);
    this.#resendSeq = this.#inFlight.nextSeq;
    if (!this.#own) this.#release();
    return 'taken';
  }

  #sendReset(lane: Lane, stream: OutStream, reason: string): SendVerdict {
    if (!this.#own) {
      this.#finish(stream);
      return 'taken';
    }
    // Parts of a record that were sent keep their slot until acknowledged; the rest of that record is never sent.
    const verdict = this.#sendControl(lane, stream, OwnKind.reset, new TextEncoder().encode(reason.slice(0, 200) || '-'));
    if (verdict === 'taken') {
      this.#partBytes = 0;
      this.#finish(stream);
    }
    return verdict;
  }

  #sendControl(lane: Lane, stream: OutStream, kind: OwnKindCode, payload: Uint8Array): SendVerdict {
    const frame = this.control(kind, stream.id, this.nextSeq, payload);
    const verdict = lane.trySend(frame);
    if (verdict !== 'taken') return verdict;
    this.#inFlight.push(stream, 0, 0, frame, false);
    this.#resendSeq = this.#inFlight.nextSeq;
    return 'taken';
  }

  /** A frame with bytes of its own: control frames and acknowledgements. */
  control(kind: OwnKindCode, stream: number, seq: number, payload: Uint8Array): Uint8Array {
    const head = headRoomBytes(this.#path.length, OWN_ETAG_BYTES);
    const out = new Uint8Array(head + payload.length);
    out.set(payload, head);
    writeOwnEtag(this.#ownEtag, kind, stream);
    writeFrameHead(out, head, payload.length, this.#path, this.#ownEtag, seq);
    return out;
  }

  #finish(stream: OutStream): void {
    stream.done = true;
    stream.resetPending = undefined;
    stream.endPending = false;
    this.#config.ports.streamDone(stream.id);
  }

  #release(): void {
    this.acknowledged(this.#inFlight.nextSeq);
  }

  #copyOut(bytes: Uint8Array, at: number, length: number): Uint8Array {
    const out = new Uint8Array(this.headRoom + length);
    out.set(bytes.subarray(at, at + length), this.headRoom);
    return out;
  }

  #etag(kind: OwnKindCode, stream: number): Uint8Array {
    if (this.#own) {
      writeOwnEtag(this.#ownEtag, kind, stream);
      return this.#ownEtag;
    }
    let seq = this.nextSeq;
    for (let i = 9; i >= 1; i -= 1) {
      this.#upstreamEtag[i] = BASE36[seq % 36] as number;
      seq = Math.floor(seq / 36);
    }
    return this.#upstreamEtag;
  }

  #account(lane: Lane, stream: OutStream, payload: number, nowMs: number): void {
    this.#count(Counter.txPackets, 1);
    this.#count(Counter.txBytes, payload);
    this.#count(lane.kind === 'relay' ? Counter.txWsPackets : Counter.txP2pPackets, 1);
    if (stream.blockedSinceMs >= 0) {
      const waitedMs = nowMs - stream.blockedSinceMs;
      stream.blockedSinceMs = -1;
      this.#count(Counter.txSendMsTotal, waitedMs);
      if (waitedMs > (this.#counters[Counter.txSendMsMax] as number)) this.#counters[Counter.txSendMsMax] = waitedMs;
    }
    this.#chunker.delivered(payload);
  }

  #count(counter: number, by: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + by;
  }

  #enqueue(stream: OutStream): void {
    if (stream.queued || !stream.sendable) return;
    stream.queued = true;
    this.#queue.push(stream);
  }

  #dequeue(): void {
    const stream = this.#queue.shift();
    if (stream !== undefined) stream.queued = false;
  }
}
