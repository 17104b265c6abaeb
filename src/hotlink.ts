// The data plane of one identity: joins relay, markers, channels and worker threads, and answers `status()`. Control only: no payload
// byte passes this thread. The library reads no environment, installs no signal handler and prints nothing. Main thread.
//
// Who closes what, in which order: discovery → every channel (its worker part drains, then Close for its sessions) → the worker threads → a
// short pause, so that the relay has sent what it owes us (wire.md S5) → the relay connection.

import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import RingBufferTs from 'ring-buffer-ts';
import {
  type Fingerprint,
  fingerprint,
  HotlinkError,
  type HotlinkErrorCode,
  InboundSessions,
  isEmail,
  type Marker,
  MessageType,
  ownIdStem,
} from '../native-free/index.js';
import type { ChannelShape, FromRelay } from '../workers/messages.js';
import { ChannelControl, STOPPING } from './control/channel-control.js';
import { Discovery } from './control/discovery.js';
import { hostId, newEpoch } from './control/identity.js';
import { eventsUrl, RelayLink } from './control/relay-link.js';
import { Supervisor } from './control/supervisor.js';
import { type ForwardChannel, type ForwardOptions, grant, planForward } from './forward.js';
import type { HotlinkOptions, Log } from './options.js';
import { type ResolvedOptions, resolveOptions } from './resolved-options.js';
import type { Status } from './status.js';

/** Events kept for status, oldest dropped first. */
const RECENT_EVENTS = 256;
/** Between the last Close and the end of the WebSocket, ms (wire.md 13.7). */
const CLOSE_PAUSE_MS = 50;
/** Ids of channels that no marker made. */
const FORWARD_PREFIX = 'forward ';
/** A channel whose worker died starts again after this long, ms. */
const RESTART_MS = 250;

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
  /** Ends everything, telling peers. Idempotent. */
  stop(): Promise<void>;
  /** A snapshot of what runs now. Synchronous and cheap. */
  status(): Status;
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
  readonly #inbound: InboundSessions;
  /** Who sent each Open that may still be accepted, by session id. */
  readonly #openers = new Map<string, Fingerprint>();
  readonly #channels = new Map<string, ChannelControl>();
  readonly #bySid = new Map<string, ChannelControl>();
  readonly #recent = new RingBufferTs.RingBuffer<Status['events'][number]>(RECENT_EVENTS);
  readonly #host = hostId();
  readonly #idStem = ownIdStem(this.#host, newEpoch());
  readonly #totals = { markersRefused: 0, envelopesRefused: 0, opensRefused: 0 };
  /** Counters of channels that are gone. */
  readonly #past = { offers: 0, answersOk: 0, badSignals: 0 };
  /** Channels on their way out. The threads must outlive them. */
  readonly #removals = new Set<Promise<void>>();
  #relay: RelayLink | undefined;
  #relayState: Status['relay'] = { state: 'connecting', since: 0 };
  #discovery: Discovery | undefined;
  #startedMs = 0;
  #nextIndex = 1;
  #timer: NodeJS.Timeout | undefined;
  #changeQueued = false;
  #stopping: Promise<void> | undefined;
  /** Markers are applied one set after the other: stopping a channel takes a moment, and its port must be free for the next. */
  #applying: Promise<void> = Promise.resolve();

  constructor(options: HotlinkOptions) {
    if (!isEmail(options.email)) throw new HotlinkError('ERR_HLNK_CONFIG', `"${options.email}" is not an e-mail address`);
    this.#options = resolveOptions(options);
    this.#log = options.log;
    this.#supervisor = new Supervisor(this.#options.threads);
    this.#inbound = new InboundSessions({ self: options.email });
    options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
  }

  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void {
    this.#emitter.on(event, listener as never);
  }
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => void): void {
    this.#emitter.off(event, listener as never);
  }

  async start(): Promise<void> {
    const { email, server, dataDir, token } = this.#options;
    this.#startedMs = Date.now();
    this.#relayState = { state: 'connecting', since: this.#startedMs };
    let url: string;
    try {
      url = eventsUrl(server, email);
    } catch (error) {
      throw new HotlinkError('ERR_HLNK_CONFIG', `"${server}" is not a relay address; give http://host:port`, { cause: error });
    }
    this.#relay = new RelayLink(
      {
        url,
        idStem: this.#idStem,
        headers: {
          'X-Syft-WS-Encodings': 'msgpack,json',
          'X-Syft-User': email,
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
      },
      {
        message: (message) => this.#fromRelay(message),
        died: (error) => this.#fatal('ERR_HLNK_WORKER', `the relay worker died: ${error.message}`),
      },
    );
    if (dataDir !== undefined) {
      this.#discovery = new Discovery(join(dataDir, 'datasites'), email, {
        markers: (markers) => {
          this.#applying = this.#applying.then(() => this.#apply(markers));
        },
        refused: (path, reason) => {
          this.#totals.markersRefused += 1;
          this.#event('marker refused', { path, reason }, 'warn');
        },
      });
      await this.#discovery.firstScan;
      await this.#applying;
      // Whoever starts us may dial at once. A port that cannot be bound is the channel's problem, shown in its status.
      const listening = [...this.#channels.values()].filter(({ shape }) => shape.kind !== 'dial').map((channel) => channel.listening());
      await Promise.allSettled(listening);
    }
  }

  async forward(options: ForwardOptions): Promise<ForwardChannel> {
    const { server, email, token } = this.#options;
    const plan = planForward(email, options);
    const id = `${FORWARD_PREFIX}${plan.marker.relPath}`;
    if (this.#relay === undefined || this.#stopping !== undefined)
      throw new HotlinkError('ERR_HLNK_CLOSED', 'start() the data plane first');
    if (this.#channels.has(id))
      throw new HotlinkError('ERR_HLNK_USAGE', `a channel "${options.name}" with ${options.peer} is open already`);
    await grant(server, email, plan, token, options.signal);
    const channel = this.#add(id, plan.marker, plan.shape, plan.bind);
    this.#inbound.handleChannelAdded(performance.now());
    this.#service();
    const close = async (): Promise<void> => {
      if (this.#channels.get(id) === channel) await this.#remove(id, channel, 'closed');
    };
    try {
      if (plan.shape.kind !== 'dial') await channel.listening(options.signal);
    } catch (error) {
      await close();
      throw error;
    }
    options.signal?.addEventListener('abort', () => void close(), { once: true });
    const address = plan.shape.kind === 'dial' ? undefined : { host: plan.bind, port: channel.port };
    return { address, close, [Symbol.asyncDispose]: close };
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
    await this.#applying;
    clearTimeout(this.#timer);
    // Draining first: a Close tells the peer to give the session up.
    await Promise.all([...this.#channels.values()].map((channel) => channel.stop(STOPPING)));
    await Promise.all(this.#removals);
    for (const session of [...this.#inbound.all()]) this.#inbound.close(session.sid, STOPPING);
    this.#drainInbound(performance.now());
    this.#emitter.emit('flush');
    await this.#supervisor.stop();
    if (this.#relay !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, CLOSE_PAUSE_MS));
      await this.#relay.stop();
    }
  }

  // --- markers -------------------------------------------------------------------------------------------------------------------

  async #apply(markers: Marker[]): Promise<void> {
    if (this.#stopping !== undefined) return;
    const wanted = new Map(markers.map((marker) => [JSON.stringify(marker), marker]));
    const gone = [...this.#channels].filter(([id]) => !id.startsWith(FORWARD_PREFIX) && !wanted.has(id));
    await Promise.all(gone.map(([id, channel]) => this.#remove(id, channel, 'its marker was removed or changed')));
    for (const [id, marker] of wanted) if (!this.#channels.has(id)) this.#add(id, marker);
    this.#inbound.handleChannelAdded(performance.now());
    this.#service();
  }

  #add(id: string, marker: Marker, shape: ChannelShape = shapeOf(marker), bind = this.#options.bindAddress): ChannelControl {
    const { limits, rtc, ice, mtu, email } = this.#options;
    const channel = new ChannelControl(
      { index: this.#nextIndex, marker, email, host: this.#host, bind, shape, limits, rtc, ice, mtu },
      this.#supervisor,
      {
        send: (idStem, message) => {
          if (message.typ === MessageType.Open) this.#bySid.set(message.sid, channel);
          if (message.typ === MessageType.Close) this.#bySid.delete(message.sid);
          if (this.#relayState.state === 'up') this.#relay?.send(idStem, message);
        },
        relay: (message) => this.#relay?.post(message),
        changed: () => this.#changed(),
        flush: () => this.#emitter.emit('flush'),
        event: (what, fields) => this.#event(what, fields),
        trace: (what, fields) => this.#log?.debug(fields, what),
        failed: (failed, code, message, over) => this.#channelFailed(id, failed, code, message, over),
        died: (dead, error) => this.#channelDied(id, dead, error),
      },
    );
    this.#nextIndex += 1;
    this.#channels.set(id, channel);
    if (this.#relayState.state === 'up') channel.relayUp(performance.now());
    this.#event('channel added', { key: channel.key, peer: marker.peer, port: marker.port });
    return channel;
  }

  #remove(id: string, channel: ChannelControl, reason: string): Promise<void> {
    const removal = this.#takeDown(id, channel, reason).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    return removal;
  }

  async #takeDown(id: string, channel: ChannelControl, reason: string): Promise<void> {
    this.#channels.delete(id);
    for (const key of ['offers', 'answersOk', 'badSignals'] as const) this.#past[key] += channel.totals[key];
    for (const session of [...this.#inbound.all()])
      if (session.channelId === String(channel.index)) this.#inbound.close(session.sid, reason);
    this.#drainInbound(performance.now());
    await channel.stop(reason);
    for (const [sid, owner] of this.#bySid) if (owner === channel) this.#bySid.delete(sid);
    this.#event('channel removed', { key: channel.key, reason });
  }

  #channelFailed(id: string, channel: ChannelControl, code: HotlinkErrorCode, message: string, over: boolean): void {
    this.#event('channel failed', { key: channel.key, code, reason: message }, 'error');
    if (code === 'ERR_HLNK_STRICT') this.#fatal(code, message);
    // A lost peer or a hole that cannot be mended: both ends must forget the old numbering, which a new epoch tells the peer.
    else if (over) this.#restart(id, channel, message);
  }

  #channelDied(id: string, channel: ChannelControl, error: Error): void {
    this.#event('channel worker died', { key: channel.key, reason: error.message }, 'error');
    if (this.#channels.get(id) !== channel) return;
    this.#channels.delete(id);
    for (const session of [...this.#inbound.all()])
      if (session.channelId === String(channel.index)) this.#inbound.close(session.sid, 'restarted');
    this.#drainInbound(performance.now());
    setTimeout(() => {
      if (this.#stopping === undefined && !this.#channels.has(id)) this.#add(id, channel.marker, channel.shape, channel.bind);
    }, RESTART_MS);
  }

  #restart(id: string, channel: ChannelControl, reason: string): void {
    this.#applying = this.#applying.then(async () => {
      if (this.#stopping !== undefined || this.#channels.get(id) !== channel) return;
      await this.#remove(id, channel, reason);
      this.#add(id, channel.marker, channel.shape, channel.bind);
      this.#service();
    });
  }

  // --- relay ---------------------------------------------------------------------------------------------------------------------

  #fromRelay(message: FromRelay): void {
    const now = performance.now();
    switch (message.t) {
      case 'up':
        this.#relayState = { state: 'up', since: Date.now() };
        this.#options.adoptIce(message.iceServers, message.turnUser, message.turnPass);
        this.#event('relay up', { server: this.#options.server });
        this.#inbound.handleRelay(true, now);
        for (const channel of this.#channels.values()) channel.relayUp(now);
        break;
      case 'down':
        this.#relayDown(message.reason, message.status, now);
        break;
      case 'message':
        this.#message(message.id, message.message, now);
        break;
      case 'refused':
        this.#totals.envelopesRefused += 1;
        this.#event('envelope refused', { reason: message.reason }, 'warn');
        break;
      case 'unrouted':
        this.#inbound.handleStray(message.sid);
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

  #relayDown(reason: string, status: number, now: number): void {
    const wasUp = this.#relayState.state === 'up';
    const denied = status === 401 || status === 403;
    this.#relayState = { state: denied ? 'denied' : 'down', since: Date.now(), lastError: reason };
    this.#event('relay down', { reason, status }, 'warn');
    if (denied) this.#fatal('ERR_HLNK_AUTH', `the relay refused ${this.#options.email}: ${reason}`);
    if (!wasUp) return;
    this.#inbound.handleRelay(false, now);
    for (const channel of this.#channels.values()) channel.relayDown(reason, now);
  }

  #message(
    id: string,
    message: FromRelay extends infer M ? (M extends { t: 'message'; message: infer H } ? H : never) : never,
    now: number,
  ): void {
    switch (message.typ) {
      case MessageType.Open: {
        const peer = fingerprint(id);
        this.#openers.set(message.sid, peer);
        const verdict = this.#inbound.handleOpen(message, peer.kind, (path, from) => this.#channelFor(path, from), now);
        if (verdict !== 'accepted' && verdict !== 'waiting') this.#openers.delete(message.sid);
        break;
      }
      case MessageType.Accept:
        this.#bySid.get(message.sid)?.handleAccept(message.sid, fingerprint(id), now);
        break;
      case MessageType.Reject:
        if (this.#inbound.get(message.sid) !== undefined) this.#inbound.handleClose(message.sid, message.rsn ?? 'rejected');
        else this.#bySid.get(message.sid)?.handleReject(message.sid, message.rsn ?? '', now);
        break;
      case MessageType.Close:
        if (this.#inbound.get(message.sid) !== undefined) this.#inbound.handleClose(message.sid, message.rsn ?? '');
        else this.#bySid.get(message.sid)?.handleClose(message.sid, message.rsn ?? '', now);
        break;
      case MessageType.Signal: {
        const inbound = this.#inbound.get(message.sid);
        const channel = inbound === undefined ? this.#bySid.get(message.sid) : this.#channelOf(inbound.channelId);
        if (message.knd === 'quic_error' && message.err === 'unknown session') channel?.handleReject(message.sid, 'unknown session', now);
        else channel?.handleSignal(message, now);
        break;
      }
    }
  }

  #channelFor(path: string, from: string): string | 'unknown-channel' | 'wrong-peer' {
    let known = false;
    for (const channel of this.#channels.values()) {
      if (!channel.keys.has(path)) continue;
      known = true;
      if (channel.marker.peer === from) return String(channel.index);
    }
    return known ? 'wrong-peer' : 'unknown-channel';
  }

  #channelOf(id: string): ChannelControl | undefined {
    for (const channel of this.#channels.values()) if (String(channel.index) === id) return channel;
    return undefined;
  }

  #drainInbound(now: number): void {
    for (let output = this.#inbound.poll(); output !== undefined; output = this.#inbound.poll()) {
      switch (output.kind) {
        case 'send': {
          const session = this.#inbound.get(output.message.sid);
          const channel = session === undefined ? undefined : this.#channelOf(session.channelId);
          if (session !== undefined && output.message.typ === MessageType.Accept) {
            channel?.prepareInbound(session.sid, session.path, this.#openers.get(session.sid) ?? { kind: 'unknown' });
            this.#openers.delete(session.sid);
          }
          if (this.#relayState.state === 'up') this.#relay?.send(channel?.idStem ?? this.#idStem, output.message);
          break;
        }
        case 'accepted':
          this.#channelOf(output.channelId)?.inboundUp(output.sid, now);
          break;
        case 'replaced':
          this.#channelOf(output.channelId)?.inboundDown(output.oldSid, 'replaced by a new session of the peer', true);
          break;
        case 'closed':
          this.#channelOf(output.channelId)?.inboundDown(output.sid, output.reason, false);
          break;
        case 'refused':
          this.#totals.opensRefused += 1;
          this.#event('open refused', { sid: output.sid, reason: output.reason }, 'warn');
          break;
      }
    }
  }

  // --- time and observation ------------------------------------------------------------------------------------------------------

  /** Drains the session machines and sets the one timer to their next deadline. */
  #service(): void {
    const now = performance.now();
    this.#drainInbound(now);
    clearTimeout(this.#timer);
    if (this.#stopping !== undefined) return;
    let at = this.#inbound.timeoutMs() ?? Number.POSITIVE_INFINITY;
    for (const channel of this.#channels.values()) at = Math.min(at, channel.timeoutMs() ?? Number.POSITIVE_INFINITY);
    if (at !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#timeout(), Math.max(1, at - now));
  }

  #timeout(): void {
    const now = performance.now();
    const due = this.#inbound.timeoutMs();
    if (due !== undefined && due <= now) this.#inbound.handleTimeout(now);
    for (const channel of this.#channels.values()) {
      const at = channel.timeoutMs();
      if (at !== undefined && at <= now) channel.handleTimeout(now);
    }
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

  #event(what: string, fields: Record<string, unknown>, level: 'info' | 'warn' | 'error' = 'info'): void {
    this.#recent.add({ atMs: Date.now(), what, fields });
    this.#log?.[level](fields, what);
    this.#emitter.emit('event', what, fields);
    this.#changed();
  }

  #fatal(code: HotlinkErrorCode, message: string): void {
    if (this.#stopping === undefined) this.#emitter.emit('fatal', new HotlinkError(code, message));
  }

  status(): Status {
    const channels = [...this.#channels.values()];
    const statuses = channels.map((channel) => channel.status());
    const sum = (key: 'offers' | 'answersOk' | 'badSignals'): number =>
      channels.reduce((total, channel) => total + channel.totals[key], this.#past[key]);
    const count = (key: 'strictViolations' | 'framesRefused'): number => statuses.reduce((total, { counters }) => total + counters[key], 0);
    const timings = channels.find((channel) => channel.timings.offerToDcOpenMs !== undefined)?.timings ?? {};
    return {
      email: this.#options.email,
      server: this.#options.server,
      startedMs: this.#startedMs,
      nowMs: Date.now(),
      mode: this.#options.strict ? 'hotlink_p2p_strict' : 'hotlink_p2p',
      strict: this.#options.strict,
      relay: this.#relayState,
      channels: statuses,
      totals: {
        ...this.#totals,
        p2pOffers: sum('offers'),
        p2pAnswersOk: sum('answersOk'),
        p2pAnswersErr: 0,
        strictViolations: count('strictViolations'),
        framesRefused: count('framesRefused'),
        badSignals: sum('badSignals'),
      },
      timings,
      events: this.#recent.toArray(),
    };
  }
}

/** The shape a marker asks for: `dial` is ours, and so is `"shape": "forward"` on the side that listens for it. */
function shapeOf(marker: Marker): ChannelShape {
  if (marker.dial !== undefined) return { kind: 'dial', host: marker.dial.host, port: marker.dial.port };
  return { kind: marker.extra?.['shape'] === 'forward' ? 'forward' : 'rendezvous', port: marker.port };
}
