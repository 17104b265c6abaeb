// The streams of a channel and the application connections that carry them: what every shape has in common. A shape (rendezvous.ts,
// forward-listen.ts, forward-dial.ts) decides which connection carries which stream.
//
//  - A connection that comes and goes without a byte is a probe: no stream, no trace beyond a counter.
//  - An application's FIN, reset and crash reach the other application in sequence with the data, when the peer is one of ours. Upstream
//    has no word for them: there, a closed connection ends the stream on this side only.
//  - What a stream delivers before it has a connection is held; the credit given bounds it (own peers), or a limit (upstream).
// Channel worker thread.

import type { ChannelCore, OutStream } from '../../native-free/channel/index.js';
import { UPSTREAM_STREAM } from '../../native-free/channel/index.js';
import { Counter } from '../../native-free/counters.js';
import { clockMs } from '../clock.js';
import { copyOf } from '../memory.js';
import type { ApplicationConnection, ConnectionEvents } from './connection.js';
import type { QuickAck } from './quickack.js';

/** What is held for an application of an upstream stream that does not read or is not there, bytes. Beyond it the stream is reset. */
const UPSTREAM_HOLD_BYTES = 67_108_864;

export interface LocalStream {
  id: number;
  out: OutStream | undefined;
  connection: ApplicationConnection | undefined;
  /** Delivered before a connection was there. */
  held: Uint8Array[];
  heldBytes: number;
  /** The peer's direction ended. */
  inEnded: boolean;
  /** Our direction's end is on its way. */
  outDone: boolean;
}

export interface StreamEvents {
  bound(stream: number): void;
  /** An application's connection closed. */
  closed(stream: number, reset: boolean, reason: string): void;
  overflow(message: string): void;
  rearm(): void;
  quickAck: QuickAck | undefined;
}

export abstract class Streams implements ConnectionEvents {
  protected readonly core: ChannelCore;
  protected readonly counters: Float64Array;
  protected readonly events: StreamEvents;
  /** Connections that carry no stream, oldest first. */
  protected readonly idle = new Set<ApplicationConnection>();
  /** First bytes of connections that stand by. */
  protected readonly pending = new Map<ApplicationConnection, Uint8Array>();
  protected readonly streams = new Map<number, LocalStream>();
  readonly #streamOf = new Map<ApplicationConnection, LocalStream>();
  /** Connections whose application finished writing while they stood by. */
  readonly #endedEarly = new Set<ApplicationConnection>();

  constructor(core: ChannelCore, counters: Float64Array, events: StreamEvents) {
    this.core = core;
    this.counters = counters;
    this.events = events;
  }

  get quickAck(): QuickAck | undefined {
    return this.events.quickAck;
  }
  get liveStreams(): number {
    return this.streams.size;
  }

  // --- what a shape decides ------------------------------------------------------------------------------------------------------

  /** First bytes of a connection that carries no stream. @returns the stream it carries from now on, or undefined to stand by, unread */
  protected abstract firstBytes(connection: ApplicationConnection): LocalStream | undefined;
  /** A stream is there that has no connection yet. */
  protected abstract wantConnection(stream: LocalStream): void;
  /** A stream is over. */
  protected abstract streamOver(): void;
  /** A connection that carried no stream closed. @returns true when it was no probe */
  protected idleClosed(_connection: ApplicationConnection): boolean {
    return false;
  }
  /** Ends timers of the shape. */
  protected abstract endShape(): void;

  // --- from the application ------------------------------------------------------------------------------------------------------

  read(connection: ApplicationConnection, bytes: Uint8Array, landed: boolean): boolean {
    const stream = this.#streamOf.get(connection) ?? this.firstBytes(connection);
    if (stream?.out === undefined) {
      // Another stream is running: this connection waits, unread, with the bytes it already sent.
      this.pending.set(connection, bytes.slice());
      return false;
    }
    const window = stream.out.window;
    const landedAt = landed && window !== undefined ? bytes.byteOffset - window.bytes.byteOffset : -1;
    if (!this.core.take(stream.out, bytes, landedAt, clockMs())) {
      this.pending.set(connection, bytes.slice());
      this.events.rearm();
      return false;
    }
    this.events.rearm();
    return stream.out.window === undefined || stream.out.window.landingAt() >= 0;
  }

  landing(connection: ApplicationConnection): Uint8Array | undefined {
    const window = this.#streamOf.get(connection)?.out?.window;
    // What waits for room comes first, and may take the very place that would be free for the next read now: the connection's buffer is chosen long before
    // it is read into. (That a chunk fits where these bytes do not is rare: a window that grew while it was wrapped.)
    if (window === undefined || this.pending.has(connection)) return undefined;
    const at = window.landingAt();
    return at < 0 ? undefined : window.bytes.subarray(at, at + window.chunkBytes);
  }

  ended(connection: ApplicationConnection): void {
    const stream = this.#streamOf.get(connection);
    if (stream?.out !== undefined) {
      this.core.endStream(stream.out, clockMs());
      this.events.rearm();
      this.#reapIfOver(stream);
    } else if (this.pending.has(connection)) this.#endedEarly.add(connection);
    else {
      // At once: 'close' comes a turn later, and until then this would still look like a client that waits.
      this.idle.delete(connection);
      connection.destroy();
    }
  }

  written(connection: ApplicationConnection, bytes: number): void {
    const stream = this.#streamOf.get(connection);
    this.counters[Counter.rxWriteMsTotal] = (this.counters[Counter.rxWriteMsTotal] as number) + connection.blockedMs;
    if (connection.blockedMs > (this.counters[Counter.rxWriteMsMax] as number)) this.counters[Counter.rxWriteMsMax] = connection.blockedMs;
    connection.blockedMs = 0;
    if (stream === undefined) return;
    if (this.core.consumed(stream.id, bytes, clockMs())) this.events.rearm();
  }

  closed(connection: ApplicationConnection, error: Error | undefined): void {
    this.idle.delete(connection);
    this.pending.delete(connection);
    this.#endedEarly.delete(connection);
    const stream = this.#streamOf.get(connection);
    if (stream === undefined) {
      if (!this.idleClosed(connection) && !connection.used) this.counters[Counter.probes] = (this.counters[Counter.probes] as number) + 1;
      return;
    }
    this.#streamOf.delete(connection);
    stream.connection = undefined;
    this.#live(-1);
    const clean = error === undefined && (stream.inEnded || this.core.ownPeer === false);
    this.events.closed(stream.id, !clean, error?.message ?? '');
    // Gone before the peer's direction ended: the far application must see that nobody reads it any more.
    if (!clean && stream.out !== undefined && this.streams.get(stream.id) === stream) {
      this.core.resetStream(stream.out, error?.message ?? 'the application closed its connection', clockMs());
      stream.inEnded = true;
      this.events.rearm();
    }
    this.#reapIfOver(stream);
  }

  // --- from the peer -------------------------------------------------------------------------------------------------------------

  opened(id: number): void {
    if (id !== UPSTREAM_STREAM && !this.streams.has(id)) this.wantConnection(this.create(id));
  }

  deliver(id: number, payload: Uint8Array, lasting: boolean): void {
    const stream = id === UPSTREAM_STREAM ? this.#upstreamStream() : this.streams.get(id);
    if (stream === undefined) return;
    const bytes = lasting ? payload : copyOf(payload);
    if (stream.connection !== undefined && stream.held.length === 0) stream.connection.write(bytes);
    else {
      stream.held.push(bytes);
      stream.heldBytes += bytes.length;
      if (stream.connection === undefined) this.wantConnection(stream);
    }
    if (this.core.ownPeer === false || id === UPSTREAM_STREAM) this.#checkUpstreamHold(stream);
  }

  peerEnded(id: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.inEnded = true;
    stream.connection?.end();
    this.#reapIfOver(stream);
  }

  peerReset(id: number, reason: string): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#abort(stream, reason);
  }

  /** A stream's window has room again. */
  room(id: number): void {
    const stream = this.streams.get(id);
    const connection = stream?.connection;
    if (connection === undefined || stream === undefined) return;
    const pending = this.pending.get(connection);
    if (pending !== undefined) {
      this.pending.delete(connection);
      if (!this.read(connection, pending, false)) return;
    }
    connection.resume();
  }

  /** Our direction's end or reset is on its way. */
  sendingDone(id: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    stream.outDone = true;
    this.#reapIfOver(stream);
  }

  /** Every stream the peer knew ends with a reset; the others go on under a new id. @param renumbered their new ids, by the old ones */
  peerRestarted(renumbered: ReadonlyMap<number, number>): void {
    const before = [...this.streams.values()];
    this.streams.clear();
    for (const stream of before) {
      const id = renumbered.get(stream.id);
      if (id === undefined) continue;
      stream.id = id;
      this.streams.set(id, stream);
    }
    for (const stream of before) if (this.streams.get(stream.id) !== stream) this.#abort(stream, 'the peer was restarted');
  }

  /**
   * The peer closed its channel. It waited for what we have not acknowledged: what it ended has arrived, and may still be read here. Streams that it
   * never heard of wait for its next one.
   */
  peerGone(reason: string): void {
    for (const stream of [...this.streams.values()]) {
      const known = stream.out?.spoken === true || this.core.in.stream(stream.id)?.heard === true;
      if (known && !(stream.inEnded && stream.outDone)) this.#abort(stream, reason);
    }
  }

  /** Every stream ends with a reset that the applications see. */
  resetAll(reason: string): void {
    for (const stream of [...this.streams.values()]) this.#abort(stream, reason);
  }

  /** Closes every connection, used or not. */
  destroy(): void {
    this.endShape();
    this.resetAll('shutting down');
    for (const connection of [...this.idle]) connection.destroy();
  }

  /** Nothing more is read from applications. */
  quiesce(): void {
    for (const connection of this.#streamOf.keys()) connection.pause();
    for (const connection of this.idle) connection.pause();
  }

  /** Every stream that is still open ends with a reset that the peer hears of. */
  endAll(reason: string): void {
    for (const { out } of this.streams.values()) if (out !== undefined) this.core.resetStream(out, reason, clockMs());
  }

  /** Bytes delivered that applications have not taken. */
  get backlogBytes(): number {
    let bytes = 0;
    for (const stream of this.streams.values()) bytes += stream.heldBytes + (stream.connection?.backlogBytes ?? 0);
    return bytes;
  }

  /** Bytes wait for an application to take them. */
  get flushing(): boolean {
    for (const connection of this.#streamOf.keys()) if (connection.backlogBytes > 0) return true;
    return false;
  }

  // --- streams -------------------------------------------------------------------------------------------------------------------

  protected create(id: number): LocalStream {
    const stream: LocalStream = { id, out: undefined, connection: undefined, held: [], heldBytes: 0, inEnded: false, outDone: false };
    this.streams.set(id, stream);
    return stream;
  }

  #upstreamStream(): LocalStream {
    for (const stream of this.streams.values()) return stream;
    return this.create(this.core.highestStream + 1);
  }

  protected bind(stream: LocalStream, connection: ApplicationConnection, opener = false, announce = false): LocalStream {
    this.idle.delete(connection);
    this.#streamOf.set(connection, stream);
    stream.connection = connection;
    connection.used = true;
    stream.out = this.core.openStream(stream.id, opener, announce, clockMs());
    this.counters[Counter.connections] = (this.counters[Counter.connections] as number) + 1;
    this.#live(1);
    this.events.bound(stream.id);
    for (const bytes of stream.held.splice(0)) connection.write(bytes);
    stream.heldBytes = 0;
    if (stream.inEnded) connection.end();
    const pending = this.pending.get(connection);
    if (pending !== undefined) {
      this.pending.delete(connection);
      if (this.read(connection, pending, false)) connection.resume();
    }
    if (this.#endedEarly.delete(connection)) this.ended(connection);
    // A half of a stream began, though nothing may be read or written yet: from here on a silent peer is asked.
    this.events.rearm();
    return stream;
  }

  /** A stream that this end will not carry: the peer is told. */
  protected refuse(stream: LocalStream, reason: string): void {
    const out = this.core.openStream(stream.id, false, false, clockMs());
    this.core.resetStream(out, reason, clockMs());
    this.#abort(stream, reason);
  }

  #abort(stream: LocalStream, reason: string): void {
    // After a restart of the peer its id may be another stream's.
    if (this.streams.get(stream.id) === stream) {
      this.streams.delete(stream.id);
      this.core.removeStream(stream.id);
    }
    const connection = stream.connection;
    if (connection !== undefined) {
      this.#streamOf.delete(connection);
      this.#live(-1);
      connection.reset();
      this.events.closed(stream.id, true, reason);
    }
    this.streamOver();
  }

  #reapIfOver(stream: LocalStream): void {
    const upstream = this.core.ownPeer === false;
    const over = upstream ? stream.connection === undefined && stream.outDone : stream.inEnded && stream.outDone;
    if (!over || this.streams.get(stream.id) !== stream) return;
    this.streams.delete(stream.id);
    this.core.removeStream(stream.id);
    this.streamOver();
  }

  #checkUpstreamHold(stream: LocalStream): void {
    const bytes = stream.heldBytes + (stream.connection?.backlogBytes ?? 0);
    if (bytes <= UPSTREAM_HOLD_BYTES) return;
    const why = stream.connection === undefined ? 'no application is connected' : 'the application does not read';
    this.events.overflow(`${why} and ${bytes} bytes are waiting for it; this peer cannot be slowed down, so the stream is reset`);
    this.#abort(stream, why);
  }

  #live(by: number): void {
    this.counters[Counter.liveConnections] = (this.counters[Counter.liveConnections] as number) + by;
  }
}
