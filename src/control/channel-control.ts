// One channel as the main thread sees it: opens and accepts its sessions, tells its worker what is up, and hands on what the worker says.
// Bytes never pass here. The channel has an epoch, named in all its message ids; starting it anew means a new one, so that the peer
// knows what was lost. Main thread.
//
// Who closes what, in which order: the worker's part drains and ends (`stop`) → Close for the session we opened, which drops its record →
// the relay worker's rings.

import type { MessagePort } from 'node:worker_threads';
import {
  Counter,
  createCounters,
  type Fingerprint,
  HotlinkError,
  inboundKeys,
  type Marker,
  MessageType,
  outboundPath,
  ownIdStem,
  readCounters,
  type SignalMessage,
} from '../../native-free/index.js';
import type { ChannelShape, FromChannel } from '../../workers/messages.js';
import type { ChannelStatus, LaneKind } from '../status.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import { ChannelSessions } from './channel-sessions.js';
import { type Carrier, channelSnapshot } from './channel-snapshot.js';
import { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import { EventLimit } from './event-limit.js';
import { newEpoch } from './identity.js';
import { LaneExchanges } from './lane-exchanges.js';
import { Listening } from './listening.js';
import { OutboundControl } from './outbound-control.js';
import { resetError } from './program-stream.js';
import type { SessionRecord } from './session-record.js';
import type { Place } from './supervisor.js';

/** Signal with which a peer of our own kind says who took an Open without a receiver (local IPC). */
export const HELLO_SIGNAL = 'hl1_hello';
/** Reason of the Close of an upstream opener that goes on with files. */
const FELL_BACK = 'fallback';
/** Reason of the Close of a channel that its owner closed; peers of our kind know it: nothing that was open in it goes on. */
export const CHANNEL_CLOSED = 'channel closed';
/** Reason of the Close that a stopping daemon sends; its peers of our kind know it. */
export const STOPPING = 'shutting down';

/** The answer to a ping. */
export interface Pong {
  /** Undefined when the peer is upstream's, which answers none. */
  lane: LaneKind | undefined;
  rttMs: number;
}

/** The embedding program's stream hears of its channel. */
export interface ProgramListener {
  written(): void;
  /** @param error undefined when it ended in peace */
  over(error: HotlinkError | undefined): void;
  /** The channel was stopped, with whatever was still open. */
  gone(): void;
}

export class ChannelControl {
  readonly index: number;
  readonly marker: Marker;
  readonly key: string;
  readonly keys: ReadonlySet<string>;
  readonly epoch = newEpoch();
  readonly idStem: string;
  readonly #options: ChannelOptions;
  readonly #events: ChannelEvents;
  readonly #worker: ChannelWorker;
  readonly #sessions: ChannelSessions;
  readonly #outbound: OutboundControl;
  readonly #exchanges: LaneExchanges;
  readonly #counters = createCounters();
  readonly #listening = new Listening();
  readonly #refusals = new EventLimit();
  readonly #addedMs: number;
  /** Who waits for which ping. */
  readonly #pings = new Map<number, { resolve(pong: Pong): void; reject(error: HotlinkError): void }>();
  #nextPing = 1;
  #program: ProgramListener | undefined;
  #peer: Fingerprint = { kind: 'unknown' };
  #problem: string | undefined;
  #relayUp = false;
  #carrier: Carrier | undefined;
  /** What {@link timeoutMs} said last; void once something happened. */
  #dueMs: number | undefined;
  #dueKnown = false;

  constructor(options: ChannelOptions, place: Place, events: ChannelEvents) {
    const { marker } = options;
    this.index = options.index;
    this.marker = marker;
    this.key = outboundPath(marker);
    this.keys = new Set(options.shape.kind === 'ipc' ? [] : inboundKeys(marker));
    this.idStem = ownIdStem(options.host, this.epoch, options.ownPeers);
    this.#options = options;
    this.#events = events;
    this.#addedMs = options.clock.unixMs();
    this.#worker = new ChannelWorker(
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
        direct: options.direct,
        quickAck: options.quickAck,
        counters: this.#counters,
        numbers: options.numbers,
      },
      place,
      { message: (message) => this.#fromWorker(message), died: (error) => events.died(error) },
    );
    this.#sessions = new ChannelSessions(options, this.#worker, events);
    this.#outbound = new OutboundControl(marker, options.shape.kind === 'ipc', this.#sessions, {
      send: (message) => events.send(message),
      event: events.event,
      trace: (what, fields) => events.trace(what, fields),
      up: (sid, nowMs) => this.#outboundUp(sid, nowMs),
      problem: (sentence) => {
        this.#problem = sentence;
      },
    });
    this.#exchanges = new LaneExchanges(options, this.epoch, this.#sessions, this.#worker, {
      ...events,
      changed: () => this.#changed(),
      end: (record, wireReason, nowMs) => this.#end(record, wireReason, nowMs),
      replace: (record, nowMs) => {
        if (record.sid === this.#outbound.session.sid) this.#outbound.session.reopen(nowMs);
      },
    });
  }

  get shape(): ChannelShape {
    return this.#options.shape;
  }
  get bind(): string {
    return this.#options.bind;
  }
  /** Whether a session is up, in either direction. */
  get hasSessions(): boolean {
    return this.#sessions.all().next().done !== true;
  }
  /** Port it listens on; 0 before that. */
  get port(): number {
    return this.#listening.port;
  }
  /** What the data plane sums up over all channels, those that are gone included. */
  get totals(): LaneExchanges['totals'] & { framesRefused: number; strictViolations: number } {
    const words = new Float64Array(this.#counters);
    const framesRefused = words[Counter.framesRefused] as number;
    const strictViolations = words[Counter.strictViolations] as number;
    return { ...this.#exchanges.totals, framesRefused, strictViolations };
  }
  get timings(): LaneExchanges['timings'] {
    return this.#exchanges.timings;
  }

  /**
   * Resolves when the channel listens.
   * @throws HotlinkError `ERR_HLNK_PORT_BUSY` when it cannot, `ERR_HLNK_CLOSED` when `signal` aborts first
   */
  listening(signal?: AbortSignal): Promise<void> {
    return this.#listening.wait(signal);
  }

  /** Asks the peer for a round trip. @returns a promise that stays open when the peer does not answer, functions that repeat and forget it */
  ping(): { pong: Promise<Pong>; again: () => void; forget: () => void } {
    const token = this.#nextPing;
    this.#nextPing += 1;
    const pong = new Promise<Pong>((resolve, reject) => this.#pings.set(token, { resolve, reject }));
    const again = (): void => this.#worker.tell({ t: 'ping', token });
    again();
    return { pong, again, forget: () => void this.#pings.delete(token) };
  }

  /** Nobody will answer any more. */
  #endPings(error: HotlinkError): void {
    for (const { reject } of this.#pings.values()) reject(error);
    this.#pings.clear();
  }

  /** Starts the program's stream, once, on a channel of program shape. */
  open(out: SharedArrayBuffer, incoming: SharedArrayBuffer, listener: ProgramListener): void {
    this.#program = listener;
    this.#worker.tell({ t: 'open', out, in: incoming });
  }

  /** The program gives its stream up. */
  abandon(reason: string): void {
    this.#worker.tell({ t: 'abandon', reason });
  }

  /**
   * The worker's part is gone without having been told to. What else there is of the channel goes now: the peer is told, and the relay worker
   * does not wait for room in a ring that nobody empties, which would hold up every channel.
   */
  lost(error: HotlinkError): void {
    this.#listening.ended();
    this.#endPings(error);
    this.#exchanges.close();
    this.#outbound.session.close('restarted');
    this.service(this.#options.clock.nowMs());
    this.#events.relay({ t: 'rings-gone', channel: this.index });
    this.#program?.over(error);
  }

  // --- relay and peer ------------------------------------------------------------------------------------------------------------

  relayUp(nowMs: number): void {
    this.#relayUp = true;
    this.relayThere(true);
    this.#outbound.session.handleRelay(true, nowMs);
    this.service(nowMs);
  }

  /** @param lossy the relay may not have taken the last frames of this channel */
  relayDown(reason: string, lossy: boolean, nowMs: number): void {
    this.#relayUp = false;
    this.relayThere(false);
    this.#outbound.session.handleRelay(false, nowMs);
    this.#sessions.relayDown(reason, lossy);
    this.service(nowMs);
  }

  /** @param there the relay answers: a peer that does not is not merely as cut off as we are */
  relayThere(there: boolean): void {
    this.#worker.tell({ t: 'relay-there', there });
  }

  /** New peer-to-peer connections for every session that the peer opened. */
  renegotiate(nowMs: number): void {
    this.#exchanges.renegotiate(nowMs);
    this.service(nowMs);
  }

  /** This machine's addresses changed. @param lost some are gone, so connections may be dead; otherwise there are only new ones */
  networkChanged(lost: boolean, nowMs: number): void {
    this.#exchanges.networkChanged(lost, nowMs);
    this.service(nowMs);
  }

  /** The peer accepted our Open. */
  handleAccept(sid: string, peer: Fingerprint, nowMs: number): void {
    // An Open without a receiver only asks who of our kind is there; the answer comes as a hello.
    if (this.marker.peer === '' && peer.kind === 'hotlink') return;
    this.#peer = peer;
    this.#outbound.session.handleAccept(sid, peer.kind, nowMs);
    this.service(nowMs);
  }

  handleReject(sid: string, reason: string, nowMs: number): void {
    this.#outbound.session.handleReject(sid, reason, nowMs);
    this.service(nowMs);
  }

  handleClose(sid: string, reason: string, nowMs: number): void {
    const peer = this.#sessions.get(sid)?.peer;
    if (this.#outbound.session.handleClose(sid, reason, nowMs) === 'taken') this.#sessions.drop(sid, reason, isFarewell(reason));
    this.#peerLeft(peer, reason);
    this.service(nowMs);
  }

  /** We are about to accept the peer's Open: what its Data needs is in place before the Accept leaves. */
  prepareInbound(sid: string, path: string, peer: Fingerprint): void {
    this.#dueKnown = false;
    if (peer.kind === 'go') {
      this.#outbound.session.handlePeerKind('go');
      this.#outbound.session.handleGoPath(path);
    }
    this.#peer = peer;
    this.#exchanges.prepareInbound(this.#sessions.get(sid) ?? this.#sessions.add(sid, 'in', path, peer), this.#options.clock.nowMs());
  }

  /** The Accept is on its way. */
  inboundUp(sid: string, nowMs: number): void {
    const record = this.#sessions.get(sid);
    if (record === undefined) return;
    this.#exchanges.up(record, nowMs);
    this.service(nowMs);
  }

  /**
   * The peer opened a session although it has one. Own peers do so after a reconnect; the Go and the Rust client only when they were started
   * anew, and then nothing that it had is left: neither its streams nor the session it had accepted of ours, which nobody else would tell us.
   * @param oldSid the session that it has
   */
  upstreamRestarted(oldSid: string, nowMs: number): void {
    const peer = this.#sessions.get(oldSid)?.peer;
    if (peer?.kind !== 'go' && peer?.kind !== 'rust') return;
    this.#events.event('peer restarted', { peer: this.marker.peer, client: peer.kind });
    this.#worker.tell({ t: 'peer-restarted' });
    const { session } = this.#outbound;
    if (session.state !== 'accepted' || session.sid === undefined) return;
    const { sid } = session;
    session.reopen(nowMs);
    this.#dueKnown = false;
    this.#sessions.drop(sid, 'the peer was started anew');
  }

  /** @param replaced the peer opened a successor, which is up already or about to be */
  inboundDown(sid: string, reason: string, replaced: boolean): void {
    this.#dueKnown = false;
    const peer = this.#sessions.get(sid)?.peer;
    if (replaced) this.#sessions.retire(sid, reason);
    else this.#sessions.drop(sid, reason, isFarewell(reason));
    if (reason === FELL_BACK) this.#events.fellBack();
    this.#peerLeft(peer, reason);
  }

  /** A daemon that stops says so in its Close. What it could not end in time ends here, at once, instead of when silence tells. */
  #peerLeft(peer: Fingerprint | undefined, reason: string): void {
    if (peer?.kind !== 'hotlink') return;
    // An earlier life of its channel, which leaves while the next one is here already: what is open is of that one.
    if (this.#peer.kind === 'hotlink' && this.#peer.instance !== peer.instance) return;
    // Its own resets may not have found a lane: a side that only listened has none until it opens a session.
    if (reason === CHANNEL_CLOSED) this.#worker.tell({ t: 'peer-gone' });
    if (reason !== STOPPING || readCounters(this.#counters).liveConnections === 0) return;
    const message = 'the peer was stopped; local connections are reset';
    this.#program?.over(new HotlinkError('ERR_HLNK_PEER_UNAVAILABLE', message));
    this.#events.failed('ERR_HLNK_PEER_UNAVAILABLE', message, true);
  }

  handleSignal(signal: SignalMessage, nowMs: number): void {
    this.#events.trace('signal in', { sid: signal.sid, kind: signal.knd, tok: signal.tok, err: signal.err });
    if (signal.knd === HELLO_SIGNAL) {
      if (this.marker.peer === '' && signal.sid === this.#outbound.session.sid) this.#events.hello(signal.tok ?? '');
      return;
    }
    this.#exchanges.handleSignal(signal, nowMs);
    this.service(nowMs);
  }

  /** The relay has Data for a session that is bound to no ring. @returns true when it is dealt with */
  handleUnrouted(sid: string, nowMs: number): boolean {
    const record = this.#sessions.get(sid);
    this.#dueKnown = false;
    return record !== undefined && this.#exchanges.handleUnrouted(record, nowMs);
  }

  /** Ends a session from our side. */
  #end({ sid, direction }: SessionRecord, reason: string, nowMs: number): void {
    if (direction === 'in') this.#events.refuse(sid, reason);
    else {
      this.#events.send({ typ: MessageType.Close, sid, rsn: reason });
      this.#outbound.session.handleClose(sid, reason, nowMs);
    }
    this.#sessions.drop(sid, reason);
  }

  // --- machines ------------------------------------------------------------------------------------------------------------------

  /** Drains every machine of this channel and carries out what they ask for. */
  service(nowMs: number): void {
    this.#exchanges.service(nowMs, () => this.#outbound.drain(nowMs));
    this.#changed();
  }

  /** Something happened to a machine: its deadline may be another one. */
  #changed(): void {
    this.#dueKnown = false;
    this.#events.changed();
  }

  /** When the first of its machines wants to be called. Asked of every channel after whatever happens to any, so it is kept until something happens here. */
  timeoutMs(): number | undefined {
    if (!this.#dueKnown) {
      this.#dueKnown = true;
      this.#dueMs = soonest([this.#outbound.session.timeoutMs(), this.#exchanges.timeoutMs()]);
    }
    return this.#dueMs;
  }

  handleTimeout(nowMs: number): void {
    if (isDue(this.#outbound.session.timeoutMs(), nowMs)) this.#outbound.session.handleTimeout(nowMs);
    this.#exchanges.handleTimeout(nowMs);
    this.service(nowMs);
  }

  #outboundUp(sid: string, nowMs: number): void {
    this.#problem = undefined;
    this.#exchanges.up(this.#sessions.add(sid, 'out', this.#outbound.session.path, this.#peer), nowMs);
  }

  // --- worker --------------------------------------------------------------------------------------------------------------------

  #fromWorker(message: FromChannel): void {
    const now = this.#options.clock.nowMs();
    switch (message.t) {
      case 'listening':
        this.#problem = undefined;
        this.#listening.began(message.port);
        this.#events.event('listening', { key: this.key, port: message.port });
        break;
      case 'listen-failed':
        this.#problem = message.message;
        this.#listening.failed(message.message);
        this.#events.event('listen failed', { key: this.key, code: message.code, reason: message.message }, 'warn');
        break;
      case 'want-session':
        if (message.path !== undefined) this.#outbound.name(message.path);
        this.#outbound.session.handleWant(now);
        break;
      case 'want-relay': {
        const record = this.#sessions.get(message.sid);
        if (record !== undefined && this.#mayBindRelay(record)) this.#exchanges.wantRelay(record);
        break;
      }
      case 'seal-broken':
      case 'rtc-started':
      case 'rtc-description':
      case 'rtc-local-candidate':
      case 'rtc-gathered':
      case 'rtc-open':
      case 'rtc-closed':
      case 'rtc-members':
      case 'rtc-widen':
      case 'direct-listening':
      case 'direct-open':
      case 'direct-exhausted':
      case 'direct-closed':
      case 'direct-refused':
        this.#exchanges.handleWorker(message, now);
        break;
      case 'carries':
        this.#carrier =
          message.lane === undefined
            ? undefined
            : { sid: message.sid as string, lane: message.lane, reason: message.reason, sinceMs: this.#options.clock.unixMs() };
        this.#events.event('lane', { key: this.key, peer: this.marker.peer, sid: message.sid, lane: message.lane, reason: message.reason });
        break;
      case 'first-payload':
        this.#exchanges.handleFirstPayload(now);
        this.#events.trace('first payload', { peer: this.marker.peer, sid: message.sid });
        break;
      case 'steady':
        this.#exchanges.timings.firstPayloadToSteadyStateMs = message.ms;
        break;
      case 'refused':
        this.#frameRefused(message.sid, message.reason, now);
        break;
      case 'connection':
        this.#events.event(`connection ${message.event}`, { key: this.key, stream: message.stream, reason: message.reason });
        if (message.event !== 'bound') this.#events.flush();
        if (message.event === 'closed') this.#program?.over(undefined);
        if (message.event === 'reset') this.#program?.over(resetError(message.reason));
        break;
      case 'failed':
        this.#problem = message.message;
        if (message.over) this.#program?.over(new HotlinkError(message.code, message.message));
        this.#events.failed(message.code, message.message, message.over);
        break;
      case 'numbers':
        this.#events.numbers(message.numbers);
        break;
      case 'written':
        this.#program?.written();
        break;
      case 'pong':
        this.#pings.get(message.token)?.resolve(message);
        this.#pings.delete(message.token);
        break;
      case 'stopped':
        break;
    }
    this.service(now);
  }

  /** Gives its thread a profile port (profiling.ts). @returns false when it is stopping */
  profile(port: MessagePort, intervalUs: number): boolean {
    return this.#worker.profile(port, intervalUs);
  }

  /**
   * With the relay away, or back but our session not opened anew yet, an upstream peer's frames wait: on the old session they would be lost,
   * or overtaken by its Close.
   */
  #mayBindRelay({ sid, direction, peer }: SessionRecord): boolean {
    if (direction === 'in') return true;
    return this.#relayUp && (peer.kind === 'hotlink' || sid === this.#outbound.session.sid);
  }

  #frameRefused(sid: string, reason: string, nowMs: number): void {
    const leftOut = this.#refusals.take(nowMs);
    if (leftOut === undefined) return;
    this.#events.event('frame refused', { peer: this.marker.peer, sid, reason, ...(leftOut === 0 ? {} : { leftOut }) }, 'warn');
  }

  // --- status and end ------------------------------------------------------------------------------------------------------------

  status(): ChannelStatus {
    return channelSnapshot({
      key: this.key,
      marker: this.marker,
      shape: this.shape,
      bind: this.bind,
      addedMs: this.#addedMs,
      allowed: {
        direct: this.#options.limits.directAllowed,
        webrtc: this.#options.limits.webrtcAllowed,
        relay: this.#options.limits.relayAllowed,
      },
      webrtcMissing: this.#options.webrtcMissing,
      port: this.port,
      problem: this.#exchanges.problem ?? this.#problem,
      counters: readCounters(this.#counters),
      sessions: this.#sessions,
      outbound: this.#outbound.session,
      carrier: this.#carrier,
    });
  }

  /** Drains and stops the worker's part, then says Close on our session. @returns when its port and its connections are gone */
  async stop(reason: string): Promise<void> {
    this.#listening.ended();
    this.#endPings(new HotlinkError('ERR_HLNK_CLOSED', `the channel ended before the answer came: ${reason}`));
    this.#exchanges.close();
    if (!this.#worker.stopping) {
      await this.#worker.stop();
      this.#outbound.session.close(reason);
      this.service(this.#options.clock.nowMs());
      this.#events.relay({ t: 'rings-gone', channel: this.index });
    }
    await this.#worker.stopped;
    this.#program?.gone();
  }
}

/** A channel that ends in an orderly way has acknowledged what it got; the relay may bring its Close before a lane brings that. */
function isFarewell(reason: string): boolean {
  return reason === CHANNEL_CLOSED || reason === STOPPING;
}
