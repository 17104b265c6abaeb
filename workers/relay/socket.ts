// The WebSocket to the relay: dials, says hello, pings, and dials again with backoff when it is lost (wire.md 1.1, 1.2, 1.5, 13.1).
// Relay worker thread.

import WebSocket from 'ws';

/** Upstream's limit for one message, bytes; a larger one closes the connection on either side (wire.md 1.5). */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Our own ping, ms. */
const PING_MS = 4000;
/**
 * Nothing heard for this long after a ping, ms: the relay is silent. With the ping's interval well within the patience with a peer, whose last
 * word may be 3 s older than the relay's.
 */
const QUIET_MS = 1500;
/** Without a pong for this long the connection is dead, ms. A pong may stand behind megabytes on a slow link. */
const PONG_WAIT_MS = 20_000;
const DIAL_MS = 10_000;
/** Senders that waited for room go on when so little waits, bytes. */
const LOW_BYTES = 1_048_576;
/** Backoff between dials, ms: the Rust client's first, the Go client's last. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 8000;

export interface RelaySocketEvents {
  up(headers: NodeJS.Dict<string | string[]>): void;
  /** @param status HTTP status of a refused upgrade, 0 otherwise */
  down(reason: string, status: number): void;
  message(data: Buffer, binary: boolean): void;
  /** Our pings are not answered, or are again. The connection may be dead or only slow. */
  quiet(quiet: boolean): void;
}

export class RelaySocket {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #events: RelaySocketEvents;
  #socket: WebSocket | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;
  /** Until when a ping is to be answered. */
  #answer: NodeJS.Timeout | undefined;
  #pongAtMs = 0;
  #heardAtMs = 0;
  #quiet = false;
  #status = 0;
  #closed = false;
  /** Our end of the live connection. */
  #localAddress: string | undefined;
  /** Why we ourselves cut the connection. */
  #lastWords: string | undefined;
  readonly #drainers: (() => void)[] = [];

  constructor(url: string, headers: Record<string, string>, events: RelaySocketEvents) {
    this.#url = url;
    this.#headers = headers;
    this.#events = events;
    this.#dial();
  }

  get isUp(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(data: Uint8Array | string): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(data, { binary: typeof data !== 'string', compress: false }, this.#flushed);
  }

  /**
   * Resolves when at most `LOW_BYTES` wait, or the connection is gone. For whoever sends, not per message: the last message of a sender that waits
   * may leave while others, which were let go on before it, have filled the buffer again.
   */
  drained(): Promise<void> {
    if (this.bufferedBytes <= LOW_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#drainers.push(resolve));
  }

  /** A message was given to the kernel, or is lost with its connection. The last one to leave finds nothing waiting. */
  readonly #flushed = (): void => {
    if (this.#drainers.length > 0 && this.bufferedBytes <= LOW_BYTES) this.#wakeDrainers();
  };

  #wakeDrainers(): void {
    for (const resolve of this.#drainers.splice(0)) resolve();
  }

  /** Stops taking messages from the relay until {@link resume}: its back-pressure then reaches the sender. */
  pause(): void {
    this.#socket?.pause();
  }
  resume(): void {
    this.#socket?.resume();
  }

  /**
   * This machine's addresses are others now. A connection from an address that is gone would be noticed after two lost pings; it is cut and
   * dialled again at once, and so is one that is being dialled or waits for its next attempt.
   * @param addresses all of this machine, loopback included
   */
  networkChanged(addresses: readonly string[]): void {
    this.#retryMs = FIRST_RETRY_MS;
    const socket = this.#socket;
    if (socket === undefined) {
      clearTimeout(this.#retry);
      this.#dial();
    } else if (this.#localAddress === undefined || !addresses.includes(this.#localAddress)) {
      this.#lastWords = `the network changed under the connection (${this.#localAddress ?? 'not yet up'})`;
      socket.terminate();
    }
  }

  /** Closes for good, behind what was sent. @returns when the socket is gone */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#ping);
    clearTimeout(this.#answer);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    if (socket.isPaused) socket.resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => socket.terminate(), 2000);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close();
    });
  }

  #dial(): void {
    if (this.#closed) return;
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#url, {
        headers: this.#headers,
        perMessageDeflate: false,
        maxPayload: MAX_MESSAGE_BYTES,
        handshakeTimeout: DIAL_MS,
        skipUTF8Validation: true,
      });
    } catch (error) {
      // Never from within the constructor: whoever hears of it may not have got to the end of its own beginning.
      queueMicrotask(() => this.#down((error as Error).message));
      return;
    }
    this.#socket = socket;
    this.#status = 0;
    let reason = '';
    socket.on('upgrade', (response) => {
      response.socket.setNoDelay(true);
      this.#localAddress = response.socket.localAddress?.replace(/^::ffff:/, '');
      this.#retryMs = FIRST_RETRY_MS;
      this.#events.up(response.headers);
      this.#watch(socket);
    });
    socket.on('message', (data, binary) => {
      this.#heard();
      this.#events.message(data as Buffer, binary);
    });
    socket.on('pong', () => {
      this.#pongAtMs = performance.now();
      this.#heard();
    });
    socket.on('unexpected-response', (request, response) => {
      this.#status = response.statusCode ?? 0;
      reason = `the relay answered HTTP ${this.#status}`;
      request.destroy();
      socket.terminate();
    });
    socket.on('error', (error) => {
      if (reason === '') reason = error.message;
    });
    socket.on('close', (code, words) => {
      if (this.#socket !== socket) return;
      // A stranger's words: shown on terminals.
      const why = words.toString().replace(/[^ -~]/g, '');
      const closed = `the connection to the relay was closed (${code}${why === '' ? '' : `: ${why}`})`;
      this.#down(this.#lastWords ?? (reason === '' ? closed : reason));
    });
  }

  #watch(socket: WebSocket): void {
    clearInterval(this.#ping);
    clearTimeout(this.#answer);
    this.#pongAtMs = performance.now();
    this.#heard();
    this.#ping = setInterval(() => {
      const nowMs = performance.now();
      // A paused socket does not see pongs: then it is we who are slow, not the relay that is dead.
      if (socket.isPaused) {
        this.#pongAtMs = nowMs;
        this.#heard();
      } else if (nowMs - this.#pongAtMs > PONG_WAIT_MS) socket.terminate();
      else {
        socket.ping();
        clearTimeout(this.#answer);
        this.#answer = setTimeout(() => {
          if (this.#heardAtMs < nowMs && !socket.isPaused) this.#setQuiet(true);
        }, QUIET_MS);
      }
    }, PING_MS);
  }

  #heard(): void {
    this.#heardAtMs = performance.now();
    if (this.#quiet) this.#setQuiet(false);
  }

  #setQuiet(quiet: boolean): void {
    if (quiet === this.#quiet) return;
    this.#quiet = quiet;
    this.#events.quiet(quiet);
  }

  #down(reason: string): void {
    clearInterval(this.#ping);
    clearTimeout(this.#answer);
    this.#socket = undefined;
    this.#localAddress = undefined;
    this.#lastWords = undefined;
    this.#quiet = false;
    this.#wakeDrainers();
    if (this.#closed) return;
    this.#events.down(reason, this.#status);
    this.#retry = setTimeout(() => this.#dial(), this.#retryMs * (0.75 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
