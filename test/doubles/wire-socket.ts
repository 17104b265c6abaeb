// The WebSocket of an upstream client's double: dials with its headers, reads in its dialect, counts what it could not read.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Wire } from './dialect.js';

export interface WireSocketOptions {
  server: string;
  email: string;
  headers?: Record<string, string>;
  write(wire: Wire): Uint8Array;
  read(frame: Uint8Array, binary: boolean): Wire | undefined;
  /** Called for each message as it is read off the socket. */
  message(wire: Wire): void;
}

export class WireSocket {
  readonly headers: Record<string, string | string[] | undefined> = {};
  /** Messages that this client's decoder refuses. */
  undecodable = 0;
  /** Types that were sent, in order. */
  readonly sentTypes: number[] = [];
  readonly #socket: WebSocket;
  readonly #options: WireSocketOptions;

  private constructor(options: WireSocketOptions) {
    this.#options = options;
    const url = `${options.server.replace(/^http/, 'ws')}/api/v1/events?user=${encodeURIComponent(options.email)}`;
    this.#socket = new WebSocket(url, {
      headers: { 'X-Syft-WS-Encodings': 'msgpack,json', ...options.headers },
      perMessageDeflate: false,
      maxPayload: 8 * 1024 * 1024,
    });
    this.#socket.on('upgrade', (response) => Object.assign(this.headers, response.headers));
    this.#socket.on('error', () => {});
    this.#socket.on('message', (data: Buffer, binary) => {
      const wire = options.read(data, binary);
      if (wire === undefined) this.undecodable += 1;
      else options.message(wire);
    });
  }

  static async dial(options: WireSocketOptions): Promise<WireSocket> {
    const socket = new WireSocket(options);
    await once(socket.#socket, 'open');
    return socket;
  }

  send(wire: Wire): void {
    this.sentTypes.push(wire.typ);
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(this.#options.write(wire));
  }

  /** Resolves when there is room again in the queue out (256 messages upstream; here bytes, which is what memory is made of). */
  async drained(): Promise<void> {
    while (this.#socket.bufferedAmount > 4 * 1024 * 1024) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
