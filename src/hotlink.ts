// The data plane of one identity: joins relay, markers, channels and worker threads, and answers `status()`. Control only: no payload
// byte passes this thread. The library reads no environment, installs no signal handler and prints nothing. Main thread.
//
// Who closes what, in which order: discovery → every channel (its worker part drains, then Close for its sessions) → IPC hosts → the worker
// threads → the relay connection, once the relay has taken the Closes and had a moment to send what it owes us (wire.md S5).

import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import RingBufferTs from 'ring-buffer-ts';
import {
  createThreadHealth,
  fingerprint,
  HotlinkError,
  type HotlinkErrorCode,
  type HotlinkMessage,
  isEmail,
  ownIdStem,
} from '../native-free/index.js';
import type { FromRelay } from '../workers/messages.js';
import { watchThread } from '../workers/thread-health.js';
import { AdHocChannels } from './control/ad-hoc-channels.js';
import { createCertificate } from './control/certificate.js';
import { STOPPING } from './control/channel-control.js';
import { Channels } from './control/channels.js';
import { dispatchMessage } from './control/control-messages.js';
import { soonest } from './control/deadline.js';
import { Discovery } from './control/discovery.js';
import { EventLimit } from './control/event-limit.js';
import { IceRefresh } from './control/ice-refresh.js';
import { Identities } from './control/identities.js';
import { hostId, newEpoch } from './control/identity.js';
import { InboundControl } from './control/inbound-control.js';
import { ipcMarkerName } from './control/ipc-address.js';
import { IpcDirectories } from './control/ipc-directories.js';
import { type NetworkChange, NetworkWatch } from './control/network-watch.js';
import type { PingOptions, PingResult } from './control/ping.js';
import { type ProfiledThread, profileThreads, type ThreadProfile } from './control/profiling.js';
import { RelayLink, relayWorkerData } from './control/relay-link.js';
import { dataPlaneSnapshot } from './control/snapshot.js';
import { StillThreads } from './control/still-threads.js';
import { Supervisor } from './control/supervisor.js';
import type { ConnectOptions, ForwardChannel, ForwardOptions } from './forward.js';
import type { HotlinkOptions, Log } from './options.js';
import { type ResolvedOptions, resolveOptions } from './resolved-options.js';
import type { Status } from './status.js';
import { createSpans, type Spans } from './telemetry/spans.js';

/** Events kept for status, oldest dropped first. */
const RECENT_EVENTS = 256;

interface HotlinkEvents {
  fatal: [error: HotlinkError];
  change: [];
  flush: [];
  event: [what: string, fields: Record<string, unknown>];
}

/** A running data plane. */
export interface Hotlink extends AsyncDisposable {
  /**
   * Starts threads, relay connection and discovery. A relay that cannot be reached is not an error: it is tried again in the background.
   * @throws HotlinkError `ERR_HLNK_CONFIG` when an option cannot be used
   */
  start(): Promise<void>;
  /**
   * Opens an ad-hoc channel without a marker file. The peer gets the permissions it needs on our copy of the channel's directory.
   * @throws HotlinkError `ERR_HLNK_USAGE`, `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_PORT_BUSY`, `ERR_HLNK_CLOSED`
   */
  forward(options: ForwardOptions): Promise<ForwardChannel>;
  /**
   * One stream to the peer, carried by this program itself instead of a TCP port. The other end is another `connect()` or `hotlink pipe`
   * of the same name, or an application behind `forward({ dial })`. It is there at once; what is written waits until the peer comes.
   * 'finish' comes when the peer has acknowledged the last byte; destroying the stream before it is over resets the far end.
   * @throws HotlinkError as {@link forward}
   */
  connect(options: ConnectOptions): Promise<Duplex>;
  /**
   * Measures one round trip through the data path, over a channel with that peer if there is one. The peer answers when it has a channel with
   * us too, whatever its applications do.
   * @throws HotlinkError `ERR_HLNK_PEER_UNAVAILABLE` without an answer in time (default 5000 ms), or from an upstream client; `ERR_HLNK_USAGE`,
   *   `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_CLOSED`
   */
  ping(options: PingOptions): Promise<PingResult>;
  /**
   * Makes new peer-to-peer connections for every session that a peer opened, as after a change of networks: WebRTC connections are given
   * up first, direct ones stay until their successors are up. Streams to peers of our own kind go on, over whatever lane is left meanwhile.
   */
  renegotiate(): void;
  /** Ends everything, telling peers. Idempotent. */
  stop(): Promise<void>;
  /** A snapshot of what runs now. Synchronous and cheap. */
  status(): Status;
  /**
   * A CPU profile of every thread over the next `milliseconds`: `main`, `relay`, `channel-1`, … Aborting ends it early.
   * @throws HotlinkError `ERR_HLNK_USAGE` while one is being taken
   */
  profile(options: { milliseconds: number; signal?: AbortSignal }): Promise<ThreadProfile[]>;
  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void;
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void;
}

/** @returns a data plane that does nothing until `start()` */
export function createHotlink(options: HotlinkOptions): Hotlink {
  return new DataPlane(options);
}

class DataPlane implements Hotlink {
  readonly #options: ResolvedOptions;
  readonly #log: Log | undefined;
  readonly #emitter = new EventEmitter<HotlinkEvents>();
  readonly #supervisor: Supervisor;
  readonly #identities: Identities;
  readonly #channels: Channels;
  readonly #ipc: IpcDirectories;
  #spans: Spans | undefined;
  readonly #inbound: InboundControl;
  readonly #adHoc: AdHocChannels;
  readonly #recent = new RingBufferTs.RingBuffer<Status['events'][number]>(RECENT_EVENTS);
  readonly #host = hostId();
  readonly #idStem: string;
  readonly #totals = { markersRefused: 0, envelopesRefused: 0, opensRefused: 0 };
  readonly #health = createThreadHealth();
  #unwatch: () => void = () => {};
  #relay: RelayLink | undefined;
  #relayState: Status['relay'] = { state: 'connecting', since: 0 };
  #discovery: Discovery | undefined;
  #iceRefresh: IceRefresh | undefined;
  #networkWatch: NetworkWatch | undefined;
  #startedMs = 0;
  #eventId = 0;
  /** What anybody who reaches us, or the peer, can make happen as often as they like. */
  readonly #fromStrangers = new Map(
    ['direct connection refused', 'certificate refused', 'signal refused', 'open refused', 'envelope refused'].map((what) => [
      what,
      new EventLimit(),
    ]),
  );
  #timer: NodeJS.Timeout | undefined;
  #changeQueued = false;
  #stopping: Promise<void> | undefined;

  constructor(options: HotlinkOptions) {
    if (!isEmail(options.email)) throw new HotlinkError('ERR_HLNK_CONFIG', `"${options.email}" is not an e-mail address`);
    this.#options = resolveOptions(options);
    this.#log = options.log;
    this.#idStem = ownIdStem(this.#host, newEpoch(), this.#options.ownPeers);
    this.#supervisor = new Supervisor(this.#options.threads, this.#health);
    const { identity, identityDir } = this.#options;
    this.#identities = new Identities(identity, identityDir, (peer, fingerprint) => this.#event('identity pinned', { peer, fingerprint }));
    this.#channels = new Channels(this.#options, this.#host, this.#identities, this.#supervisor, {
      send: (idStem, message) => this.#send(idStem, message),
      relay: (message) => this.#relay?.post(message),
      changed: () => this.#changed(),
      applied: () => {
        this.#inbound.handleChannelAdded(performance.now());
        this.#service();
      },
      leaving: (channel, reason) => {
        this.#inbound.closeOf(channel, reason);
        this.#inbound.drain(performance.now());
      },
      refuse: (sid, reason) => {
        this.#inbound.refuse(sid, reason);
        this.#inbound.drain(performance.now());
      },
      ipcFor: (path, from) => this.#ipc.forPath(path, from),
      hello: (channel, email) => this.#ipc.hello(channel, email),
      fellBack: (channel) => this.#ipc.replay(channel),
      flush: () => this.#emitter.emit('flush'),
      event: (what, fields, level) => this.#event(what, fields, level),
      trace: (what, fields) => {
        this.#spans?.note(what, fields);
        this.#log?.debug(fields, what);
      },
      fatal: (code, message) => this.#fatal(code, message),
    });
    this.#ipc = new IpcDirectories(this.#options, this.#supervisor, this.#channels, {
      send: (message) => this.#send(this.#idStem, message),
      event: (what, fields, level) => this.#event(what, fields, level),
      applied: () => {
        this.#inbound.handleChannelAdded(performance.now());
        this.#service();
      },
    });
    this.#inbound = new InboundControl(options.email, this.#channels, {
      broadcast: (open) => this.#ipc.broadcast(open),
      send: (idStem, message) => this.#send(idStem ?? this.#idStem, message),
      refused: (sid, reason) => {
        this.#totals.opensRefused += 1;
        this.#event('open refused', { sid, reason }, 'warn');
      },
    });
    this.#adHoc = new AdHocChannels(this.#options, this.#channels, {
      running: () => this.#relay !== undefined && this.#stopping === undefined,
      added: () => {
        this.#inbound.handleChannelAdded(performance.now());
        this.#service();
      },
    });
    options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void {
    this.#emitter.on(event, listener as never);
  }
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void {
    this.#emitter.off(event, listener as never);
  }

  async start(): Promise<void> {
    const { email, server, dataDir, token, ipc, tcpProxy } = this.#options;
    this.#identities.open();
    this.#startedMs = Date.now();
    this.#spans = await createSpans(email);
    this.#leftOut(this.#options.iceWarnings);
    const { webrtcMissing } = this.#options;
    if (webrtcMissing !== undefined) this.#event('webrtc missing', { reason: webrtcMissing }, 'warn');
    if (this.#options.limits.directAllowed) {
      const { port } = this.#options.direct;
      this.#options.direct.identity = { ...createCertificate(), port };
    }
    const stillThreads = new StillThreads(this.#health);
    this.#unwatch = watchThread(this.#health, 'main', () => {
      const { stopped, went } = stillThreads.look(Date.now());
      for (const thread of stopped) this.#event('thread stands still', { ...thread }, 'error');
      for (const thread of went) this.#event('thread goes on', { ...thread }, 'warn');
    });
    this.#relayState = { state: 'connecting', since: this.#startedMs };
    this.#relay = new RelayLink(relayWorkerData(server, email, token, this.#idStem, this.#health), {
      message: (message) => this.#fromRelay(message),
      died: (error) => this.#fatal('ERR_HLNK_WORKER', `the relay worker died: ${error.message}`),
    });
    this.#iceRefresh = new IceRefresh(server, email, token, {
      fresh: ({ iceServers, turnUser, turnPass }) => {
        this.#leftOut(this.#options.adoptIce(iceServers.join(','), turnUser, turnPass));
        this.#event('ice servers renewed', { iceServers: iceServers.join(',') });
      },
      failed: (reason) => this.#event('ice servers not renewed', { reason }, 'warn'),
    });
    this.#networkWatch = new NetworkWatch((change) => this.#networkChanged(change));
    if (dataDir !== undefined) {
      const ipcMarker = ipcMarkerName(ipc.mode, process.platform);
      this.#discovery = new Discovery(
        join(dataDir, 'datasites'),
        email,
        { ipcMarker, tcpProxy },
        {
          ipc: (found) => this.#ipc.apply(found),
          markers: (markers) => this.#channels.apply(markers),
          refused: (path, reason) => {
            this.#totals.markersRefused += 1;
            this.#event('marker refused', { path, reason }, 'warn');
          },
        },
      );
      await this.#discovery.firstScan;
      await this.#channels.applied;
      // Whoever starts us may dial at once. A port that cannot be bound is the channel's problem, shown in its status.
      const listening = [...this.#channels.all()]
        .filter(({ shape }) => shape.kind !== 'dial' && shape.kind !== 'ipc')
        .map((channel) => channel.listening());
      await Promise.allSettled([...listening, this.#ipc.settled()]);
    }
  }

  renegotiate(): void {
    this.#channels.renegotiate(performance.now());
    this.#service();
  }

  forward(options: ForwardOptions): Promise<ForwardChannel> {
    return this.#adHoc.forward(options);
  }

  connect(options: ConnectOptions): Promise<Duplex> {
    return this.#adHoc.connect(options);
  }

  ping(options: PingOptions): Promise<PingResult> {
    return this.#adHoc.ping(options);
  }

  profile({ milliseconds, signal }: { milliseconds: number; signal?: AbortSignal }): Promise<ThreadProfile[]> {
    const others: ProfiledThread[] = [...this.#channels.all()].map((channel) => ({
      kind: 'channel',
      profile: (port, intervalUs) => channel.profile(port, intervalUs),
    }));
    const relay = this.#relay;
    if (relay !== undefined) others.unshift({ kind: 'relay', profile: (port, intervalUs) => relay.profile(port, intervalUs) });
    return profileThreads(others, milliseconds, signal);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    this.#discovery?.stop();
    this.#iceRefresh?.stop();
    this.#networkWatch?.stop();
    this.#unwatch();
    await this.#channels.settle();
    clearTimeout(this.#timer);
    // Draining first: a Close tells the peer to give the session up.
    await this.#channels.stop(STOPPING);
    await this.#ipc.stop(STOPPING);
    this.#inbound.closeAll(STOPPING);
    this.#inbound.drain(performance.now());
    this.#emitter.emit('flush');
    await this.#supervisor.stop();
    await this.#relay?.stop();
    this.#spans?.close();
  }

  // --- relay ---------------------------------------------------------------------------------------------------------------------

  #fromRelay(message: FromRelay): void {
    const now = performance.now();
    switch (message.t) {
      case 'up':
        this.#relayState = { state: 'up', since: Date.now() };
        this.#leftOut(this.#options.adoptIce(message.iceServers, message.turnUser, message.turnPass));
        this.#iceRefresh?.began(message.turnTtl);
        this.#event('relay up', { server: this.#options.server });
        this.#inbound.handleRelay(true, now);
        this.#ipc.relay(true);
        this.#channels.relayUp(now);
        break;
      case 'down':
        this.#relayDown(message.reason, message.status, message.unconfirmed, now);
        break;
      case 'quiet':
        this.#event(message.quiet ? 'relay silent' : 'relay answers', {}, message.quiet ? 'warn' : 'info');
        this.#channels.relayQuiet(message.quiet);
        break;
      case 'message':
        dispatchMessage(message, fingerprint(message.id, this.#options.ownPeers), this.#inbound, this.#channels, now);
        break;
      case 'refused':
        this.#totals.envelopesRefused += 1;
        this.#event('envelope refused', { reason: message.reason }, 'warn');
        break;
      case 'unrouted':
        if (this.#inbound.channelOf(message.sid)?.handleUnrouted(message.sid, now) !== true) this.#inbound.handleStray(message.sid);
        break;
      case 'oversize':
        this.#event(
          'frame refused',
          { sid: message.sid, reason: `${message.bytes} bytes are more than this program takes in one frame` },
          'warn',
        );
        break;
      case 'stopped':
        break;
    }
    this.#service();
  }

  #networkChanged({ addresses, gone, came }: NetworkChange): void {
    this.#event('network changed', { gone: gone.join(', '), came: came.join(', ') });
    this.#relay?.post({ t: 'network-changed', addresses });
    this.#channels.networkChanged(gone.length > 0, performance.now());
    this.#service();
  }

  #relayDown(reason: string, status: number, unconfirmed: readonly number[], now: number): void {
    const before = this.#relayState;
    const wasUp = before.state === 'up';
    const denied = status === 401 || status === 403;
    const state = denied ? 'denied' : 'down';
    this.#relayState = { state, since: before.state === state ? before.since : Date.now(), lastError: reason };
    // A relay that stays away is news once, not at every try.
    if (before.state !== state || before.lastError !== reason) this.#event('relay down', { reason, status }, 'warn');
    else this.#log?.debug({ reason, status }, 'relay still down');
    if (denied) this.#fatal('ERR_HLNK_AUTH', `the relay refused ${this.#options.email}: ${reason}`);
    if (!wasUp) return;
    this.#inbound.handleRelay(false, now);
    this.#ipc.relay(false);
    this.#channels.relayDown(reason, unconfirmed, now);
  }

  /** @param warnings one for each ICE server that cannot be used */
  #leftOut(warnings: readonly string[]): void {
    for (const reason of warnings) this.#event('ice server left out', { reason }, 'warn');
  }

  #send(idStem: string, message: HotlinkMessage): void {
    if (this.#relayState.state === 'up') this.#relay?.send(idStem, message);
  }

  // --- time and observation ------------------------------------------------------------------------------------------------------

  /** Drains the session machines and sets the one timer to their next deadline. */
  #service(): void {
    const now = performance.now();
    this.#inbound.drain(now);
    clearTimeout(this.#timer);
    if (this.#stopping !== undefined) return;
    const at = soonest([this.#inbound.timeoutMs(), this.#channels.timeoutMs()]);
    if (at !== undefined) this.#timer = setTimeout(() => this.#timeout(), Math.max(1, at - now));
  }

  #timeout(): void {
    const now = performance.now();
    this.#inbound.handleTimeout(now);
    this.#channels.handleTimeout(now);
    this.#service();
  }

  #changed(): void {
    if (this.#changeQueued) return;
    this.#changeQueued = true;
    setImmediate(() => {
      this.#changeQueued = false;
      this.#service();
      this.#emitter.emit('change');
    });
  }

  #event(what: string, said: Record<string, unknown>, level: 'info' | 'warn' | 'error' = 'info'): void {
    const limit = this.#fromStrangers.get(what);
    const leftOut = limit === undefined ? 0 : limit.take(performance.now());
    if (leftOut === undefined) return;
    const fields = leftOut === 0 ? said : { ...said, leftOut };
    this.#eventId += 1;
    this.#recent.add({ id: this.#eventId, atMs: Date.now(), what, fields });
    this.#spans?.note(what, fields);
    this.#log?.[level](fields, what);
    this.#emitter.emit('event', what, fields);
    this.#changed();
  }

  #fatal(code: HotlinkErrorCode, message: string): void {
    if (this.#stopping === undefined) this.#emitter.emit('fatal', new HotlinkError(code, message));
  }

  status(): Status {
    return dataPlaneSnapshot({
      options: this.#options,
      startedMs: this.#startedMs,
      relay: this.#relayState,
      channels: this.#channels,
      identity: this.#identities.fingerprint,
      ipc: this.#ipc.status(),
      totals: this.#totals,
      health: this.#health,
      events: this.#recent.toArray(),
    });
  }
}
