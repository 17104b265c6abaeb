// Forward shape, the dialling end: for every stream the far end opens, this one dials the application. An application that is not there
// yet is normal: the stream is held, with back-pressure, and dialled again with backoff; it is never accepted and then closed
// (workloads: several frameworks crash on that). Channel worker thread.

import type { ChannelCore } from '../../native-free/channel/index.js';
import { LocalConnection } from './connection.js';
import { type LocalStream, type StreamEvents, Streams } from './streams.js';

/** Backoff between dials while the application is absent, ms. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

interface Attempt {
  stream: LocalStream;
  retryMs: number;
  connection: LocalConnection | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class ForwardDial extends Streams {
  readonly #host: string;
  readonly #port: number;
  readonly #attempts = new Map<number, Attempt>();

  constructor(core: ChannelCore, counters: Float64Array, events: StreamEvents, target: { host: string; port: number }) {
    super(core, counters, events);
    this.#host = target.host;
    this.#port = target.port;
  }

  connected(connection: LocalConnection): void {
    for (const [id, attempt] of this.#attempts) {
      if (attempt.connection !== connection) continue;
      this.#attempts.delete(id);
      if (this.streams.get(id) !== attempt.stream) connection.destroy();
      else this.bind(attempt.stream, connection);
      return;
    }
  }

  /** Bytes come only on connections that carry a stream. */
  protected firstBytes(): undefined {
    return undefined;
  }

  protected wantConnection(stream: LocalStream): void {
    if (this.#attempts.has(stream.id) || stream.connection !== undefined) return;
    const attempt: Attempt = { stream, retryMs: FIRST_RETRY_MS, connection: undefined, timer: undefined };
    this.#attempts.set(stream.id, attempt);
    this.#dial(attempt);
  }

  protected streamOver(): void {
    for (const [id, attempt] of this.#attempts) {
      if (this.streams.get(id) === attempt.stream) continue;
      this.#attempts.delete(id);
      clearTimeout(attempt.timer);
      attempt.connection?.destroy();
    }
  }

  protected override idleClosed(connection: LocalConnection): boolean {
    for (const attempt of this.#attempts.values()) {
      if (attempt.connection !== connection) continue;
      attempt.connection = undefined;
      attempt.timer = setTimeout(() => this.#dial(attempt), attempt.retryMs);
      attempt.retryMs = Math.min(attempt.retryMs * 2, LAST_RETRY_MS);
    }
    return true;
  }

  protected endShape(): void {
    for (const { timer, connection } of this.#attempts.values()) {
      clearTimeout(timer);
      connection?.destroy();
    }
    this.#attempts.clear();
  }

  #dial(attempt: Attempt): void {
    attempt.connection = LocalConnection.dial(this.#host, this.#port, this);
  }
}
