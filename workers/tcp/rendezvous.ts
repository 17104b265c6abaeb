// Rendezvous shape: both ends listen, both applications dial in, one stream at a time (architecture.md; wire.md 4.4, 4.5).
//
//  - A connection that comes and goes without a byte is a probe: no stream, no trace beyond a counter.
//  - The first connection that sends, or that bytes from the peer are waiting for, carries the stream; others stand by, unread, and the
//    oldest of them starts the next stream when this one ended on both sides.
//  - A connection that only receives must first have been open for a moment, so that a probe never swallows the stream's first bytes.
//  - An application's FIN, reset and crash reach the other application in sequence with the data, when the peer is one of ours. Upstream
//    has no word for them: there, a closed connection ends the stream on this side only.
// Everything a stream delivers before it has a connection is held; the credit given bounds it (own peers), or a limit (upstream).
// Channel worker thread.

import type { Socket } from 'node:net';
import type { ChannelCore, OutStream } from '../../native-free/channel/index.js';
import { UPSTREAM_STREAM } from '../../native-free/channel/index.js';
import { Counter } from '../../native-free/counters.js';
import { type ConnectionEvents, LocalConnection } from './connection.js';

/** How old a silent connection must be before bytes are written to it, ms. Probes connect and drop at once; an application stays. */
const SETTLE_MS = 50;
/** What is held for an application of an upstream stream that does not read or is not there, bytes. Beyond it the stream is reset. */
const UPSTREAM_HOLD_BYTES = 67_108_864;

interface LocalStream {
  id: number;
  out: OutStream | undefined;
  connection: LocalConnection | undefined;
  /** Delivered before a connection was there. */
  held: Uint8Array[];
  heldBytes: number;
  /** The peer's direction ended. */
  inEnded: boolean;
  /** Our direction's end is on its way. */
  outDone: boolean;
}

export interface RendezvousEvents {
  bound(stream: number): void;
  /** An application's connection closed. */
  closed(stream: number, reset: boolean, reason: string): void;
  overflow(message: string): void;
  rearm(): void;
}

export class Rendezvous implements ConnectionEvents {
  readonly #core: ChannelCore;
  readonly #counters: Float64Array;
  readonly #events: RendezvousEvents;
  /** Connections that carry no stream, oldest first. */
  readonly #idle = new Set<LocalConnection>();
  /** First bytes of connections that stand by. */
  readonly #pending = new Map<LocalConnection, Uint8Array>();
  readonly #streams = new Map<number, LocalStream>();
  readonly #streamOf = new Map<LocalConnection, LocalStream>();
  /** Connections whose application finished writing while they stood by. */
  readonly #endedEarly = new Set<LocalConnection>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(core: ChannelCore, counters: Float64Array, events: RendezvousEvents) {
    this.#core = core;
    this.#counters = counters;
    this.#events = events;
  }

  get liveStreams(): number {
    return this.#streams.size;
  }

  /** A connection was accepted. */
  accept(socket: Socket): void {
    const connection = new LocalConnection(socket, this);
    this.#idle.add(connection);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#bindWaiting();
    }, SETTLE_MS);
    this.#timers.add(timer);
  }

  // --- from the application ------------------------------------------------------------------------------------------------------

  read(connection: LocalConnection, bytes: Uint8Array, landed: boolean): boolean {
    const stream = this.#streamOf.get(connection) ?? this.#firstBytes(connection);
    if (stream?.out === undefined) {
      // Another stream is running: this connection waits, unread, with the bytes it already sent.
      this.#pending.set(connection, bytes.slice());
      return false;
    }
    const window = stream.out.window;
    const landedAt = landed && window !== undefined ? bytes.byteOffset - window.bytes.byteOffset : -1;
    if (!this.#core.take(stream.out, bytes, landedAt, performance.now())) {
      this.#pending.set(connection, bytes.slice());
      this.#events.rearm();
      return false;
    }
    this.#events.rearm();
    return stream.out.window === undefined || stream.out.window.landingAt() >= 0;
  }

  landing(connection: LocalConnection): Uint8Array | undefined {
    const window = this.#streamOf.get(connection)?.out?.window;
    if (window === undefined) return undefined;
    const at = window.landingAt();
    return at < 0 ? undefined : window.bytes.subarray(at, at + window.chunkBytes);
  }

  ended(connection: LocalConnection): void {
    const stream = this.#streamOf.get(connection);
    if (stream?.out !== undefined) {
      this.#core.endStream(stream.out, performance.now());
      this.#events.rearm();
      this.#reapIfOver(stream);
    } else if (this.#pending.has(connection)) this.#endedEarly.add(connection);
    else connection.destroy();
  }

  written(connection: LocalConnection, bytes: number): void {
    const stream = this.#streamOf.get(connection);
    this.#counters[Counter.rxWriteMsTotal] = (this.#counters[Counter.rxWriteMsTotal] as number) + connection.blockedMs;
    if (connection.blockedMs > (this.#counters[Counter.rxWriteMsMax] as number))
      this.#counters[Counter.rxWriteMsMax] = connection.blockedMs;
    connection.blockedMs = 0;
    if (stream === undefined) return;
    this.#core.consumed(stream.id, bytes, performance.now());
    this.#events.rearm();
  }

  closed(connection: LocalConnection, error: Error | undefined): void {
    this.#idle.delete(connection);
    this.#pending.delete(connection);
    this.#endedEarly.delete(connection);
    const stream = this.#streamOf.get(connection);
    if (stream === undefined) {
      if (!connection.used) this.#counters[Counter.probes] = (this.#counters[Counter.probes] as number) + 1;
      return;
    }
    this.#streamOf.delete(connection);
    stream.connection = undefined;
    this.#live(-1);
    const clean = error === undefined && (stream.inEnded || this.#core.ownPeer === false);
    this.#events.closed(stream.id, !clean, error?.message ?? '');
    // Gone before the peer's direction ended: the far application must see that nobody reads it any more.
    if (!clean && stream.out !== undefined && this.#streams.get(stream.id) === stream) {
      this.#core.resetStream(stream.out, error?.message ?? 'the application closed its connection', performance.now());
      stream.inEnded = true;
      this.#events.rearm();
    }
    this.#reapIfOver(stream);
  }

  // --- from the peer -------------------------------------------------------------------------------------------------------------

  opened(id: number): void {
    if (id !== UPSTREAM_STREAM && !this.#streams.has(id)) this.#create(id);
    this.#bindWaiting();
  }

  deliver(id: number, payload: Uint8Array, lasting: boolean): void {
    const stream = id === UPSTREAM_STREAM ? this.#upstreamStream() : this.#streams.get(id);
    if (stream === undefined) return;
    const bytes = lasting ? payload : payload.slice();
    if (stream.connection !== undefined && stream.held.length === 0) stream.connection.write(bytes);
    else {
      stream.held.push(bytes);
      stream.heldBytes += bytes.length;
      this.#bindWaiting();
    }
    if (this.#core.ownPeer === false || id === UPSTREAM_STREAM) this.#checkUpstreamHold(stream);
  }

  peerEnded(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.inEnded = true;
    stream.connection?.end();
    this.#reapIfOver(stream);
  }

  peerReset(id: number, reason: string): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#abort(stream, reason);
  }

  /** A stream's window has room again. */
  room(id: number): void {
    const stream = this.#streams.get(id);
    const connection = stream?.connection;
    if (connection === undefined || stream === undefined) return;
    const pending = this.#pending.get(connection);
    if (pending !== undefined) {
      this.#pending.delete(connection);
      if (!this.read(connection, pending, false)) return;
    }
    connection.resume();
  }

  /** Our direction's end or reset is on its way. */
  sendingDone(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.outDone = true;
    this.#reapIfOver(stream);
  }

  /** Every stream ends with a reset that the applications see. */
  resetAll(reason: string): void {
    for (const stream of [...this.#streams.values()]) this.#abort(stream, reason);
  }

  /** Closes every connection, used or not. */
  destroy(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.resetAll('shutting down');
    for (const connection of [...this.#idle]) connection.destroy();
  }

  /** Ends what is idle and tells whether streams are still running (for a drained shutdown). */
  get busy(): boolean {
    return this.#streams.size > 0;
  }

  // --- streams -------------------------------------------------------------------------------------------------------------------

  #firstBytes(connection: LocalConnection): LocalStream | undefined {
    const waiting = this.#waitingStream();
    if (waiting !== undefined) return this.#bind(waiting, connection);
    if (this.#streams.size > 0) return undefined;
    return this.#bind(this.#create(this.#core.highestStream + 1), connection, true);
  }

  #create(id: number): LocalStream {
    const stream: LocalStream = { id, out: undefined, connection: undefined, held: [], heldBytes: 0, inEnded: false, outDone: false };
    this.#streams.set(id, stream);
    return stream;
  }

  #upstreamStream(): LocalStream {
    for (const stream of this.#streams.values()) return stream;
    return this.#create(this.#core.highestStream + 1);
  }

  #waitingStream(): LocalStream | undefined {
    // One at a time: a newer stream waits until the one before it is over here.
    const first = this.#streams.values().next().value;
    return first !== undefined && first.connection === undefined && first.out === undefined ? first : undefined;
  }

  /** Gives the stream that waits for an application the oldest connection that is more than a probe. */
  #bindWaiting(): void {
    const stream = this.#waitingStream();
    if (stream === undefined) return;
    const now = performance.now();
    for (const connection of this.#idle) {
      if (this.#pending.has(connection) || now - connection.acceptedMs >= SETTLE_MS - 1) {
        this.#bind(stream, connection);
        return;
      }
    }
  }

  #bind(stream: LocalStream, connection: LocalConnection, opener = false): LocalStream {
    this.#idle.delete(connection);
    this.#streamOf.set(connection, stream);
    stream.connection = connection;
    connection.used = true;
    stream.out = this.#core.openStream(stream.id, opener, false, performance.now());
    this.#counters[Counter.connections] = (this.#counters[Counter.connections] as number) + 1;
    this.#live(1);
    this.#events.bound(stream.id);
    for (const bytes of stream.held.splice(0)) connection.write(bytes);
    stream.heldBytes = 0;
    if (stream.inEnded) connection.end();
    const pending = this.#pending.get(connection);
    if (pending !== undefined) {
      this.#pending.delete(connection);
      if (this.read(connection, pending, false)) connection.resume();
    }
    if (this.#endedEarly.delete(connection)) this.ended(connection);
    return stream;
  }

  #abort(stream: LocalStream, reason: string): void {
    this.#streams.delete(stream.id);
    this.#core.removeStream(stream.id);
    const connection = stream.connection;
    if (connection !== undefined) {
      this.#streamOf.delete(connection);
      this.#live(-1);
      connection.reset();
      this.#events.closed(stream.id, true, reason);
    }
    this.#startNext();
  }

  #reapIfOver(stream: LocalStream): void {
    const upstream = this.#core.ownPeer === false;
    const over = upstream ? stream.connection === undefined && stream.outDone : stream.inEnded && stream.outDone;
    if (!over || this.#streams.get(stream.id) !== stream) return;
    this.#streams.delete(stream.id);
    this.#core.removeStream(stream.id);
    this.#startNext();
  }

  #startNext(): void {
    this.#bindWaiting();
    if (this.#streams.size > 0) return;
    for (const connection of this.#pending.keys()) {
      if (!this.#idle.has(connection)) continue;
      this.#bind(this.#create(this.#core.highestStream + 1), connection, true);
      return;
    }
  }

  #checkUpstreamHold(stream: LocalStream): void {
    const bytes = stream.heldBytes + (stream.connection?.backlogBytes ?? 0);
    if (bytes <= UPSTREAM_HOLD_BYTES) return;
    const why = stream.connection === undefined ? 'no application is connected' : 'the application does not read';
    this.#events.overflow(`${why} and ${bytes} bytes are waiting for it; this peer cannot be slowed down, so the stream is reset`);
    this.#abort(stream, why);
  }

  #live(by: number): void {
    this.#counters[Counter.liveConnections] = (this.#counters[Counter.liveConnections] as number) + by;
  }
}
