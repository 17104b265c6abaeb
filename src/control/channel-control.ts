// One channel as the main thread sees it: opens and accepts its sessions, runs their SDP exchanges, tells its worker what is up, and
// keeps what status shows. Bytes never pass here. The channel has an epoch, named in all its message ids; starting it anew means a new
// one, so that the peer knows what was lost. Main thread.

import { randomUUID } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import {
  type ChannelLimits,
  createCounters,
  createRing,
  EARLY_TUNABLES,
  EarlyItems,
  type Fingerprint,
  goOutboundPath,
  HotlinkError,
  type HotlinkErrorCode,
  type HotlinkMessage,
  inboundKeys,
  type Marker,
  MessageType,
  Negotiation,
  OutboundSession,
  outboundPath,
  ownIdStem,
  readCounters,
  type SignalMessage,
} from '../../native-free/index.js';
import type { ChannelShape, FromChannel, IceSettings, RtcSettings, ToChannel, ToRelay } from '../../workers/messages.js';
import type { ChannelStatus, LaneKind, SessionStatus } from '../status.js';
import { newEpoch } from './identity.js';
import { clientName, epochOf, type SessionRecord } from './session-record.js';
import type { Supervisor } from './supervisor.js';

/** Largest datagram on a loopback path: beyond about 4160 the stack hangs silently, its read buffers hold 4096 (perf/README.md). */
const SAME_HOST_MTU = 4096;
const UNKNOWN_PATH_MTU = 1280;
/** Backoff between WebRTC attempts of one session, ms. */
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 30_000;

/** Reason of the Close that a stopping daemon sends; its peers of our kind know it. */
export const STOPPING = 'shutting down';

export interface ChannelOptions {
  index: number;
  marker: Marker;
  email: string;
  host: string;
  bind: string;
  shape: ChannelShape;
  limits: ChannelLimits;
  rtc: RtcSettings;
  ice: IceSettings;
  mtu: number | 'auto';
}

export interface ChannelEvents {
  /** Sends a control message; `idStem` names the channel's epoch. */
  send(idStem: string, message: HotlinkMessage): void;
  relay(message: ToRelay): void;
  /** Something that status shows changed, or a machine has a new deadline. */
  changed(): void;
  /** A local connection closed: a moment to write telemetry. */
  flush(): void;
  event(what: string, fields: Record<string, unknown>): void;
  /** For the debug log only. */
  trace(what: string, fields: Record<string, unknown>): void;
  /** @param over the channel must be started anew */
  failed(channel: ChannelControl, code: HotlinkErrorCode, message: string, over: boolean): void;
  died(channel: ChannelControl, error: Error): void;
}

export class ChannelControl {
  readonly index: number;
  readonly marker: Marker;
  readonly key: string;
  readonly keys: ReadonlySet<string>;
  readonly epoch = newEpoch();
  readonly idStem: string;
  readonly outbound: OutboundSession;
  readonly totals = { offers: 0, answersOk: 0, badSignals: 0 };
  readonly timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number } = {};
  readonly #options: ChannelOptions;
  readonly #events: ChannelEvents;
  readonly #port: MessagePort;
  readonly #counters = createCounters();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #early = new EarlyItems<SignalMessage>(EARLY_TUNABLES);
  readonly #stopped: Promise<void>;
  readonly #listenWaiters: ((problem: string | undefined) => void)[] = [];
  #ringsMade = false;
  #nextBinding = 1;
  #peer: Fingerprint = { kind: 'unknown' };
  #portNumber = 0;
  #problem: string | undefined;
  #carries: { sid: string; lane: LaneKind; reason: string } | undefined;
  #dcOpenAtMs: number | undefined;
  #stopping = false;

  constructor(options: ChannelOptions, supervisor: Supervisor, events: ChannelEvents) {
    const { marker } = options;
    this.index = options.index;
    this.marker = marker;
    this.key = outboundPath(marker);
    this.keys = new Set(inboundKeys(marker));
    this.idStem = ownIdStem(options.host, this.epoch);
    this.#options = options;
    this.#events = events;
    this.outbound = new OutboundSession({
      path: this.key,
      goPath: goOutboundPath(marker),
      peer: marker.peer,
      newSid: randomUUID,
      jitter: Math.random,
      // An offline peer is not announced by the relay, so the first tries come quickly: an Open is one small message.
      tunables: { openWaitMs: 500 },
    });
    this.#port = supervisor.start(
      {
        key: this.key,
        peer: marker.peer,
        bind: options.bind,
        shape: options.shape,
        salt: Math.floor(Math.random() * 36 ** 5)
          .toString(36)
          .padStart(5, '0'),
        limits: options.limits,
        rtc: options.rtc,
        counters: this.#counters,
      },
      (error) => {
        if (!this.#stopping) events.died(this, error);
      },
    );
    this.#stopped = new Promise((resolve) => this.#port.once('close', () => resolve()));
    this.#port.on('message', (message: FromChannel) => this.#fromWorker(message));
  }

  get shape(): ChannelShape {
    return this.#options.shape;
  }
  get bind(): string {
    return this.#options.bind;
  }
  /** Port it listens on; 0 before that. */
  get port(): number {
    return this.#portNumber;
  }

  /**
   * Resolves when the channel listens.
   * @throws HotlinkError `ERR_HLNK_PORT_BUSY` when it cannot, `ERR_HLNK_CLOSED` when `signal` aborts first
   */
  listening(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#listenWaiters.push((problem) => (problem === undefined ? resolve() : reject(new HotlinkError('ERR_HLNK_PORT_BUSY', problem))));
      signal?.addEventListener('abort', () => reject(new HotlinkError('ERR_HLNK_CLOSED', 'given up while opening')), { once: true });
      if (this.#portNumber !== 0) this.#tellListenWaiters(undefined);
    });
  }

  #tellListenWaiters(problem: string | undefined): void {
    for (const tell of this.#listenWaiters.splice(0)) tell(problem);
  }

  // --- relay and peer ------------------------------------------------------------------------------------------------------------

  relayUp(nowMs: number): void {
    this.outbound.handleRelay(true, nowMs);
    this.service(nowMs);
  }

  relayDown(reason: string, nowMs: number): void {
    this.outbound.handleRelay(false, nowMs);
    for (const record of this.#sessions.values()) {
      if (record.binding === 0) continue;
      record.binding = 0;
      this.#events.relay({ t: 'unbind', sid: record.sid });
      this.#tell({ t: 'relay-down', sid: record.sid, reason });
    }
    this.service(nowMs);
  }

  /** The peer accepted our Open. */
  handleAccept(sid: string, peer: Fingerprint, nowMs: number): void {
    this.#peer = peer;
    this.outbound.handleAccept(sid, peer.kind, nowMs);
    this.service(nowMs);
  }

  handleReject(sid: string, reason: string, nowMs: number): void {
    this.outbound.handleReject(sid, reason, nowMs);
    this.service(nowMs);
  }

  handleClose(sid: string, reason: string, nowMs: number): void {
    const peer = this.#sessions.get(sid)?.peer;
    if (this.outbound.handleClose(sid, reason, nowMs) === 'taken') this.#drop(sid, reason);
    this.#peerLeft(peer, reason);
    this.service(nowMs);
  }

  /** We are about to accept the peer's Open: what its Data needs is in place before the Accept leaves. */
  prepareInbound(sid: string, path: string, peer: Fingerprint): void {
    this.#peer = peer;
    this.#bindRelay(this.#sessions.get(sid) ?? this.#record(sid, 'in', path, peer));
  }

  /** The Accept is on its way. */
  inboundUp(sid: string, nowMs: number): void {
    const record = this.#sessions.get(sid);
    if (record === undefined) return;
    const { peer } = record;
    if (!this.#options.limits.webrtcAllowed) {
      this.#events.send(this.idStem, {
        typ: MessageType.Signal,
        sid,
        knd: 'webrtc_error',
        err: 'the webrtc lane is switched off on this side',
      });
    } else if (peer.kind !== 'go') this.#negotiate(record, 'offerer', nowMs);
    this.#takeEarly(sid, nowMs);
    this.service(nowMs);
  }

  /** @param replaced the peer opened a successor, which is up already or about to be */
  inboundDown(sid: string, reason: string, replaced: boolean): void {
    const peer = this.#sessions.get(sid)?.peer;
    if (replaced) this.#retire(sid, reason);
    else this.#drop(sid, reason);
    this.#peerLeft(peer, reason);
  }

  /** A daemon that stops says so in its Close. What it could not end in time ends here, at once, instead of when silence tells. */
  #peerLeft(peer: Fingerprint | undefined, reason: string): void {
    if (peer?.kind !== 'hotlink' || reason !== STOPPING || readCounters(this.#counters).liveConnections === 0) return;
    this.#events.failed(this, 'ERR_HLNK_PEER_UNAVAILABLE', 'the peer was stopped; local connections are reset', true);
  }

  handleSignal(signal: SignalMessage, nowMs: number): void {
    this.#events.trace('signal in', { sid: signal.sid, kind: signal.knd, tok: signal.tok, err: signal.err });
    const record = this.#sessions.get(signal.sid);
    if (record === undefined) {
      this.#early.put(signal.sid, signal, nowMs);
      return;
    }
    // The acceptor began again: a new connection for the same session.
    const begun = record.negotiation?.state;
    if (record.direction === 'out' && signal.knd === 'sdp_offer' && (begun === undefined || begun === 'connected' || begun === 'failed')) {
      if (this.#options.limits.webrtcAllowed) this.#negotiate(record, 'answerer', nowMs);
    }
    const negotiation = record.negotiation;
    if (negotiation === undefined) {
      if (signal.knd === 'webrtc_error') this.#rtcFailed(record, `the peer says: ${signal.err ?? 'no reason'}`, nowMs);
    } else if (negotiation.handleSignal(signal.knd, signal.tok, signal.err, nowMs) === 'bad') {
      this.totals.badSignals += 1;
      this.#events.event('signal refused', { sid: signal.sid, kind: signal.knd });
    }
    this.service(nowMs);
  }

  // --- machines ------------------------------------------------------------------------------------------------------------------

  /** Drains every machine of this channel and carries out what they ask for. */
  service(nowMs: number): void {
    for (let output = this.outbound.poll(); output !== undefined; output = this.outbound.poll()) {
      switch (output.kind) {
        case 'send':
          this.#events.send(this.idStem, output.message);
          if (output.message.typ === MessageType.Close) this.#retire(output.message.sid, output.message.rsn ?? 'closed');
          break;
        case 'accepted':
          this.#outboundUp(output.sid, nowMs);
          break;
        case 'reopened':
          this.#events.event('session re-opened', { peer: this.marker.peer, oldSid: output.oldSid, sid: output.sid });
          break;
        case 'lost':
          this.#drop(output.sid, output.reason);
          this.#events.event('session lost', { peer: this.marker.peer, sid: output.sid, reason: output.reason });
          break;
        case 'rejected':
          this.#problem = `the relay or the peer refused the session: ${output.reason}; trying again in ${Math.round(output.retryInMs)} ms`;
          this.#events.event('session rejected', {
            peer: this.marker.peer,
            sid: output.sid,
            reason: output.reason,
            retryInMs: output.retryInMs,
          });
          break;
      }
    }
    for (const record of this.#sessions.values()) this.#serviceNegotiation(record, nowMs);
    this.#events.changed();
  }

  timeoutMs(): number | undefined {
    const times = [this.outbound.timeoutMs(), this.#early.timeoutMs()];
    for (const { negotiation, retryAtMs } of this.#sessions.values()) times.push(negotiation?.timeoutMs(), retryAtMs);
    return times.reduce((soonest, at) => (at === undefined || (soonest !== undefined && soonest <= at) ? soonest : at), undefined);
  }

  handleTimeout(nowMs: number): void {
    const due = (at: number | undefined): boolean => at !== undefined && at <= nowMs;
    if (due(this.outbound.timeoutMs())) this.outbound.handleTimeout(nowMs);
    if (due(this.#early.timeoutMs())) this.#early.handleTimeout(nowMs);
    for (const record of this.#sessions.values()) {
      if (due(record.negotiation?.timeoutMs())) record.negotiation?.handleTimeout(nowMs);
      if (due(record.retryAtMs)) this.#negotiate(record, 'offerer', nowMs);
    }
    this.service(nowMs);
  }

  #outboundUp(sid: string, nowMs: number): void {
    this.#problem = undefined;
    const record = this.#record(sid, 'out', this.outbound.path, this.#peer);
    if (this.#peer.kind === 'go') this.#rtcFailed(record, 'a Go peer has no WebRTC', nowMs);
    else if (this.#options.limits.webrtcAllowed) record.webrtc = 'connecting';
    this.#takeEarly(sid, nowMs);
  }

  #record(sid: string, direction: 'in' | 'out', path: string, peer: Fingerprint): SessionRecord {
    const own = peer.kind === 'hotlink';
    const sameHost = own && peer.host === this.#options.host;
    const mtu = this.#options.mtu === 'auto' ? (sameHost ? SAME_HOST_MTU : UNKNOWN_PATH_MTU) : this.#options.mtu;
    const record: SessionRecord = {
      sid,
      direction,
      path,
      peer,
      mtu,
      sameHost,
      binding: 0,
      negotiation: undefined,
      webrtc: 'none',
      candidates: '',
      attempts: 0,
      retired: false,
      retryAtMs: undefined,
    };
    this.#sessions.set(sid, record);
    this.#tell({ t: 'session-up', sid, direction, own, epoch: epochOf(peer), path });
    this.#events.event('session accepted', { peer: this.marker.peer, sid, direction, client: peer.kind });
    return record;
  }

  #takeEarly(sid: string, nowMs: number): void {
    for (const signal of this.#early.take(sid)) this.handleSignal(signal, nowMs);
  }

  /** Ends a session that has a successor. Its data channel, if it is up, goes on carrying bytes until the successor's is (own peers). */
  #retire(sid: string, reason: string): void {
    const record = this.#sessions.get(sid);
    if (record === undefined) return;
    if (record.webrtc !== 'connected' || record.peer.kind !== 'hotlink' || this.#stopping) {
      this.#drop(sid, reason);
      return;
    }
    record.retired = true;
    if (record.binding === 0) return;
    record.binding = 0;
    this.#events.relay({ t: 'unbind', sid });
    this.#tell({ t: 'relay-down', sid, reason });
  }

  #drop(sid: string, reason: string): void {
    const record = this.#sessions.get(sid);
    if (record === undefined) return;
    this.#sessions.delete(sid);
    if (record.binding !== 0) this.#events.relay({ t: 'unbind', sid });
    this.#tell({ t: 'session-down', sid });
    this.#events.event('session ended', { peer: this.marker.peer, sid, reason });
    this.#events.changed();
  }

  // --- WebRTC --------------------------------------------------------------------------------------------------------------------

  #negotiate(record: SessionRecord, role: 'offerer' | 'answerer', nowMs: number): void {
    record.retryAtMs = undefined;
    record.attempts += 1;
    record.webrtc = 'connecting';
    record.negotiation = new Negotiation({ role });
    this.#tell({
      t: 'rtc-start',
      sid: record.sid,
      role,
      own: record.peer.kind === 'hotlink',
      mtu: record.mtu,
      loopback: record.sameHost,
      ice: this.#options.ice,
    });
    record.negotiation.start(nowMs);
  }

  #serviceNegotiation(record: SessionRecord, nowMs: number): void {
    const negotiation = record.negotiation;
    if (negotiation === undefined) return;
    for (let output = negotiation.poll(); output !== undefined; output = negotiation.poll()) {
      switch (output.kind) {
        case 'send': {
          if (output.knd === 'sdp_offer') this.totals.offers += 1;
          if (output.knd === 'sdp_answer') this.totals.answersOk += 1;
          const { knd, tok, err } = output;
          this.#events.trace('signal out', { sid: record.sid, kind: knd, tok, err });
          this.#events.send(this.idStem, {
            typ: MessageType.Signal,
            sid: record.sid,
            knd,
            ...(tok === undefined ? {} : { tok }),
            ...(err === undefined ? {} : { err }),
          });
          break;
        }
        case 'set-remote':
          this.#events.trace('remote description', { sid: record.sid, type: output.type });
          this.#tell({ t: 'rtc-remote', sid: record.sid, type: output.type, sdp: output.sdp });
          break;
        case 'add-candidate':
          this.#tell({ t: 'rtc-candidate', sid: record.sid, candidate: output.candidate, mid: output.mid });
          break;
        case 'failed':
          this.#rtcFailed(record, output.reason, nowMs);
          break;
      }
    }
  }

  #rtcFailed(record: SessionRecord, reason: string, nowMs: number): void {
    if (record.negotiation !== undefined) this.#tell({ t: 'rtc-stop', sid: record.sid });
    record.webrtc = 'error';
    this.#tell({ t: 'rtc-failed', sid: record.sid, reason });
    this.#events.event('webrtc failed', { peer: this.marker.peer, sid: record.sid, reason });
    // The acceptor offers, so the acceptor tries again.
    if (record.direction === 'in' && this.#options.limits.webrtcAllowed) {
      record.retryAtMs =
        nowMs + Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(record.attempts - 1, 8)) * (0.75 + Math.random() / 2);
    }
  }

  // --- worker --------------------------------------------------------------------------------------------------------------------

  #fromWorker(message: FromChannel): void {
    const now = performance.now();
    switch (message.t) {
      case 'listening':
        this.#portNumber = message.port;
        this.#problem = undefined;
        this.#tellListenWaiters(undefined);
        this.#events.event('listening', { key: this.key, port: message.port });
        break;
      case 'listen-failed':
        this.#problem = message.message;
        this.#tellListenWaiters(message.message);
        this.#events.event('listen failed', { key: this.key, code: message.code, reason: message.message });
        break;
      case 'want-session':
        this.outbound.handleWant(now);
        break;
      case 'want-relay': {
        const record = this.#sessions.get(message.sid);
        if (record !== undefined) this.#bindRelay(record);
        break;
      }
      case 'rtc-description':
        this.#sessions.get(message.sid)?.negotiation?.handleLocalDescription(message.type, message.sdp, now);
        break;
      case 'rtc-local-candidate':
        this.#sessions.get(message.sid)?.negotiation?.handleLocalCandidate(message.candidate, message.mid, now);
        break;
      case 'rtc-gathered':
        this.#sessions.get(message.sid)?.negotiation?.handleGatheringComplete(message.sdp, now);
        break;
      case 'rtc-open':
        this.#rtcOpen(message.sid, `${message.local}/${message.remote}`, now);
        break;
      case 'rtc-closed': {
        const record = this.#sessions.get(message.sid);
        if (record === undefined) break;
        if (record.retired) this.#drop(record.sid, message.reason);
        else if (record.negotiation?.state === 'connected' || record.negotiation === undefined)
          this.#rtcFailed(record, message.reason, now);
        else record.negotiation.handleFailed(message.reason, now);
        break;
      }
      case 'carries':
        this.#carries = message.lane === undefined ? undefined : { sid: message.sid as string, lane: message.lane, reason: message.reason };
        this.#events.event('lane', { peer: this.marker.peer, sid: message.sid, lane: message.lane, reason: message.reason });
        break;
      case 'first-payload':
        if (this.#dcOpenAtMs !== undefined) this.timings.openToFirstPayloadMs = now - this.#dcOpenAtMs;
        break;
      case 'refused':
        this.#events.event('frame refused', { peer: this.marker.peer, sid: message.sid, reason: message.reason });
        break;
      case 'connection':
        this.#events.event(`connection ${message.event}`, { key: this.key, stream: message.stream, reason: message.reason });
        if (message.event !== 'bound') this.#events.flush();
        break;
      case 'failed':
        this.#problem = message.message;
        this.#events.failed(this, message.code, message.message, message.over);
        break;
      case 'stopped':
        break;
    }
    this.service(now);
  }

  #rtcOpen(sid: string, candidates: string, nowMs: number): void {
    const record = this.#sessions.get(sid);
    if (record === undefined) return;
    record.webrtc = 'connected';
    record.candidates = candidates;
    record.attempts = 0;
    record.negotiation?.handleConnected(nowMs);
    for (const old of [...this.#sessions.values()]) {
      if (old.retired && old.direction === record.direction) this.#drop(old.sid, 'its successor is up');
    }
    this.#dcOpenAtMs = nowMs;
    this.totals.answersOk += 1;
    if (record.negotiation?.offerToOpenMs !== undefined) this.timings.offerToDcOpenMs = record.negotiation.offerToOpenMs;
    this.#events.event('webrtc open', { peer: this.marker.peer, sid, candidates, mtu: record.mtu });
  }

  #bindRelay(record: SessionRecord): void {
    if (record.binding !== 0) return;
    if (!this.#ringsMade) {
      this.#ringsMade = true;
      // Out: four of our largest frames. In: a peer's frames may be larger than ours (a Rust chunk goes up to 1 MiB).
      const out = createRing(Math.max(1_048_576, 4 * (this.#options.limits.chunkBytes + 8192)));
      const incoming = createRing(4_194_304);
      this.#events.relay({ t: 'rings', channel: this.index, out, in: incoming });
      this.#tell({ t: 'relay-rings', out, in: incoming });
    }
    record.binding = this.#nextBinding;
    this.#nextBinding += 1;
    this.#events.relay({ t: 'bind', channel: this.index, binding: record.binding, sid: record.sid, direction: record.direction });
    this.#tell({ t: 'relay-up', sid: record.sid, binding: record.binding, direction: record.direction });
  }

  #tell(message: ToChannel): void {
    if (!this.#stopping) this.#port.postMessage(message);
  }

  // --- status and end ------------------------------------------------------------------------------------------------------------

  status(): ChannelStatus {
    const counters = readCounters(this.#counters);
    const channel = this.key.split('/').at(-2) ?? '';
    const sessions: SessionStatus[] = [...this.#sessions.values()].map((record) => ({
      sid: record.sid,
      direction: record.direction,
      peer: this.marker.peer,
      channel,
      state: 'accepted',
      webrtc: record.webrtc,
      client: clientName(record.peer),
      ...(this.#carries?.sid === record.sid ? { lane: this.#carries.lane, laneReason: this.#carries.reason } : {}),
      seq: record.direction === 'out' ? counters.txPackets : counters.rxPackets,
      mtu: record.mtu,
    }));
    const { sid, state } = this.outbound;
    if (sid !== undefined && !this.#sessions.has(sid) && state === 'opening') {
      sessions.push({
        sid,
        direction: 'out',
        peer: this.marker.peer,
        channel,
        state: 'opening',
        webrtc: 'none',
        client: 'unknown',
        seq: 0,
      });
    }
    return {
      key: this.key,
      peer: this.marker.peer,
      from: this.marker.from,
      to: this.marker.to,
      port: this.#portNumber,
      listening: this.#portNumber !== 0,
      connections: counters.liveConnections,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      counters,
      sessions,
    };
  }

  /** Drains and stops the worker's part, then says Close on our session. @returns when its port and its connections are gone */
  async stop(reason: string): Promise<void> {
    if (!this.#stopping) {
      this.#tell({ t: 'stop' });
      this.#stopping = true;
      await this.#stopped;
      this.outbound.close(reason);
      this.service(performance.now());
      this.#events.relay({ t: 'rings-gone', channel: this.index });
    }
    await this.#stopped;
  }
}
