// The relay server: listens, upgrades clients to WebSocket, and owns everything behind (wire §1.1, §1.2, §1.5). Runs on whatever thread starts it.
// Invariant: close() ends in reverse order of start: clients, HTTP, STUN; the ports are free when it resolves.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { HotlinkError } from '../../native-free/index.js';
import type { Log } from '../options.js';
import { AclStore } from './acl-store.js';
import { identify, isSameOrigin } from './auth.js';
import { claim, type HostServer } from './claim.js';
import { Connection } from './connection.js';
import { RelayCounters } from './counters.js';
import { type HttpContext, handleRequest, urlOf } from './http.js';
import { Hub } from './hub.js';
import { type IceAdvert, iceAdvertFor, iceHeaders } from './ice-advert.js';
import {
  checkHeaderValues,
  DEFAULT_LIMITS,
  parseListen,
  type RelayLimits,
  type RelayOptions,
  type RelaySettings,
  SILENT,
} from './options.js';
import type { OutputFormat, Recipient } from './recipient.js';
import { Router } from './router.js';
import { SessionStore } from './sessions.js';
import { type StunResponder, startStun } from './stun.js';

/** Counters, which only grow, and what is the case right now. */
export type RelayStats = Readonly<RelayCounters> & {
  readonly connections: number;
  readonly users: number;
  readonly sessions: number;
  readonly aclRulesets: number;
  /** Connections whose reading is paused for a slow recipient. */
  readonly pausedConnections: number;
  /** Bytes waiting for recipients: of all of them, and of the one with the most. */
  readonly bufferedBytes: number;
  readonly maxBufferedBytes: number;
};

/** A relay that runs, in whatever HTTP server. */
export interface EmbeddedRelay extends AsyncDisposable {
  /** UDP port of the STUN responder, if there is one. */
  readonly stunPort: number | undefined;
  /** A snapshot of its counters. Synchronous and cheap. */
  stats(): RelayStats;
  /** Disconnect everybody and free the relay's ports; a host program's server goes on. May be called twice. */
  close(): Promise<void>;
}

/** A relay with a server of its own. */
export interface RelayServer extends EmbeddedRelay {
  /** `http://host:port`, usable by a client on this machine. */
  readonly url: string;
  /** TCP port it listens on. */
  readonly port: number;
}

/** A server that is somebody else's, and what of it is the relay's. */
export interface RelayHost {
  readonly server: HostServer;
  /** @returns the URL as the relay knows it; undefined: the host's own */
  ours(url: string): string | undefined;
}

const EVENTS_PATH = '/api/v1/events';
/** How long clients may take to answer the close frame before they are cut off. */
const CLOSE_GRACE_MS = 500;
/** Sessions to expire and stuck recipients are looked for this often at most. */
const SWEEP_MS = 1000;

/**
 * Start a relay.
 * @throws HotlinkError ERR_HLNK_CONFIG for an address that cannot be read, ERR_HLNK_PORT_BUSY for one that is taken
 */
export async function startRelay(options: RelayOptions): Promise<RelayServer> {
  return openRelay(options, parseListen(options.listen, 'the listen address'));
}

/** @param place where to listen, or the server to be part of */
export async function openRelay(options: RelaySettings, place: { host: string; port: number } | RelayHost): Promise<RelayServer> {
  const stunListen = options.stunListen === undefined ? undefined : parseListen(options.stunListen, 'the STUN address');
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  checkHeaderValues(options);
  const acl = await AclStore.load(options.dataDir, limits.maxBodyBytes, options.log ?? SILENT);
  const relay = new Relay(options, limits, acl);
  try {
    if ('server' in place) relay.attach(place);
    else await relay.listen(place);
    await relay.start(stunListen);
  } catch (error) {
    await relay.close();
    const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const addresses = ['host' in place ? `${place.host}:${place.port}` : undefined, options.stunListen].filter(
      (text) => text !== undefined,
    );
    const message = `cannot listen on ${addresses.join(' and ')}: ${(error as Error).message}`;
    throw new HotlinkError(busy ? 'ERR_HLNK_PORT_BUSY' : 'ERR_HLNK_CONFIG', message, { cause: error });
  }
  return relay;
}

class Relay implements RelayServer {
  private readonly options: RelaySettings;
  private readonly limits: RelayLimits;
  private readonly log: Log;
  private readonly acl: AclStore;
  private readonly counters = new RelayCounters();
  private readonly hub = new Hub();
  private readonly sessions: SessionStore<Recipient>;
  private readonly router: Router;
  private readonly context: HttpContext;
  /** Ours; undefined inside a host program's server. */
  private http: Server | undefined;
  /** Gives a host's paths back. */
  private detach: () => void = () => {};
  private readonly upgrader: WebSocketServer;
  private readonly sweeper: NodeJS.Timeout;
  private stun: StunResponder | undefined;
  private host = '';
  private boundPort = 0;
  private nextId = 1;
  /** Who upgrades with this request: decided before the answer's headers are made. */
  private readonly upgrading = new WeakMap<IncomingMessage, string>();
  private closing: Promise<void> | undefined;

  constructor(options: RelaySettings, limits: RelayLimits, acl: AclStore) {
    this.options = options;
    this.limits = limits;
    this.acl = acl;
    this.log = options.log ?? SILENT;
    this.sessions = new SessionStore({
      mayRead: (user, path) => acl.tree.can(user, path, 'read'),
      mayWrite: (user, path) => acl.tree.can(user, path, 'write'),
      maxSessionsPerUser: limits.maxSessionsPerUser,
      ttlMs: limits.sessionTtlMs,
    });
    this.router = new Router(this.hub, this.sessions, acl, this.counters, this.log);
    this.context = {
      acl,
      counters: this.counters,
      log: this.log,
      authSecret: options.authSecret,
      maxBodyBytes: limits.maxBodyBytes,
      iceAdvert: (request: IncomingMessage, email: string) => this.iceAdvert(request, email),
    };
    this.upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.maxMessageBytes,
      autoPong: false,
      handleProtocols: () => false, // upstream offers none (wire §1.1)
    });
    this.upgrader.on('headers', (headers, request) => headers.push(...this.responseHeaders(request)));
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MS, Math.max(1, limits.stuckMs / 4)));
    this.sweeper.unref();
  }

  async listen({ host, port }: { host: string; port: number }): Promise<void> {
    const http = createServer((request, response) => void handleRequest(request, response, this.context));
    this.http = http;
    http.on('upgrade', (request, socket, head) => this.upgrade(request, socket as Socket, head));
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(port, host, () => {
        http.off('error', reject);
        resolve();
      });
    });
    this.host = host;
    this.boundPort = (http.address() as AddressInfo).port;
  }

  attach({ server, ours }: RelayHost): void {
    this.detach = claim(server, {
      ours,
      request: (request, response) => void handleRequest(request, response, this.context),
      upgrade: (request, socket, head) => this.upgrade(request, socket as Socket, head),
    });
  }

  async start(stunListen: { host: string; port: number } | undefined): Promise<void> {
    if (stunListen !== undefined) this.stun = await startStun(stunListen.host, stunListen.port, this.counters);
    this.log.info(
      { url: this.http === undefined ? 'a host program' : this.url, stunPort: this.stunPort, auth: this.options.authSecret !== undefined },
      'relay listening',
    );
  }

  get port(): number {
    return this.boundPort;
  }

  get stunPort(): number | undefined {
    return this.stun?.port;
  }

  get url(): string {
    const reachable = this.host === '0.0.0.0' ? '127.0.0.1' : this.host === '::' ? '::1' : this.host;
    return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${this.port}`;
  }

  stats(): RelayStats {
    let pausedConnections = 0;
    let bufferedBytes = 0;
    let maxBufferedBytes = 0;
    for (const { flow } of this.hub.all()) {
      if (flow.isPaused) pausedConnections++;
      bufferedBytes += flow.bufferedBytes;
      maxBufferedBytes = Math.max(maxBufferedBytes, flow.bufferedBytes);
    }
    return {
      ...this.counters,
      sessionsExpired: this.sessions.expired,
      sessionsEvicted: this.sessions.evicted,
      connections: this.hub.connections,
      users: this.hub.users,
      sessions: this.sessions.size,
      aclRulesets: this.acl.tree.size,
      pausedConnections,
      bufferedBytes,
      maxBufferedBytes,
    };
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.sweeper);
    const gone = [...this.hub.all()].map((connection) => connection.gone);
    for (const connection of this.hub.all()) connection.close(1001, 'the relay is stopping');
    const cutOff = setTimeout(() => {
      for (const connection of this.hub.all()) connection.terminate();
    }, CLOSE_GRACE_MS);
    const { http } = this;
    if (http?.listening) {
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    }
    await Promise.all(gone);
    clearTimeout(cutOff);
    this.detach();
    await this.stun?.close();
  }

  private upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const judged = this.judge(request);
    if ('email' in judged) {
      this.upgrading.set(request, judged.email);
      this.upgrader.handleUpgrade(request, socket, head, (client) => this.welcome(client, socket, judged.email, formatFor(request)));
      return;
    }
    if (judged.status === 401 || judged.status === 403) this.counters.authFailures++;
    refuseUpgrade(socket, judged);
  }

  private judge(request: IncomingMessage): { readonly email: string } | UpgradeRefusal {
    if (this.closing !== undefined) return { status: 503, code: 'E_INTERNAL_ERROR', error: 'the relay is stopping' };
    const url = urlOf(request);
    if (url?.pathname !== EVENTS_PATH) return { status: 404, code: 'E_NOT_FOUND', error: `WebSocket is spoken at ${EVENTS_PATH}` };
    if (!isSameOrigin(request)) return { status: 403, code: 'E_ACCESS_DENIED', error: 'requests from pages of other hosts are refused' };
    const identity = identify(request, url.searchParams, this.options.authSecret, Date.now());
    return identity.ok ? { email: identity.email } : { status: 401, code: 'E_AUTH_INVALID_CREDENTIALS', error: identity.reason };
  }

  private welcome(client: WebSocket, socket: Socket, user: string, format: OutputFormat): void {
    const connection = new Connection(this.nextId++, user, format, client, socket, this.limits, this.counters, {
      onFrame: (from, frame, isBinary) => this.router.onFrame(from, frame, isBinary),
      onClose: (gone) => {
        const isLast = this.hub.remove(gone);
        this.sessions.disconnected(gone, isLast, performance.now());
        this.log.debug({ user, connection: gone.id }, 'disconnected');
      },
    });
    this.counters.connectionsTotal++;
    this.router.greet(connection);
    this.hub.add(connection);
    this.sessions.connected(user);
    this.log.debug({ user, connection: connection.id, format }, 'connected');
  }

  private responseHeaders(request: IncomingMessage): string[] {
    const encoding = `X-Syft-WS-Encoding: ${formatFor(request) === 'json' ? 'json' : 'msgpack'}`;
    return [encoding, ...iceHeaders(this.iceAdvert(request, this.upgrading.get(request) ?? ''))];
  }

  private iceAdvert(request: IncomingMessage, email: string): IceAdvert {
    const ownStun = this.stun === undefined ? undefined : `stun:${hostOf(request)}:${this.stun.port}`;
    return iceAdvertFor(email, this.options, ownStun, Date.now());
  }

  private sweep(): void {
    const nowMs = performance.now();
    this.sessions.expire(nowMs);
    for (const connection of this.hub.all()) {
      if (!connection.flow.isStuck(nowMs, this.limits.stuckMs)) continue;
      this.counters.stuckDisconnects++;
      this.log.warn({ user: connection.user, connection: connection.id }, 'recipient takes nothing, disconnected');
      connection.terminate();
    }
  }
}

/** The first encoding of the client's list that we know; JSON if there is none (wire §1.2). */
function formatFor(request: IncomingMessage): OutputFormat {
  const wanted = String(request.headers['x-syft-ws-encodings'] ?? '').split(',');
  const known = wanted.map((token) => token.trim().toLowerCase()).find((token) => token === 'msgpack' || token === 'json');
  return known === 'msgpack' ? 'msgpack-full' : 'json';
}

/** Under which name this client reached us, without the port; a Host header that is no host is not repeated to anybody. */
function hostOf(request: IncomingMessage): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d+)?$/.exec(request.headers.host ?? '');
  return match?.[1] ?? '127.0.0.1';
}

interface UpgradeRefusal {
  readonly status: 401 | 403 | 404 | 503;
  readonly code: string;
  readonly error: string;
}

const STATUS_WORDS = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' } as const;

function refuseUpgrade(socket: Socket, { status, code, error }: UpgradeRefusal): void {
  const body = JSON.stringify({ code, error });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_WORDS[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  // The HTTP server lets sockets stay half open; a client that never ends its side would hold this one for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
