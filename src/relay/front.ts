// The HTTP server in front of the relay: plain or TLS, with a limit on how long a client may take to say what it wants, and on how many
// sockets there are in all and from one address.
// Invariant: a socket that has not become a WebSocket is gone within the limits' time, whatever its client does.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { AddressCount, type TrustedProxies } from './addresses.js';
import type { RelayCounters } from './counters.js';
import type { RelayLimits } from './limits.js';

/** Sockets over the limit of connections that are still told so in HTTP; what comes on top of them is reset. */
const SPARE_SOCKETS = 1024;
const SPARE_SOCKETS_PER_ADDRESS = 64;
/** A kept-alive socket without a request. */
const IDLE_MS = 5000;

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export type Front = Server | TlsServer;

/**
 * Make the server; it does not listen yet.
 * @param certificate undefined: plain HTTP
 */
export function createFront(
  limits: RelayLimits,
  counters: RelayCounters,
  proxies: TrustedProxies,
  certificate: Certificate | undefined,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Front {
  const options = {
    headersTimeout: limits.handshakeMs,
    requestTimeout: Math.max(limits.requestMs, limits.handshakeMs),
    connectionsCheckingInterval: Math.max(50, Math.min(1000, limits.handshakeMs / 4)),
    keepAliveTimeout: IDLE_MS,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  const server: Front =
    certificate === undefined
      ? createServer(options, onRequest)
      : createTlsServer({ ...options, ...certificate, minVersion: 'TLSv1.2', handshakeTimeout: limits.handshakeMs }, onRequest);
  server.maxConnections = limits.maxConnections + SPARE_SOCKETS;
  server.on('drop', () => counters.refusedTotal++);
  guardAddresses(server, limits, counters, proxies);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (slow) counters.slowRequests++;
    else counters.badRequests++;
    const status = slow
      ? '408 Request Timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') counters.slowRequests++;
    else counters.badRequests++;
    socket.destroy();
  });
  return server;
}

function guardAddresses(server: Front, limits: RelayLimits, counters: RelayCounters, proxies: TrustedProxies): void {
  const sockets = new AddressCount();
  // Also on a TLS server this is the TCP socket, before any handshake has cost anything.
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || proxies.has(address)) return;
    if (sockets.of(address) >= limits.maxConnectionsPerAddress + SPARE_SOCKETS_PER_ADDRESS) {
      counters.refusedAddress++;
      socket.resetAndDestroy();
      return;
    }
    sockets.add(address);
    socket.once('close', () => sockets.remove(address));
  });
}
