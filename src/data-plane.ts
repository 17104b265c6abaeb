// The data plane of one identity: joins relay, markers, channels and worker threads, and answers `status()`. Control only: no payload
// byte passes this thread. The library reads no environment, installs no signal handler and prints nothing. Main thread.
//
// Who closes what, in which order: discovery → every channel (its worker part drains, then Close for its sessions) → IPC hosts → the worker
// threads → the relay connection, once the relay has taken the Closes and had a moment to send what it owes us (wire.md S5).

import { join } from 'node:path';
import { createThreadHealth, HotlinkError, isEmail, ownIdStem } from '../native-free/index.js';
import { watchThread } from '../workers/thread-health.js';
import { checkOptions } from './check-options.js';
import { AdHocChannels } from './control/ad-hoc-channels.js';
import { createCertificate } from './control/certificate.js';
import { STOPPING } from './control/channel-control.js';
import { Channels } from './control/channels.js';
import { soonest } from './control/deadline.js';
import { Discovery } from './control/discovery.js';
import { Identities } from './control/identities.js';
import { hostId, newEpoch } from './control/identity.js';
import { InboundControl } from './control/inbound-control.js';
import { ipcMarkerName } from './control/ipc-address.js';
import { IpcDirectories } from './control/ipc-directories.js';
import { type NetworkChange, NetworkWatch } from './control/network-watch.js';
import type { PingOptions, PingResult } from './control/ping.js';
import { type ProfiledThread, profileThreads, type ThreadProfile } from './control/profiling.js';
import { RelayControl } from './control/relay-control.js';
import { dataPlaneSnapshot } from './control/snapshot.js';
import { StillThreads } from './control/still-threads.js';
import { Supervisor } from './control/supervisor.js';
import { publish } from './diagnostics.js';
import { EventFeed } from './event-feed.js';
import type { EventsOptions } from './event-reader.js';
import type { HotlinkEvent, HotlinkEvents } from './events.js';
import type { ForwardChannel, ForwardOptions, HotlinkStream, StreamOptions } from './forward.js';
import type { Hotlink } from './hotlink.js';
import type { HotlinkOptions } from './options.js';
import { type ResolvedOptions, resolveOptions } from './resolved-options.js';
import type { Status } from './status.js';
import { createSpans } from './telemetry/spans.js';

export class DataPlane implements Hotlink {
  readonly #options: ResolvedOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #feed: EventFeed;
  readonly #supervisor: Supervisor;
  readonly #identities: Identities;
  readonly #channels: Channels;
  readonly #ipc: IpcDirectories;
  readonly #inbound: InboundControl;
  readonly #relay: RelayControl;
  readonly #adHoc: AdHocChannels;
  readonly #totals = { markersRefused: 0, opensRefused: 0 };
  readonly #health = createThreadHealth();
  #unwatch: () => void = () => {};
  #discovery: Discovery | undefined;
  #networkWatch: NetworkWatch | undefined;
  #startedMs = 0;
  /** Channels may be added. */
  #running = false;
  #cancelTimer: () => void = () => {};
  #changeQueued = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: HotlinkOptions) {
    checkOptions(options);
    if (!isEmail(options.email)) throw new HotlinkError('ERR_HLNK_CONFIG', `"${options.email}" is not an e-mail address`);
    this.#options = resolveOptions(options);
    const { email, clock, identity, identityDir, ownPeers, threads, workers } = this.#options;
    const host = hostId();
    const idStem = ownIdStem(host, newEpoch(), ownPeers);
    this.#feed = new EventFeed(email, options.log, clock, () => this.#changed());
    const { report, trace } = this.#feed;
    const fatal: EventFeed['fatal'] = (code, message) => {
      if (this.#stopping === undefined) this.#feed.fatal(code, message);
    };
    const applied = (): void => {
      this.#inbound.handleChannelAdded(clock.nowMs());
      this.#service();
    };
    this.#supervisor = new Supervisor(threads, this.#health, workers.channel);
    this.#identities = new Identities(identity, identityDir, (peer, fingerprint) => report('identity pinned', { peer, fingerprint }));
    this.#channels = new Channels(this.#options, host, this.#identities, this.#supervisor, {
      send: (stem, message) => this.#relay.send(stem, message),
      relay: (message) => this.#relay.post(message),
      changed: () => this.#changed(),
      applied,
      leaving: (channel, reason) => {
        this.#inbound.closeOf(channel, reason);
        this.#inbound.drain(clock.nowMs());
      },
      refuse: (sid, reason) => {
        this.#inbound.refuse(sid, reason);
        this.#inbound.drain(clock.nowMs());
      },
      ipcFor: (path, from) => this.#ipc.forPath(path, from),
      hello: (channel, peer) => this.#ipc.hello(channel, peer),
      fellBack: (channel) => this.#ipc.replay(channel),
      flush: () => this.#feed.emit('flush'),
      event: report,
      trace,
      fatal,
    });
    this.#ipc = new IpcDirectories(this.#options, this.#supervisor, this.#channels, {
      send: (message) => this.#relay.send(idStem, message),
      event: report,
      applied,
    });
    this.#inbound = new InboundControl(email, this.#channels, {
      broadcast: (open) => this.#ipc.broadcast(open),
      send: (stem, message) => this.#relay.send(stem ?? idStem, message),
      refused: (sid, reason) => {
        this.#totals.opensRefused += 1;
        report('open refused', { sid, reason }, 'warn');
      },
    });
    this.#relay = new RelayControl(
      { options: this.#options, channels: this.#channels, ipc: this.#ipc, inbound: this.#inbound, idStem, health: this.#health },
      { report, trace, fatal, connected: (up) => this.#adHoc.relay(up), service: () => this.#service() },
    );
    this.#adHoc = new AdHocChannels(this.#options, this.#channels, {
      running: () => this.#running && this.#stopping === undefined,
      added: applied,
      report,
    });
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#aborted, { once: true });
    if (this.#signal?.aborted === true) this.#aborted();
  }

  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void {
    this.#feed.on(event, listener);
  }
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void {
    this.#feed.off(event, listener);
  }
  events(options: EventsOptions = {}): AsyncIterableIterator<HotlinkEvent> {
    return this.#feed.reader(options);
  }

  // --- start and stop --------------------------------------------------------------------------------------------------------------

  start(): Promise<void> {
    // Refused there, as every call after a stop.
    if (this.#stopping !== undefined) return this.#begin();
    this.#starting ??= this.#begin();
    return this.#starting;
  }

  /** A stop may come at every wait; what was begun by then is ended by {@link #end}, which waits for this to return. */
  async #begin(): Promise<void> {
    const { email, clock, direct, limits, webrtcMissing } = this.#options;
    const { report } = this.#feed;
    this.#goOn();
    publish('hotlink:start', () => ({ email }));
    this.#identities.open();
    this.#startedMs = clock.unixMs();
    this.#feed.spans = await createSpans(email);
    this.#goOn();
    if (webrtcMissing !== undefined) report('webrtc missing', { reason: webrtcMissing }, 'warn');
    if (limits.directAllowed) direct.identity = { ...createCertificate(), port: direct.port };
    const stillThreads = new StillThreads(this.#health);
    this.#unwatch = watchThread(this.#health, 'main', () => {
      const { stopped, went } = stillThreads.look(Date.now());
      for (const thread of stopped) report('thread stands still', thread, 'error');
      for (const thread of went) report('thread goes on', thread, 'warn');
    });
    this.#running = true;
    await Promise.race([this.#relay.start(), this.#stopAsked]);
    this.#goOn();
    this.#networkWatch = new NetworkWatch((change) => this.#networkChanged(change), undefined, clock);
    await this.#discover();
    this.#goOn();
  }

  /** @throws HotlinkError `ERR_HLNK_CLOSED` once it is stopping */
  #goOn(): void {
    if (this.#stopping !== undefined) throw new HotlinkError('ERR_HLNK_CLOSED', 'the data plane was stopped; make another one');
  }

  async #discover(): Promise<void> {
    const { email, dataDir, ipc, tcpProxy, clock } = this.#options;
    if (dataDir === undefined) return;
    this.#discovery = new Discovery(
      join(dataDir, 'datasites'),
      email,
      { ipcMarker: ipcMarkerName(ipc.mode, process.platform), tcpProxy, clock },
      {
        ipc: (found) => this.#ipc.apply(found),
        markers: (markers) => this.#channels.apply(markers),
        refused: (path, reason) => {
          this.#totals.markersRefused += 1;
          this.#feed.report('marker refused', { path, reason }, 'warn');
        },
      },
    );
    await this.#discovery.firstScan;
    await this.#channels.applied;
    // Whoever starts us may dial at once. A port that cannot be bound is the channel's problem, shown in its status.
    const listening = [...this.#channels.all()]
      .filter(({ shape }) => shape.kind !== 'dial' && shape.kind !== 'ipc')
      .map((channel) => channel.listening());
    await Promise.race([Promise.allSettled([...listening, this.#ipc.settled()]), this.#stopAsked]);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    this.#tellStop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  readonly #aborted = (): void => void this.stop();
  #tellStop: () => void = () => {};
  readonly #stopAsked = new Promise<void>((resolve) => {
    this.#tellStop = resolve;
  });

  async #end(): Promise<void> {
    const { email, clock } = this.#options;
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#discovery?.stop();
    await this.#starting?.catch(() => {});
    this.#discovery?.stop();
    this.#relay.quiesce();
    this.#networkWatch?.stop();
    this.#unwatch();
    this.#adHoc.ended();
    await this.#channels.settle();
    this.#cancelTimer();
    // Draining first: a Close tells the peer to give the session up.
    await this.#channels.stop(STOPPING);
    await this.#ipc.stop(STOPPING);
    this.#inbound.closeAll(STOPPING);
    this.#inbound.drain(clock.nowMs());
    this.#feed.emit('flush');
    await this.#supervisor.stop();
    await this.#relay.stop();
    this.#feed.end();
    publish('hotlink:stop', () => ({ email }));
  }

  // --- what programs ask for -------------------------------------------------------------------------------------------------------

  renegotiate(): void {
    this.#channels.renegotiate(this.#options.clock.nowMs());
    this.#service();
  }

  forward(options: ForwardOptions): Promise<ForwardChannel> {
    return this.#adHoc.forward(options);
  }

  connect(options: StreamOptions): Promise<HotlinkStream> {
    return this.#adHoc.connect(options);
  }

  ping(options: PingOptions): Promise<PingResult> {
    return this.#adHoc.ping(options);
  }

  profile(options: { milliseconds: number; signal?: AbortSignal }): Promise<ThreadProfile[]> {
    const channels: ProfiledThread[] = [...this.#channels.all()].map((channel) => ({
      kind: 'channel',
      profile: (port, intervalUs) => channel.profile(port, intervalUs),
    }));
    return profileThreads([...this.#relay.profiled(), ...channels], options);
  }

  status(): Status {
    return dataPlaneSnapshot({
      options: this.#options,
      startedMs: this.#startedMs,
      relay: this.#relay.state,
      channels: this.#channels,
      identity: this.#identities.fingerprint,
      ipc: this.#ipc.status(),
      totals: { ...this.#totals, envelopesRefused: this.#relay.envelopesRefused },
      health: this.#health,
      events: this.#feed.recent(),
    });
  }

  // --- time and networks -----------------------------------------------------------------------------------------------------------

  #networkChanged({ addresses, gone, came }: NetworkChange): void {
    this.#feed.report('network changed', { gone: gone.join(', '), came: came.join(', ') });
    this.#relay.post({ t: 'network-changed', addresses });
    this.#channels.networkChanged(gone.length > 0, this.#options.clock.nowMs());
    this.#service();
  }

  /** Drains the session machines and sets the one timer to their next deadline. */
  #service(): void {
    const { clock } = this.#options;
    const now = clock.nowMs();
    this.#inbound.drain(now);
    this.#cancelTimer();
    if (this.#stopping !== undefined) return;
    const at = soonest([this.#inbound.timeoutMs(), this.#channels.timeoutMs()]);
    if (at !== undefined) this.#cancelTimer = clock.after(Math.max(1, at - now), () => this.#timeout());
  }

  #timeout(): void {
    const now = this.#options.clock.nowMs();
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
      this.#feed.emit('change');
    });
  }
}
