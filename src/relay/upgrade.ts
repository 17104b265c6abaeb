// How the relay answers who wants a WebSocket and does not get one, and what it tells who does (wire §1.1, §1.2).
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { OutputFormat } from './recipient.js';

export interface Refusal {
  readonly ok: false;
  readonly status: 401 | 403 | 404 | 429 | 503;
  readonly code: string;
  readonly error: string;
}

const STATUS_WORDS = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
} as const;

/** Seconds after which it may be another matter; a client of our own backs off by itself. */
const RETRY_SECONDS = 5;

/** Writes the refusal and ends the socket. */
export function refuseUpgrade(socket: Socket, { status, code, error }: Refusal): void {
  const body = JSON.stringify({ code, error });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_WORDS[status]}`,
    'Connection: close',
    ...(status === 429 || status === 503 ? [`Retry-After: ${RETRY_SECONDS}`] : []),
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // The HTTP server lets sockets stay half open; a client that never ends its side would hold this one for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The first encoding of the client's list that we know; JSON if there is none (wire §1.2). */
export function formatFor(request: IncomingMessage): OutputFormat {
  const wanted = String(request.headers['x-syft-ws-encodings'] ?? '').split(',');
  const known = wanted.map((token) => token.trim().toLowerCase()).find((token) => token === 'msgpack' || token === 'json');
  return known === 'msgpack' ? 'msgpack-full' : 'json';
}

/** Under which name this client reached us, without the port; a Host header that is no host is not repeated to anybody. */
export function hostOf(request: IncomingMessage): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d+)?$/.exec(request.headers.host ?? '');
  return match?.[1] ?? '127.0.0.1';
}
