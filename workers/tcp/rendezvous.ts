// Rendezvous shape: both ends listen, both applications dial in, one stream at a time (architecture.md; wire.md 4.4, 4.5). The first
// connection that sends, or that bytes from the peer are waiting for, carries the stream; others stand by, unread, and the oldest of
// them starts the next stream when this one ended on both sides. A connection that only receives must first have been open for a
// moment, so that a probe never swallows the stream's first bytes. Channel worker thread.

import type { Socket } from 'node:net';
import { LocalConnection } from './connection.js';
import { type LocalStream, Streams } from './streams.js';

/** How old a silent connection must be before bytes are written to it, ms. Probes connect and drop at once; an application stays. */
const SETTLE_MS = 50;

export class Rendezvous extends Streams {
  readonly #timers = new Set<NodeJS.Timeout>();

  accept(socket: Socket): void {
    this.idle.add(LocalConnection.accepted(socket, this));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // Behind this turn's reads, which may tell that it was a probe.
      setImmediate(() => this.wantConnection());
    }, SETTLE_MS);
    this.#timers.add(timer);
  }

  protected firstBytes(connection: LocalConnection): LocalStream | undefined {
    const waiting = this.#waiting();
    if (waiting !== undefined) return this.bind(waiting, connection);
    if (this.streams.size > 0) return undefined;
    return this.bind(this.create(this.core.highestStream + 1), connection, true);
  }

  /** Gives the stream that waits for an application the oldest connection that is more than a probe. */
  protected wantConnection(): void {
    const stream = this.#waiting();
    if (stream === undefined) return;
    const now = performance.now();
    for (const connection of this.idle) {
      if (!this.pending.has(connection) && now - connection.openedMs < SETTLE_MS - 1) continue;
      this.bind(stream, connection);
      return;
    }
  }

  protected streamOver(): void {
    this.wantConnection();
    if (this.streams.size > 0) return;
    for (const connection of this.pending.keys()) {
      if (!this.idle.has(connection)) continue;
      this.bind(this.create(this.core.highestStream + 1), connection, true);
      return;
    }
  }

  protected endShape(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** One at a time: a newer stream waits until the one before it is over here. */
  #waiting(): LocalStream | undefined {
    const first = this.streams.values().next().value;
    return first !== undefined && first.connection === undefined && first.out === undefined ? first : undefined;
  }
}
