// Where peers dial in for direct lanes: at most two TLS listeners per thread and identity, shared by its channels: one on 127.0.0.1 for peers
// on this machine, one on every address for all others. Open while a session of the thread wants one. A connection without a certificate or with a
// token nobody waits for is refused, and counted with one of the channels. Channel worker.

import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { DirectIdentity } from '../messages.js';
import { CIPHERS, GREETING_WAIT_MS } from './constants.js';
import { GREETING_BYTES, peerFingerprint, readExactly, readGreeting } from './greeting.js';

/** Connections that have not said their token yet; further ones wait in the system's queue. */
const MAX_STRANGERS = 64;
/** Ports above a configured one that other threads take. */
const PORT_SPAN = 16;

export interface Expectation {
  /** A connection presented our token and some certificate; whose it is, is for the attempt to judge. */
  arrived(socket: TLSSocket, fingerprint: string): void;
  refused(reason: string): void;
}

export class DirectListener {
  readonly #expected = new Map<string, Expectation>();
  readonly #strangers = new Set<TLSSocket>();
  #server: Server | undefined;
  readonly #listening: Promise<number>;
  readonly #unused: () => void;
  #over = false;

  /** @param unused nobody expects anybody any more, and the port is given up */
  constructor(identity: DirectIdentity, host: string, port: number, unused: () => void) {
    this.#listening = this.#listen(identity, host, port);
    this.#unused = unused;
  }

  /** @returns the port, once it listens @throws the system's error when it cannot */
  expect(token: string, expectation: Expectation): Promise<number> {
    this.#expected.set(token, expectation);
    return this.#listening;
  }

  forget(token: string): void {
    this.#expected.delete(token);
    if (this.#expected.size > 0) return;
    this.#over = true;
    this.#unused();
    this.#server?.close();
    for (const socket of this.#strangers) socket.destroy();
  }

  async #listen({ key, certificate }: DirectIdentity, host: string, port: number): Promise<number> {
    const server = createServer({
      key,
      cert: certificate,
      ciphers: CIPHERS,
      minVersion: 'TLSv1.3',
      requestCert: true,
      // Self-signed on purpose: the fingerprint is what counts, and it is checked with the token.
      rejectUnauthorized: false,
      handshakeTimeout: GREETING_WAIT_MS,
      // A resumed session would show no certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
      noDelay: true,
    });
    server.maxConnections = 4096;
    server.on('secureConnection', (socket) => void this.#greet(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // Came and went without a word: a probe, or a peer that kept another connection.
      if (error.code === 'ECONNRESET') return;
      this.#refuse(`no TLS handshake from ${socket.remoteAddress ?? 'someone'}: ${error.message}`);
      socket.destroy();
    });
    this.#server = server;
    let address = host;
    for (let tried = 0; ; ) {
      server.listen({ host: address, port: port === 0 ? 0 : port + tried });
      try {
        await once(server, 'listening');
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (address === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) address = '0.0.0.0';
        else if (port === 0 || code !== 'EADDRINUSE' || tried + 1 >= PORT_SPAN) throw error;
        else tried += 1;
      }
    }
    server.on('error', () => {}); // accept errors: the one connection is lost, the listener goes on
    if (this.#over) server.close();
    return (server.address() as AddressInfo | null)?.port ?? 0;
  }

  async #greet(socket: TLSSocket): Promise<void> {
    socket.on('error', () => {});
    if (this.#strangers.size >= MAX_STRANGERS) {
      this.#refuse('too many connections that say nothing');
      socket.destroy();
      return;
    }
    this.#strangers.add(socket);
    const from = socket.remoteAddress ?? 'someone';
    const fingerprint = peerFingerprint(socket);
    const bytes = fingerprint === undefined ? undefined : await readExactly(socket, GREETING_BYTES, GREETING_WAIT_MS);
    this.#strangers.delete(socket);
    const token = bytes === undefined ? undefined : readGreeting(bytes);
    const expectation = token === undefined ? undefined : this.#expected.get(token);
    if (expectation !== undefined && fingerprint !== undefined) expectation.arrived(socket, fingerprint);
    else {
      socket.destroy();
      const why = fingerprint === undefined ? 'no certificate' : token === undefined ? 'no greeting' : 'a token that nobody waits for';
      this.#refuse(`a connection from ${from} with ${why}`);
    }
  }

  #refuse(reason: string): void {
    for (const expectation of this.#expected.values()) {
      expectation.refused(reason);
      return;
    }
  }
}

const listeners = new Map<string, DirectListener>();

/** @returns this thread's listener of that identity, for peers on this machine or for others */
export function listenerOf(identity: DirectIdentity, loopback: boolean): DirectListener {
  const name = `${identity.fingerprint} ${loopback}`;
  let listener = listeners.get(name);
  if (listener === undefined) {
    listener = new DirectListener(identity, loopback ? '127.0.0.1' : '::', loopback ? 0 : identity.port, () => listeners.delete(name));
    listeners.set(name, listener);
  }
  return listener;
}
