// The sending half of a channel: one sequence space over all its streams (architecture.md, "Own peers"; wire.md 13.4).
//
// The way out, all on the channel worker's thread:
//   1. take()     bytes read from TCP become a record of the stream's window, behind head-room
//   2. pump()     picks the next record (streams take turns), writes the frame's head in front of it: contiguous bytes, no copy
//   3. lane       takes it, or refuses: full (try again when writable), oversize (cut smaller, same sequence plan), closed
//   4. own peers  the slot stays until acknowledged(); resend() offers the same bytes, under the same numbers, to the present lane
//      upstream   never acknowledges, so the slot is free as soon as the lane has taken it
// A sequence number is allocated only when a lane took the frame, so none is ever skipped.

import type { Chunker } from '../chunker.js';
import { Counter } from '../counters.js';
import { framePayloadBytes, writeFrameSeq } from '../hlnk/index.js';
import type { Lane, SendVerdict } from '../lane.js';
import { type ByteMemory, PLAIN_MEMORY } from '../memory.js';
import { Framer } from './framer.js';
import { InFlight } from './in-flight.js';
import { ASKING_WINDOW_BYTES, type ChannelLimits, OWN_FRAME_BYTES } from './limits.js';
import { OutStream } from './out-stream.js';
import { OwnKind, type OwnKindCode } from './own-wire.js';
import { Resend } from './resend.js';
import { SendWindow } from './send-window.js';

const ONE_ZERO = new Uint8Array(1);
const MAX_REASON_CHARS = 200;

export interface OutFlowPorts {
  /** A stream's window has room again after it had none. */
  room(stream: number): void;
  /** A stream has nothing more to send: its end or reset is on its way. */
  streamDone(stream: number): void;
  /** A stream's bytes wait for nothing but credit, or will soon. Called from within `pump`, too. */
  hungry(stream: number): void;
  /** A window that is too small to wait for acknowledgements to come by themselves is full. */
  blocked(): void;
}

export interface OutFlowConfig {
  path: Uint8Array;
  limits: ChannelLimits;
  chunker: Chunker;
  counters: Float64Array;
  ports: OutFlowPorts;
  /** Five base-36 characters that make this channel's upstream etags unlike any other's. */
  salt: string;
  memory?: ByteMemory;
}

/**
 * - `idle`: everything that may be sent was sent
 * - `full`, `closed`: the lane takes nothing now
 * - `no-lane`: there is none
 * - `busy`: the call came from inside another one, which goes on with it
 * - `oversize`: the lane refuses a frame that cannot be cut smaller
 */
export type PumpVerdict = 'idle' | 'full' | 'closed' | 'no-lane' | 'busy' | 'oversize';

export class OutFlow {
  readonly framer: Framer;
  readonly #limits: ChannelLimits;
  readonly #counters: Float64Array;
  readonly #chunker: Chunker;
  readonly #ports: OutFlowPorts;
  readonly #memory: ByteMemory;
  readonly #streams = new Map<number, OutStream>();
  /** Streams that may have something to send, in turn. */
  readonly #queue: OutStream[] = [];
  /** Streams whose bytes wait for credit. */
  readonly #starved = new Set<OutStream>();
  /** Streams we opened and have sent nothing of. */
  readonly #unspoken = new Set<OutStream>();
  readonly #inFlight = new InFlight();
  readonly #resend = new Resend();
  #lane: Lane | undefined;
  #openHalves = 0;
  #pumping = false;
  #ceilingBytes = 0;
  /** Windows whose bytes are all on their way grow as soon as they are half full. */
  growsWhenSent = false;

  constructor(config: OutFlowConfig) {
    this.framer = new Framer(config.path, config.salt);
    this.#limits = config.limits;
    this.#counters = config.counters;
    this.#chunker = config.chunker;
    this.#ports = config.ports;
    this.#memory = config.memory ?? PLAIN_MEMORY;
  }

  /** Where frames go; undefined while there is no lane. Chosen by the channel's core. */
  get lane(): Lane | undefined {
    return this.#lane;
  }
  set lane(lane: Lane | undefined) {
    this.#lane = lane;
    this.#sizeChunks();
  }

  /** Sequence number of the next frame. */
  get nextSeq(): number {
    return this.#inFlight.nextSeq;
  }
  /** Sequence number of the oldest frame that is not acknowledged. */
  get firstSeq(): number {
    return this.#inFlight.firstSeq;
  }
  /** Frames sent and not acknowledged. */
  get inFlightFrames(): number {
    return this.#inFlight.count;
  }
  /** Streams whose sending half is not over. */
  get openHalves(): number {
    return this.#openHalves;
  }
  /** Streams in the table. */
  get streamCount(): number {
    return this.#streams.size;
  }
  /** True while frames wait to be sent again. */
  get resending(): boolean {
    return this.#resend.waiting;
  }
  /** True when bytes wait for nothing but the peer's credit. */
  get starved(): boolean {
    return this.#starved.size > 0;
  }
  /** True when something waits for a lane or for credit. */
  get pending(): boolean {
    return this.#resend.waiting || this.#starved.size > 0 || this.#queue.some((stream) => stream.sendable);
  }

  /** Bytes of frames that were acknowledged so far. */
  get acknowledgedBytes(): number {
    return this.#inFlight.acknowledgedBytes;
  }
  /** Some stream's window is more than half full, so its application could send more, and not for want of credit. */
  get pressed(): boolean {
    for (const { window, starved } of this.#streams.values()) if (window !== undefined && !starved && window.crowded) return true;
    return false;
  }

  /** The path is long: windows made from now on may grow up to this. */
  set windowCeilingBytes(bytes: number) {
    this.#ceilingBytes = bytes;
  }

  /** Windows that are more than half full grow to twice the bytes needed, up to their ceiling. */
  growWindows(neededBytes: number): void {
    let grown = 0;
    for (const { id, window, starved, done } of this.#streams.values()) {
      if (window === undefined || done || starved || !window.crowded) continue;
      const bytes = window.grow(2 * neededBytes);
      if (bytes === 0) continue;
      grown += bytes;
      if (window.roomy) this.#ports.room(id);
    }
    this.#count(Counter.windowBytes, grown);
  }

  /** Says what the peer is. With an upstream peer nothing waits for an acknowledgement or for credit. */
  setPeer(own: boolean, path: Uint8Array): void {
    // Between own peers the path is a name only: one that fits the head-room is as good as any.
    if (!own || path.length <= this.framer.path.length) this.framer.path = path;
    if (this.framer.own !== own) {
      this.framer.own = own;
      this.#sizeChunks();
    }
    if (own) return;
    this.#release();
    this.#starved.clear();
    for (const stream of this.#streams.values()) {
      stream.limitBytes = Number.POSITIVE_INFINITY;
      this.#enqueue(stream);
    }
  }

  /** An upstream session was replaced. @param first what its receiver counts from (upstream-numbers.ts) */
  restartNumbering(first = 1): void {
    this.#inFlight.reset(first);
    this.#resend.clear();
  }

  /** Frames are offered again to the present lane, oldest first, under the same numbers. */
  resend(from = this.firstSeq, end = this.nextSeq): void {
    this.#resend.ask(Math.max(from, this.firstSeq), Math.min(end, this.nextSeq));
  }

  /** Starts a stream's sending half. @param opener this side made up the id @param announce tell the peer even before the first byte */
  openStream(id: number, opener: boolean, announce: boolean): OutStream {
    const stream = new OutStream(id, this.framer.own ? this.#limits.creditFloorBytes : Number.POSITIVE_INFINITY);
    this.#streams.set(id, stream);
    this.#openHalves += 1;
    if (opener) {
      // The receiver takes an id below the highest it knows for a stream that is over: lower ids must be spoken of first.
      for (const older of this.#unspoken) {
        older.openPending = true;
        this.#enqueue(older);
      }
      this.#unspoken.add(stream);
      stream.openPending = announce;
      this.#enqueue(stream);
    }
    return stream;
  }

  stream(id: number): OutStream | undefined {
    return this.#streams.get(id);
  }

  /** Takes bytes read from the application. @returns false when the window has no room: keep the bytes and wait for `room` */
  take(stream: OutStream, source: Uint8Array, landedAt = -1): boolean {
    if (stream.done || stream.resetPending !== undefined || stream.endPending) return true; // nobody will read them
    const window = stream.window ?? this.#makeWindow(stream);
    window.chunkBytes = this.#chunker.payloadBytes;
    if (!window.take(source, landedAt)) {
      if (this.#asks()) this.#ports.blocked();
      return false;
    }
    if (!stream.queued) this.#enqueue(stream);
    return true;
  }

  /** A whole frame to an upstream peer, which neither acknowledges nor takes it in parts. */
  sendWhole(lane: Lane, frame: Uint8Array): SendVerdict {
    if (frame.length > lane.maxFrameBytes) return 'oversize';
    writeFrameSeq(frame, this.nextSeq);
    const verdict = lane.trySend(frame);
    if (verdict !== 'taken') return verdict;
    this.#count(Counter.txPackets, 1);
    this.#count(Counter.txBytes, framePayloadBytes(frame));
    this.#count(lane.kind === 'relay' ? Counter.txWsPackets : Counter.txP2pPackets, 1);
    this.#inFlight.skip();
    return 'taken';
  }

  /** The application finished writing. */
  end(stream: OutStream): void {
    if (stream.done || stream.endPending) return;
    stream.endPending = true;
    this.#enqueue(stream);
  }

  /** Tears the stream down on the far side; bytes not yet sent are dropped. Possible behind an end, since the peer may still be sending. */
  reset(stream: OutStream, reason: string): void {
    if (stream.resetSent || stream.resetPending !== undefined) return;
    if (!this.framer.own) {
      if (!stream.done) this.#finish(stream);
      return;
    }
    stream.resetPending = reason;
    this.#starved.delete(stream);
    this.#enqueue(stream);
  }

  /** Ends a stream that the peer never heard of, without a word. */
  drop(stream: OutStream): void {
    if (!stream.done) this.#finish(stream);
  }

  /** The stream is over here. Slots of what was sent live on until acknowledged. @param tell why the peer is to be told, if it is */
  removeStream(id: number, tell: string | undefined): void {
    let stream = this.#streams.get(id);
    if (stream !== undefined) {
      this.#streams.delete(id);
      this.#starved.delete(stream);
      this.#unspoken.delete(stream);
      if (!stream.done) this.#openHalves -= 1;
      if (stream.window !== undefined) this.#count(Counter.windowBytes, -stream.window.capacityBytes);
      stream.done = true;
    } else if (tell !== undefined) {
      stream = new OutStream(id, 0);
      stream.done = true;
    }
    if (stream === undefined) return;
    if (tell !== undefined && this.framer.own) this.reset(stream, tell);
    else stream.resetPending = undefined;
  }

  /** Credit from the peer; never taken back. @returns true when a stream that waited for it goes on */
  grant(id: number, limitBytes: number): boolean {
    const stream = this.#streams.get(id);
    if (stream === undefined || limitBytes <= stream.limitBytes) return false;
    stream.limitBytes = limitBytes;
    if (!this.#starved.has(stream) || !stream.hasCredit) return false;
    this.#starved.delete(stream);
    this.#enqueue(stream);
    return true;
  }

  /** The peer has everything below `seq`. @returns false when it claims frames that were never sent */
  acknowledged(seq: number): boolean {
    if (seq > this.#inFlight.nextSeq) return false;
    this.#resend.acknowledged(seq);
    this.#inFlight.acknowledge(seq, this.#freed);
    return true;
  }

  /** Sends what can be sent. Call it whenever bytes, credit, room or a lane appeared. */
  pump(nowMs: number): PumpVerdict {
    if (this.#pumping) return 'busy';
    this.#pumping = true;
    try {
      return this.#pump(nowMs);
    } finally {
      this.#pumping = false;
    }
  }

  /**
   * Forgets every stream and number: the peer has lost everything.
   * @param keeps says of a stream that the peer never heard of whether it goes on
   * @returns the streams that go on, oldest first; they are in no table until {@link adopt}
   */
  restart(keeps: (id: number) => boolean): OutStream[] {
    const kept = [...this.#streams.values()].filter((stream) => !stream.spoken && !stream.done && keeps(stream.id));
    for (const stream of kept) {
      this.#streams.delete(stream.id);
      this.#openHalves -= 1;
    }
    for (const stream of [...this.#streams.values()]) this.removeStream(stream.id, undefined);
    for (const stream of this.#queue) stream.queued = false;
    this.#queue.length = 0;
    this.#starved.clear();
    this.#unspoken.clear();
    this.restartNumbering();
    return kept.sort((a, b) => a.id - b.id);
  }

  /** Takes a stream in again that {@link restart} returned, under its new number. */
  adopt(stream: OutStream, id: number): void {
    stream.id = id;
    this.#streams.set(id, stream);
    this.#unspoken.add(stream);
    this.#openHalves += 1;
    this.#enqueue(stream);
  }

  #pump(nowMs: number): PumpVerdict {
    for (;;) {
      const lane = this.#lane;
      if (lane === undefined) return 'no-lane';
      if (this.#resend.waiting) {
        // Late is not lost, where a lane can tell.
        if (lane.carries?.(this.#resend.nextSeq)) {
          this.#resend.taken();
          continue;
        }
        const verdict = lane.trySend(this.#inFlight.frame(this.#resend.nextSeq));
        if (verdict !== 'taken') return verdict;
        this.#resend.taken();
        this.#count(Counter.retransmits, 1);
        continue;
      }
      const stream = this.#queue[0];
      if (stream === undefined) return 'idle';
      if (!stream.sendable) {
        this.#dequeue();
        this.#enqueue(stream);
        continue;
      }
      const verdict = this.#sendOne(lane, stream, nowMs);
      if (verdict === 'taken') {
        // Streams take turns frame by frame.
        this.#dequeue();
        this.#enqueue(stream);
        continue;
      }
      if (stream.blockedSinceMs < 0) stream.blockedSinceMs = nowMs;
      if (verdict !== 'oversize') return verdict;
      this.#count(Counter.chunkSteps, 1);
      const rest = stream.window === undefined || stream.unsentRecords === 0 ? 1 : stream.window.unsentRecordBytes - stream.partBytes;
      if (this.#chunker.refusedOversize(Math.min(rest, this.#chunker.payloadBytes)) === 'at-floor') return 'oversize';
    }
  }

  #sendOne(lane: Lane, stream: OutStream, nowMs: number): SendVerdict {
    if (stream.resetPending !== undefined) return this.#sendReset(lane, stream, stream.resetPending);
    if (stream.openPending) {
      const verdict = this.framer.own ? this.#sendControl(lane, stream, OwnKind.open, ONE_ZERO) : 'taken';
      if (verdict === 'taken') stream.openPending = false;
      return verdict;
    }
    if (stream.window !== undefined && stream.window.unsentRecords > 0) return this.#sendRecord(lane, stream, stream.window, nowMs);
    // Upstream has no word for the end of a stream (wire.md 4.8): it only stops.
    const verdict = this.framer.own ? this.#sendControl(lane, stream, OwnKind.end, ONE_ZERO) : 'taken';
    if (verdict === 'taken') this.#finish(stream);
    return verdict;
  }

  #sendRecord(lane: Lane, stream: OutStream, window: SendWindow, nowMs: number): SendVerdict {
    const rest = window.unsentRecordBytes - stream.partBytes;
    const payload = Math.min(rest, this.#chunker.payloadBytes, stream.limitBytes - stream.sentBytes);
    const payloadAt = window.unsentAt + stream.partBytes;
    const last = payload === rest;
    // A later part's head overwrites the end of the part before it, which an own peer may still need again: frame it elsewhere.
    const { framer } = this;
    const detached = (framer.own && stream.partBytes > 0) || !framer.fitsHeadRoom;
    const target = detached ? this.#copyOut(window.bytes, payloadAt, payload) : window.bytes;
    const at = detached ? framer.frameHeadBytes : payloadAt;
    const start = framer.write(target, at, payload, OwnKind.data, stream.id, this.nextSeq);
    const frame = target.subarray(start, at + payload);
    const verdict = lane.trySend(frame);
    if (verdict !== 'taken') return verdict;
    this.#account(lane, stream, payload, nowMs);
    stream.sentBytes += payload;
    this.#askAhead(stream);
    stream.partBytes = last ? 0 : stream.partBytes + payload;
    if (last) window.markSent();
    this.#sent(stream, start, at + payload, detached ? frame : undefined, last);
    if (!framer.own) this.#release();
    // Its application is not read while there is no place for it, so that nothing more comes to be refused.
    else if (this.#asks() && window.unsentRecords === 0 && window.landingAt() < 0) this.#ports.blocked();
    return 'taken';
  }

  /** Windows are so small that they may be full before the peer owes an acknowledgement. */
  #asks(): boolean {
    return this.#limits.windowBytes < ASKING_WINDOW_BYTES;
  }

  /** A path that holds more than half of the credit would stand still for a round trip each time it is used up. */
  #askAhead(stream: OutStream): void {
    if (!stream.tight) return;
    stream.askedBytes = stream.sentBytes;
    this.#ports.hungry(stream.id);
  }

  #sendReset(lane: Lane, stream: OutStream, reason: string): SendVerdict {
    // Parts of a record that were sent keep their slot until acknowledged; the rest of that record is never sent.
    const payload = new TextEncoder().encode(reason.slice(0, MAX_REASON_CHARS) || '-');
    const verdict = this.framer.own ? this.#sendControl(lane, stream, OwnKind.reset, payload) : 'taken';
    if (verdict === 'taken') {
      stream.resetSent = true;
      stream.resetPending = undefined;
      if (!stream.done) this.#finish(stream);
    }
    return verdict;
  }

  #sendControl(lane: Lane, stream: OutStream, kind: OwnKindCode, payload: Uint8Array): SendVerdict {
    const frame = this.framer.control(kind, stream.id, this.nextSeq, payload);
    const verdict = lane.trySend(frame);
    if (verdict === 'taken') this.#sent(stream, 0, 0, frame, false);
    return verdict;
  }

  /** The lane took a frame: it has its number now. */
  #sent(stream: OutStream, start: number, end: number, own: Uint8Array | undefined, releases: boolean): void {
    if (!stream.spoken) {
      stream.spoken = true;
      stream.openPending = false;
      this.#unspoken.delete(stream);
    }
    this.#inFlight.push(stream, start, end, own, releases);
  }

  #finish(stream: OutStream): void {
    stream.done = true;
    stream.endPending = false;
    this.#openHalves -= 1;
    this.#ports.streamDone(stream.id);
  }

  #release(): void {
    this.acknowledged(this.#inFlight.nextSeq);
  }

  readonly #freed = (stream: OutStream): void => {
    const { window } = stream;
    if (stream.done || window === undefined) return;
    // All of it is on its way, and still there is no room for more: it is the window that holds the application back.
    if (this.growsWhenSent && window.unsentRecords === 0 && window.crowded && !stream.starved) {
      this.#count(Counter.windowBytes, window.grow(2 * window.capacityBytes));
    }
    if (window.roomy) this.#ports.room(stream.id);
  };

  #makeWindow(stream: OutStream): SendWindow {
    const { windowBytes } = this.#limits;
    const window = new SendWindow({
      capacityBytes: windowBytes,
      // Before there is a lane nobody knows how long the way is.
      ceilingBytes: this.#lane === undefined ? this.#limits.farWindowBytes : this.#ceilingBytes,
      headRoomBytes: this.framer.headRoomBytes,
      chunkBytes: this.#chunker.payloadBytes,
      memory: this.#memory,
    });
    stream.window = window;
    this.#count(Counter.windowBytes, window.capacityBytes);
    return window;
  }

  /** A new lane has limits of its own: what was learned about the sizes of the last one says nothing about it. */
  #sizeChunks(): void {
    const { chunkBytes, ownChunkBytes } = this.#limits;
    this.#chunker.chunkBytes = this.framer.own ? ownChunkBytes : chunkBytes;
    if (this.#lane === undefined) return;
    const maxFrameBytes = this.framer.own ? Math.min(this.#lane.maxFrameBytes, OWN_FRAME_BYTES) : this.#lane.maxFrameBytes;
    this.#chunker.setLane(maxFrameBytes, this.framer.frameHeadBytes);
  }

  #copyOut(bytes: Uint8Array, at: number, length: number): Uint8Array {
    const headBytes = this.framer.frameHeadBytes;
    const out = new Uint8Array(headBytes + length);
    out.set(bytes.subarray(at, at + length), headBytes);
    return out;
  }

  #account(lane: Lane, stream: OutStream, payload: number, nowMs: number): void {
    this.#count(Counter.txPackets, 1);
    this.#count(Counter.txBytes, payload);
    this.#count(lane.kind === 'relay' ? Counter.txWsPackets : Counter.txP2pPackets, 1);
    if (lane.kind === 'direct') this.#count(Counter.txDirectPackets, 1);
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
    if (stream.queued) return;
    if (!stream.sendable) {
      if (stream.starved && !this.#starved.has(stream)) {
        this.#starved.add(stream);
        this.#ports.hungry(stream.id);
      }
      return;
    }
    stream.queued = true;
    this.#queue.push(stream);
  }

  #dequeue(): void {
    const stream = this.#queue.shift();
    if (stream !== undefined) stream.queued = false;
  }
}
