// From an upgrade request to a connection: asks the admission, answers in WebSocket or with a refusal, and makes the connection (wire §1.1, §1.2).
// Invariant: whatever a request says, it becomes a connection that is counted, or a refusal that is.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { TAKEN_FOR, takenForHeader } from '../../native-free/taken-for.js';
import type { Log } from '../options.js';
import type { Admission, Known } from './admission.js';
import { Connection, type ConnectionEvents } from './connection.js';
import type { RelayCounters } from './counters.js';
import { urlOf } from './http.js';
import type { RelayLimits } from './limits.js';
import type { Rates } from './rate.js';
import { formatFor, type Refusal, refuseUpgrade } from './upgrade.js';

const EVENTS_PATH = '/api/v1/events';

/** What a doorway needs of its relay. */
export interface DoorwayPorts extends ConnectionEvents {
  readonly limits: RelayLimits;
  readonly admission: Admission;
  readonly rates: Rates;
  readonly counters: RelayCounters;
  readonly log: Log;
  /** Response headers that say which ICE servers there are. */
  headersFor(request: IncomingMessage, email: string): string[];
  /** A connection has begun: it is greeted first. */
  onOpen(connection: Connection): void;
}

export class Doorway {
  private readonly ports: DoorwayPorts;
  private readonly upgrader: WebSocketServer;
  /** Who upgrades with this request: decided before the answer's headers are made. */
  private readonly upgrading = new WeakMap<IncomingMessage, string>();
  private nextId = 1;

  constructor(ports: DoorwayPorts) {
    this.ports = ports;
    // A message may come in as many reads as the smallest packets make of it.
    const maxBufferedChunks = Math.max(4096, Math.ceil(ports.limits.maxMessageBytes / 512));
    const bounded = { maxPayload: ports.limits.maxMessageBytes, maxFragments: ports.limits.maxFragments, maxBufferedChunks };
    this.upgrader = new WebSocketServer({
      ...bounded,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      handleProtocols: () => false, // upstream offers none (wire §1.1)
    });
    this.upgrader.on('headers', (headers, request) => headers.push(...this.responseHeaders(request)));
  }

  /** Deals with one upgrade to its end. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', destroyIt);
    const { admission } = this.ports;
    let known: Known | Refusal;
    let generation: number;
    do {
      ({ generation } = admission);
      known = await this.judge(request);
      if (socket.destroyed) return;
      // Secrets or tokens were replaced while it was asked: those that are connected were asked again, this one would not be.
    } while (known.ok && generation !== admission.generation);
    const address = admission.proxies.clientOf(request);
    const admitted = known.ok ? (admission.noRoomFor(known.email, address) ?? known) : known;
    if (!admitted.ok) {
      refuseUpgrade(socket, admitted);
      return;
    }
    this.upgrading.set(request, admitted.email);
    this.upgrader.handleUpgrade(request, socket, head, (client) => this.welcome(client, socket, admitted, address, request));
  }

  private async judge(request: IncomingMessage): Promise<Known | Refusal> {
    if (urlOf(request)?.pathname === EVENTS_PATH) return this.ports.admission.identify(request);
    return { ok: false, status: 404, code: 'E_NOT_FOUND', error: `WebSocket is spoken at ${EVENTS_PATH}` };
  }

  private welcome(client: WebSocket, socket: Socket, known: Known, address: string, request: IncomingMessage): void {
    const { email: user, expiresAtMs, isGood } = known;
    const facts = {
      id: this.nextId++,
      user,
      address,
      format: formatFor(request),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(isGood === undefined ? {} : { isGood }),
    };
    const { limits, admission, rates, counters, log } = this.ports;
    admission.entered(address);
    const connection = new Connection(facts, client, socket, limits, rates.of(user, performance.now()), counters, {
      onFrame: this.ports.onFrame,
      onAbuse: this.ports.onAbuse,
      onClose: (gone) => {
        admission.left(address);
        this.ports.onClose(gone);
        log.debug({ user, connection: gone.id }, 'disconnected');
      },
    });
    counters.connectionsTotal++;
    this.ports.onOpen(connection);
    log.debug({ user, address, connection: connection.id, format: facts.format }, 'connected');
  }

  private responseHeaders(request: IncomingMessage): string[] {
    const encoding = `X-Syft-WS-Encoding: ${formatFor(request) === 'json' ? 'json' : 'msgpack'}`;
    const email = this.upgrading.get(request) ?? '';
    return [encoding, `${TAKEN_FOR}: ${takenForHeader(email)}`, ...this.ports.headersFor(request, email)];
  }
}

/** Not made where the request is in sight: it lives as long as the socket, and would keep the request and its headers alive as long. */
function destroyIt(this: Socket): void {
  this.destroy();
}
