// The relay server: listens, upgrades clients to WebSocket, and owns everything behind (wire §1.1, §1.2, §1.5). Runs on whatever thread starts it.
// Invariant: close() ends in reverse order of start: clients, HTTP, STUN; the ports are free when it resolves.
import type { IncomingMessage } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { HotlinkError } from '../../native-free/index.js';
import type { Log } from '../options.js';
import { AclStore } from './acl-store.js';
import { Admission } from './admission.js';
import { claim } from './claim.js';
import type { AclReplica } from './cluster/acl-replica.js';
import type { Cluster } from './cluster/cluster.js';
import type { ClusterOptions } from './cluster/options.js';
import { RelayCounters } from './counters.js';
import { Credentials } from './credentials.js';
import { Doorway } from './doorway.js';
import { type Certificate, createFront, type Front } from './front.js';
import { CUT_OFF, type HttpContext, handleRequest } from './http.js';
import { Hub } from './hub.js';
import { type IceAdvert, iceAdvertFor, iceHeaders } from './ice-advert.js';
import { limitsOf, type RelayLimits } from './limits.js';
import { checkHeaderValues, checkNames, parseListen, type RelayOptions, type RelaySettings, SILENT } from './options.js';
import { Patrol } from './patrol.js';
import { Rates } from './rate.js';
import type { Recipient } from './recipient.js';
import { Router } from './router.js';
import type { RelayHost, RelayServer, RelayStats } from './running.js';
import { SessionStore } from './sessions.js';
import { type StunResponder, startStun } from './stun.js';
import { hostOf } from './upgrade.js';

/** Sessions to expire and stuck recipients are looked for this often at most. */
const SWEEP_MS = 1000;
/** While draining, queues are looked at this often. */
const DRAIN_LOOK_MS = 10;
/** Files with secrets, tokens and certificates are looked at this often. */
const FILES_MS = 2000;

/**
 * Starts a relay with a server of its own.
 * @throws HotlinkError `ERR_HLNK_CONFIG`, `ERR_HLNK_PORT_BUSY`
 */
export async function startRelay(options: RelayOptions): Promise<RelayServer> {
  checkNames('startRelay', options, { listen: 1, tls: 1 });
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
  private readonly doorway: Doorway;
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
      mayRead: (user, path, shared) => acl.can(user, path, 'read', shared),
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
    this.doorway = new Doorway({
      ...{ limits, admission: this.admission, rates: this.rates, counters: this.counters, log: this.log },
      headersFor: (request, email) => iceHeaders(this.iceAdvert(request, email)),
      onFrame: (from, frame, isBinary) => {
        this.router.onFrame(from, frame, isBinary);
        this.patrol.sent();
      },
      onAbuse: (from) => this.patrol.endAllOf(from.user),
      onOpen: (connection) => {
        this.router.greet(connection);
        this.hub.add(connection);
        this.sessions.connected(connection.user);
        this.cluster?.connected(connection);
      },
      onClose: (gone) => {
        const isLast = this.hub.remove(gone);
        this.sessions.disconnected(gone, isLast, performance.now());
        this.cluster?.disconnected(gone);
      },
    });
    this.sweeper = setInterval(() => this.sweep(), Math.min(SWEEP_MS, limits.stuckMs / 4, limits.pingMs / 4, limits.pongMs / 4));
    this.sweeper.unref();
    this.fileWatch = setInterval(() => void this.look(false), FILES_MS);
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
    http.on('upgrade', (request, socket, head) => void this.doorway.upgrade(request, socket as Socket, head));
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
      upgrade: (request, socket, head) => void this.doorway.upgrade(request, socket as Socket, head),
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
    return this.look(this.options.authenticate !== undefined);
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

  /** @param asks whoever was let in is asked about in any case: no file would say that an embedder's own authentication thinks otherwise now */
  private look(asks: boolean): Promise<void> {
    this.looking = this.looking
      .then(() => this.lookAtFiles(asks))
      .catch((error: unknown) => this.log.error({ error: String(error) }, 'files could not be looked at'));
    return this.looking;
  }

  private async lookAtFiles(asks: boolean): Promise<void> {
    const { identities, certificate } = await this.credentials.look();
    if (certificate && this.http instanceof TlsServer) {
      this.http.setSecureContext(this.credentials.certificate as Certificate);
      this.log.info({}, 'certificate replaced');
    }
    if (!identities && !asks) return;
    this.admission.generation++;
    await this.patrol.recheck();
    if (identities) this.log.info({}, 'secrets or tokens replaced');
  }
}
