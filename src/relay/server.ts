// The relay server: listens, upgrades clients to WebSocket, and owns everything behind (wire §1.1, §1.2, §1.5). Runs on whatever thread starts it.
// Invariant: close() ends in reverse order of start: clients, HTTP, STUN; the ports are free when it resolves.
import type { IncomingMessage } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { HotlinkError } from '../../native-free/index.js';
import type { Log } from '../options.js';
import { AclStore } from './acl-store.js';
import { Admission, type Known } from './admission.js';
import { claim, type HostServer } from './claim.js';
import type { AclReplica } from './cluster/acl-replica.js';
import type { Cluster } from './cluster/cluster.js';
import type { ClusterOptions, ClusterStats } from './cluster/options.js';
import { Connection } from './connection.js';
import { RelayCounters } from './counters.js';
import { Credentials } from './credentials.js';
import { type Certificate, createFront, type Front } from './front.js';
import { CUT_OFF, type HttpContext, handleRequest, urlOf } from './http.js';
import { Hub } from './hub.js';
import { type IceAdvert, iceAdvertFor, iceHeaders } from './ice-advert.js';
import { limitsOf, type RelayLimits } from './limits.js';
import { checkHeaderValues, parseListen, type RelayOptions, type RelaySettings, SILENT } from './options.js';
import { Patrol } from './patrol.js';
import { Rates } from './rate.js';
import type { Recipient } from './recipient.js';
import { Router } from './router.js';
import { SessionStore } from './sessions.js';
import { type StunResponder, startStun } from './stun.js';
import { formatFor, hostOf, type Refusal, refuseUpgrade } from './upgrade.js';

/** Counters, which only grow, and what is the case right now. */
export interface RelayStats extends Readonly<RelayCounters> {
  /** WebSocket connections. */
  readonly connections: number;
  /** Users with a connection. */
  readonly users: number;
  /** Sessions of all users. */
  readonly sessions: number;
  /** Directories with an ACL file. */
  readonly aclRulesets: number;
  /** Connections whose reading is paused for a slow recipient. */
  readonly pausedConnections: number;
  /** Connections whose reading is paused for their user's rate. */
  readonly throttledConnections: number;
  /** Bytes waiting for all recipients. */
  readonly bufferedBytes: number;
  /** Bytes waiting for the one with the most. */
  readonly maxBufferedBytes: number;
  /** Everybody is being sent away. */
  readonly draining: boolean;
  /** Of the other processes, if this one is of many. */
  readonly cluster?: ClusterStats;
}

/** A relay that runs, in whatever HTTP server. */
export interface EmbeddedRelay extends AsyncDisposable {
  /** UDP port of the STUN responder, if there is one. */
  readonly stunPort: number | undefined;
  /** A snapshot of its counters. Synchronous and cheap. */
  stats(): RelayStats;
  /**
   * Look at the files of secrets, tokens and certificates now, which happens every two seconds anyway. Connections whose token is no longer good
   * are closed with 1008; nobody else notices.
   */
  reload(): Promise<void>;
  /**
   * Let nobody in any more, read no more, deliver what is held, then send everybody away with 1012: they are to connect again, to whoever serves
   * this address then. Takes `drainMs` and half a second at most. The relay goes on answering HTTP until {@link close}.
   */
  drain(): Promise<void>;
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
/** Sessions to expire and stuck recipients are looked for this often at most. */
const SWEEP_MS = 1000;
/** While draining, queues are looked at this often. */
const DRAIN_LOOK_MS = 10;
/** Files with secrets, tokens and certificates are looked at this often. */
const FILES_MS = 2000;

/**
 * Start a relay.
 * @throws HotlinkError ERR_HLNK_CONFIG for an address that cannot be read, ERR_HLNK_PORT_BUSY for one that is taken
 */
export async function startRelay(options: RelayOptions): Promise<RelayServer> {
  return openRelay(options, parseListen(options.listen, 'the listen address'));
}

/** @param place where to listen, or the server to be part of */
export async function openRelay(
  options: RelaySettings & Pick<RelayOptions, 'tls'>,
  place: { host: string; port: number } | RelayHost,
): Promise<RelayServer> {
  const stunListen = options.stunListen === undefined ? undefined : parseListen(options.stunListen, 'the STUN address');
  const limits = limitsOf(options.limits);
  checkHeaderValues(options);
  const replica = options.cluster === undefined ? undefined : new (await import('./cluster/acl-replica.js')).AclReplica();
  const acl = await AclStore.load(options.dataDir, limits, options.log ?? SILENT, replica?.found);
  const relay = new Relay(options, limits, acl, await Credentials.open(options));
  try {
    if (replica !== undefined) await relay.join(replica);
    if ('server' in place) relay.attach(place);
    else await relay.listen(place);
    await relay.start(stunListen);
  } catch (error) {
    await relay.close();
    if (error instanceof HotlinkError) throw error;
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
  private http: Front | undefined;
  /** Gives a host's paths back. */
  private detach: () => void = () => {};
  private readonly upgrader: WebSocketServer;
  private readonly sweeper: NodeJS.Timeout;
  private readonly credentials: Credentials;
  private readonly admission: Admission;
  private readonly patrol: Patrol;
  private readonly rates: Rates;
  private readonly fileWatch: NodeJS.Timeout;
  /** Looks at files come one after the other. */
  private looking: Promise<void> = Promise.resolve();
  private stun: StunResponder | undefined;
  private cluster: Cluster | undefined;
  private host = '';
  private boundPort = 0;
  private nextId = 1;
  /** Who upgrades with this request: decided before the answer's headers are made. */
  private readonly upgrading = new WeakMap<IncomingMessage, string>();
  private draining: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: RelaySettings, limits: RelayLimits, acl: AclStore, credentials: Credentials) {
    this.options = options;
    this.limits = limits;
    this.acl = acl;
    this.log = options.log ?? SILENT;
    this.credentials = credentials;
    this.admission = new Admission(options, limits, credentials, this.hub, this.counters);
    this.patrol = new Patrol(this.hub, limits, this.counters, this.log);
    this.rates = new Rates(limits);
    this.sessions = new SessionStore({
      mayRead: (user, path) => acl.can(user, path, 'read'),
      mayWrite: (user, path) => acl.can(user, path, 'write'),
      maxSessionsPerUser: limits.maxSessionsPerUser,
      maxSessions: limits.maxSessions,
      maxPathBytes: limits.maxPathBytes,
      ttlMs: limits.sessionTtlMs,
      isTaken: (sid, user) => this.cluster?.mayOpen(sid, user) === false,
      onDelete: (sid) => this.cluster?.ended(sid),
    });
    this.router = new Router(this.hub, this.sessions, acl, this.counters, this.log);
    this.context = {
      acl,
      counters: this.counters,
      log: this.log,
      maxBodyBytes: limits.maxBodyBytes,
      cluster: () => this.cluster,
      identify: (request: IncomingMessage) => this.admission.identify(request),
      isOverRate: (user: string) => this.rates.of(user, performance.now()).take(1, 0, performance.now()) !== 0,
      iceAdvert: (request: IncomingMessage, email: string) => this.iceAdvert(request, email),
      isReady: () => this.admission.closed === undefined,
    };
    // A message may come in as many reads as the smallest packets make of it.
    const maxBufferedChunks = Math.max(4096, Math.ceil(limits.maxMessageBytes / 512));
    const bounded = { maxPayload: limits.maxMessageBytes, maxFragments: limits.maxFragments, maxBufferedChunks };
    this.upgrader = new WebSocketServer({
      ...bounded,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      autoPong: false,
      handleProtocols: () => false, // upstream offers none (wire §1.1)
    });
    this.upgrader.on('headers', (headers, request) => headers.push(...this.responseHeaders(request)));
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MS, limits.stuckMs / 4, limits.pingMs / 4, limits.pongMs / 4));
    this.sweeper.unref();
    this.fileWatch = setInterval(() => void this.reload(), FILES_MS);
    this.fileWatch.unref();
    acl.watch();
  }

  /** Resolves when this process knows what the others of its cluster know. */
  async join(replica: AclReplica): Promise<void> {
    const { options, hub, sessions, limits, counters, log, router, acl } = this;
    const { openCluster } = await import('./cluster/open.js');
    this.cluster = await openCluster(options.cluster as ClusterOptions, replica, {
      ...{ hub, sessions, limits, counters, log },
      acl,
      route: (from, frame, isBinary) => router.route(from, frame, isBinary),
      show: (session, id, to) => router.show(session, id, to),
      refuse: (to, sid) => router.refuseTaken(to, sid),
      disconnectAll: (reason) => this.patrol.endAll('cutOffDisconnects', 1013, reason),
    });
    router.join(this.cluster);
    this.admission.whyAway = () => (this.cluster?.isServing() === false ? CUT_OFF : undefined);
    await this.cluster.learn();
  }

  async listen({ host, port }: { host: string; port: number }): Promise<void> {
    const http = createFront(
      this.limits,
      this.counters,
      this.admission.proxies,
      this.credentials.certificate,
      (request, response) => void handleRequest(request, response, this.context),
    );
    this.http = http;
    http.on('upgrade', (request, socket, head) => void this.upgrade(request, socket as Socket, head));
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
      upgrade: (request, socket, head) => void this.upgrade(request, socket as Socket, head),
    });
  }

  async start(stunListen: { host: string; port: number } | undefined): Promise<void> {
    if (stunListen !== undefined) this.stun = await startStun(stunListen.host, stunListen.port, this.counters);
    this.log.info(
      { url: this.http === undefined ? 'a host program' : this.url, stunPort: this.stunPort, auth: this.credentials.isOn },
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
    return `http${this.credentials.certificate === undefined ? '' : 's'}://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${this.port}`;
  }

  stats(): RelayStats {
    let pausedConnections = 0;
    let throttledConnections = 0;
    let bufferedBytes = 0;
    let maxBufferedBytes = 0;
    for (const { flow, isThrottled } of this.hub.all()) {
      if (flow.isPaused) pausedConnections++;
      if (isThrottled) throttledConnections++;
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
      throttledConnections,
      bufferedBytes,
      maxBufferedBytes,
      draining: this.draining !== undefined,
      ...(this.cluster === undefined ? {} : { cluster: this.cluster.stats() }),
    };
  }

  reload(): Promise<void> {
    this.looking = this.looking
      .then(() => this.lookAtFiles())
      .catch((error: unknown) => this.log.error({ error: String(error) }, 'files could not be looked at'));
    return this.looking;
  }

  drain(): Promise<void> {
    this.draining ??= this.sendAway();
    return this.draining;
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async sendAway(): Promise<void> {
    this.admission.closed = 'the relay restarts: connect again';
    const leaving = [...this.hub.all()];
    this.log.info({ connections: leaving.length }, 'draining');
    // Nobody is read before anybody is sent away, so that nothing more is put into a queue.
    for (const connection of leaving) connection.stopReading();
    const untilMs = performance.now() + this.limits.drainMs;
    while (performance.now() < untilMs && leaving.some(({ flow }) => flow.bufferedBytes > 0)) await pause(DRAIN_LOOK_MS);
    for (const connection of leaving) connection.close(1012, 'the relay restarts: connect again');
    await Promise.all(leaving.map(({ gone }) => gone));
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.sweeper);
    clearInterval(this.fileWatch);
    this.acl.stop();
    this.admission.closed = 'the relay is stopping';
    const gone = [...this.hub.all()].map((connection) => connection.gone);
    for (const connection of this.hub.all()) connection.close(1001, 'the relay is stopping');
    const { http } = this;
    if (http?.listening) {
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    }
    await Promise.all(gone);
    this.detach();
    await this.cluster?.close();
    await this.stun?.close();
  }

  private async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const known = await this.judge(request);
    if (socket.destroyed) return;
    const address = this.admission.proxies.clientOf(request);
    const admitted = known.ok ? (this.admission.noRoomFor(known.email, address) ?? known) : known;
    if (!admitted.ok) {
      refuseUpgrade(socket, admitted);
      return;
    }
    this.upgrading.set(request, admitted.email);
    this.upgrader.handleUpgrade(request, socket, head, (client) => this.welcome(client, socket, admitted, address, request));
  }

  private async judge(request: IncomingMessage): Promise<Known | Refusal> {
    if (urlOf(request)?.pathname === EVENTS_PATH) return this.admission.identify(request);
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
    const rate = this.rates.of(user, performance.now());
    this.admission.entered(address);
    const connection = new Connection(facts, client, socket, this.limits, rate, this.counters, {
      onFrame: (from, frame, isBinary) => {
        this.router.onFrame(from, frame, isBinary);
        this.patrol.sent();
      },
      onAbuse: (from) => this.patrol.endAllOf(from.user),
      onClose: (gone) => {
        this.admission.left(address);
        const isLast = this.hub.remove(gone);
        this.sessions.disconnected(gone, isLast, performance.now());
        this.cluster?.disconnected(gone);
        this.log.debug({ user, connection: gone.id }, 'disconnected');
      },
    });
    this.counters.connectionsTotal++;
    this.router.greet(connection);
    this.hub.add(connection);
    this.sessions.connected(user);
    this.cluster?.connected(connection);
    this.log.debug({ user, address, connection: connection.id, format: facts.format }, 'connected');
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
    this.rates.sweep(nowMs, (user) => this.hub.newestOf(user) !== undefined);
    this.patrol.look(nowMs, Date.now());
  }

  private async lookAtFiles(): Promise<void> {
    const { identities, certificate } = await this.credentials.look();
    if (certificate && this.http instanceof TlsServer) {
      this.http.setSecureContext(this.credentials.certificate as Certificate);
      this.log.info({}, 'certificate replaced');
    }
    if (identities) {
      await this.patrol.recheck();
      this.log.info({}, 'secrets or tokens replaced');
    }
  }
}
