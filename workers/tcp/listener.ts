// The local port of a channel. Binds at once, keeps trying while the port is busy (upstream gives up after one try, wire.md 4.4), and
// hands every accepted connection over paused, so that no byte is read before it has a place. Channel worker thread.

import { createServer, type Server, type Socket } from 'node:net';

/** Between two tries to bind a busy port, ms: as often as upstream scans for markers. */
const RETRY_MS = 250;

export interface ListenerEvents {
  connection(socket: Socket): void;
  listening(port: number): void;
  /** The port cannot be bound now. Reported once per reason; tries go on for a busy port. */
  failed(code: string, message: string): void;
}

export class Listener {
  readonly #host: string;
  readonly #port: number;
  readonly #events: ListenerEvents;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #reported = '';
  #closed = false;

  constructor(host: string, port: number, events: ListenerEvents) {
    this.#host = host;
    this.#port = port;
    this.#events = events;
    this.#listen();
  }

  /** Stops accepting. @returns when the port is free */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const server = this.#server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): void {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => this.#events.connection(socket));
    this.#server = server;
    server.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? 'ERR';
      if (this.#reported !== code) {
        this.#reported = code;
        this.#events.failed(code, this.#explain(code, error.message));
      }
      server.close();
      if (!this.#closed) this.#retry = setTimeout(() => this.#listen(), RETRY_MS);
    });
    server.listen(this.#port, this.#host, () => {
      this.#reported = '';
      const address = server.address();
      this.#events.listening(typeof address === 'object' && address !== null ? address.port : 0);
    });
  }

  #explain(code: string, message: string): string {
    const where = `${this.#host}:${this.#port}`;
    if (code === 'EADDRINUSE') return `port ${where} is in use by another process; trying again until it is free`;
    if (code === 'EACCES') return `no permission to listen on ${where}`;
    if (code === 'EADDRNOTAVAIL') return `${where} is not an address of this machine`;
    return `cannot listen on ${where}: ${message}`;
  }
}
