// Forward shape, the listening end: every connection is a stream of its own, any number at once. The far end hears of it with the first
// byte, or after a moment for protocols in which the server speaks first; a connection that drops before that was a probe and leaves no
// trace anywhere. Channel worker thread.

import type { Socket } from 'node:net';
import { type ApplicationConnection, LocalConnection } from './connection.js';
import { type LocalStream, Streams } from './streams.js';

/** How long a connection may be silent before the far end is asked to dial all the same, ms. */
const ANNOUNCE_MS = 150;

export class ForwardListen extends Streams {
  readonly #timers = new Map<ApplicationConnection, NodeJS.Timeout>();

  accept(socket: Socket): void {
    const connection = LocalConnection.accepted(socket, this);
    this.idle.add(connection);
    this.#timers.set(
      connection,
      // Timers run before the sockets are looked at: a thread that was held up would take a probe that has long gone for a client. The
      // turn's reads come first.
      setTimeout(() => setImmediate(() => this.#announce(connection)), ANNOUNCE_MS),
    );
  }

  protected firstBytes(connection: ApplicationConnection): LocalStream | undefined {
    return this.#mustWait() ? undefined : this.#carry(connection, false);
  }

  /** Streams are opened on this end only; one that the peer made up is told so. */
  protected wantConnection(stream: LocalStream): void {
    this.refuse(stream, 'this end listens; streams are opened here');
  }

  protected streamOver(): void {
    for (const connection of this.pending.keys()) {
      if (this.#mustWait()) return;
      if (this.idle.has(connection)) this.#carry(connection, false);
    }
  }

  protected override idleClosed(connection: ApplicationConnection): boolean {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
    return false;
  }

  protected endShape(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #announce(connection: ApplicationConnection): void {
    if (this.idle.has(connection) && !this.pending.has(connection) && !this.#mustWait()) this.#carry(connection, true);
  }

  #carry(connection: ApplicationConnection, announce: boolean): LocalStream {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
    return this.bind(this.create(this.core.highestStream + 1), connection, true, announce);
  }

  /** An upstream peer knows no streams: bytes of two connections would be mixed. */
  #mustWait(): boolean {
    return this.core.ownPeer === false && this.streams.size > 0;
  }
}
