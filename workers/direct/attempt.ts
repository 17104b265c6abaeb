// One attempt to join both ends of a session by TLS over TCP: waits for the peer to dial in, dials every address it offered, and keeps
// one connection. Which one is for the session's opener to say; both directions are tried, since often only one of two peers can be
// reached. Nothing of a connection is believed before its certificate matched the fingerprint of the peer's signal. Channel worker.

import { connect, type TLSSocket } from 'node:tls';
import { type DirectParty, parseAddress } from '../../native-free/session/direct-signal.js';
import type { DirectIdentity } from '../messages.js';
import { CIPHERS, GREETING_WAIT_MS } from './constants.js';
import { isDialable } from './dialable.js';
import { GREETING_BYTES, greeting, KEEP, peerFingerprint, readExactly, readGreeting } from './greeting.js';
import { type DirectListener, listenerOf } from './listener.js';

/** Connections of a peer that dialled before its answer came here. */
const MAX_EARLY = 8;
/** How long the kept connection may be awaited by the side that does not choose, ms: the other may still be dialling. */
const KEEP_WAIT_MS = 10_000;

export interface DirectAttemptConfig {
  token: string;
  /** The session's opener: it chooses the connection. */
  chooses: boolean;
  /** Both ends are on this machine. */
  loopback: boolean;
  identity: DirectIdentity;
}

export interface DirectAttemptEvents {
  /** @param port 0: peers cannot dial in; `problem` says why */
  listening(port: number, problem: string): void;
  /** The connection that both sides keep. Once; the attempt is over, but for its token, which stays spent until `close`. */
  joined(socket: TLSSocket, dialled: boolean): void;
  /** Every address was tried and nobody dialled in so far. */
  exhausted(reason: string): void;
  /** Somebody else's connection was turned away. */
  refused(reason: string): void;
}

export class DirectAttempt {
  readonly token: string;
  readonly #config: DirectAttemptConfig;
  readonly #events: DirectAttemptEvents;
  readonly #listener: DirectListener;
  readonly #sockets = new Set<TLSSocket>();
  readonly #problems: string[] = [];
  #early: { socket: TLSSocket; fingerprint: string }[] = [];
  #peer: DirectParty | undefined;
  #dialling = 0;
  #joined = false;
  #closed = false;

  constructor(config: DirectAttemptConfig, events: DirectAttemptEvents) {
    const { token, loopback, identity } = config;
    this.token = token;
    this.#config = config;
    this.#events = events;
    this.#listener = listenerOf(identity, loopback);
    const expectation = {
      arrived: (socket: TLSSocket, fingerprint: string) => this.#arrived(socket, fingerprint),
      refused: (reason: string) => events.refused(reason),
    };
    this.#listener.expect(token, expectation).then(
      (port) => this.#closed || events.listening(port, ''),
      (error: Error) => this.#closed || events.listening(0, `cannot listen: ${error.message}`),
    );
  }

  /** The peer said where it is. */
  meet(peer: DirectParty): void {
    if (this.#peer !== undefined || this.#closed) return;
    this.#peer = peer;
    for (const { socket, fingerprint } of this.#early.splice(0)) this.#arrived(socket, fingerprint);
    for (const text of peer.addresses) {
      const address = parseAddress(text);
      if (address === undefined) continue;
      if (isDialable(address.host, this.#config.loopback)) void this.#dial(address.host, address.port, peer);
      else this.#problems.push(`${text} is not dialled for a peer`);
    }
    if (this.#dialling === 0) this.#ended(['the peer offers no address to dial', ...this.#problems].join(', '));
  }

  /** Ends what is under way; a joined connection is its new owner's. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.forget(this.token);
    this.#dropOthers();
  }

  async #dial(host: string, port: number, peer: DirectParty): Promise<void> {
    const { key, certificate } = this.#config.identity;
    this.#dialling += 1;
    // Not validated against a root: the fingerprint below is what counts.
    const socket = connect({ host, port, key, cert: certificate, ciphers: CIPHERS, minVersion: 'TLSv1.3', rejectUnauthorized: false });
    let problem = 'the connection was closed';
    socket.on('error', (error) => {
      problem = error.message;
    });
    this.#own(socket);
    const timer = setTimeout(() => {
      problem = `no answer within ${GREETING_WAIT_MS} ms`;
      socket.destroy();
    }, GREETING_WAIT_MS);
    const secure = await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(true)).once('close', () => resolve(false));
    });
    clearTimeout(timer);
    if (secure) problem = await this.#introduce(socket, peer);
    this.#dialling -= 1;
    if (problem === '') return;
    socket.destroy();
    this.#problems.push(`${host}:${port} ${problem}`);
    if (this.#dialling === 0) this.#ended(this.#problems.join(', '));
  }

  /** We dialled. @returns what was wrong; empty when the connection is kept or not needed */
  async #introduce(socket: TLSSocket, peer: DirectParty): Promise<string> {
    if (peerFingerprint(socket) !== peer.fingerprint) {
      this.#events.refused('an address of the peer answered with a certificate that is not the peer’s');
      return 'answered with a certificate that is not the peer’s';
    }
    socket.setNoDelay(true);
    socket.write(greeting(peer.token));
    const answer = await readExactly(socket, GREETING_BYTES, GREETING_WAIT_MS);
    if (this.#done) return '';
    if (answer === undefined || readGreeting(answer) !== this.token) return 'did not answer the greeting';
    return this.#agree(socket, true);
  }

  /** The peer, or somebody who claims to be, dialled. */
  #arrived(socket: TLSSocket, fingerprint: string): void {
    if (this.#closed) {
      socket.destroy();
    } else if (this.#peer === undefined) {
      if (this.#early.length >= MAX_EARLY) socket.destroy();
      else this.#early.push({ socket, fingerprint });
    } else if (fingerprint !== this.#peer.fingerprint) {
      socket.destroy();
      this.#events.refused('a connection with our token and a certificate that is not the peer’s');
    } else if (this.#joined) socket.destroy();
    else {
      this.#own(socket);
      socket.setNoDelay(true);
      socket.write(greeting(this.#peer.token));
      void this.#agree(socket, false);
    }
  }

  async #agree(socket: TLSSocket, dialled: boolean): Promise<string> {
    if (this.#config.chooses) {
      if (this.#joined || this.#closed) return '';
      socket.write(KEEP);
    } else {
      const keep = await readExactly(socket, KEEP.length, KEEP_WAIT_MS);
      // Another connection was kept, which is no failure.
      if (this.#done) return '';
      if (keep === undefined || !keep.equals(KEEP)) return 'was not kept by the peer';
    }
    this.#joined = true;
    this.#sockets.delete(socket);
    this.#dropOthers();
    this.#events.joined(socket, dialled);
    return '';
  }

  get #done(): boolean {
    return this.#joined || this.#closed;
  }

  #ended(reason: string): void {
    if (!this.#done) this.#events.exhausted(reason);
  }

  #own(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #dropOthers(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
    for (const { socket } of this.#early.splice(0)) socket.destroy();
  }
}
