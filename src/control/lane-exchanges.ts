// What is agreed with the peer by signals about every session of one channel: how its lanes come up (WebRTC, direct), whether the relay's
// frames are sealed, and whether the peer is who it should be. Hands each signal to the exchange it is for; one that comes before its
// session waits. Main thread.

import {
  DIRECT_SIGNAL,
  EARLY_TUNABLES,
  EarlyItems,
  KEY_SIGNAL,
  MessageType,
  type SignalMessage,
  STRIPE_SIGNAL,
  signalBytes,
} from '../../native-free/index.js';
import type { FromChannel } from '../../workers/messages.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import { DirectExchanges, type DirectMessage } from './direct-exchanges.js';
import { RtcExchanges, type RtcMessage } from './rtc-exchanges.js';
import { SealExchanges, type SealExchangesEvents } from './seal-exchanges.js';
import type { SessionRecord } from './session-record.js';
import { StripeExchanges } from './stripe-exchanges.js';
import { Trust } from './trust.js';

/** Signal of ours: its sender, who opened the session, asks the acceptor for new offers, since its own network changed. */
const RENEGOTIATE_SIGNAL = 'hl1_renegotiate';
/** Between two new connections that a peer asks for, ms: what a peer may cost us. */
const ASKED_AGAIN_MS = 1000;

/** What a worker says of lanes that are being agreed on. */
export type LaneMessage = RtcMessage | DirectMessage | Extract<FromChannel, { t: 'seal-broken' }>;

export class LaneExchanges {
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #events: ChannelEvents;
  readonly #trust: Trust;
  readonly #seals: SealExchanges;
  readonly #direct: DirectExchanges;
  readonly #rtc: RtcExchanges;
  readonly #stripes: StripeExchanges;
  /** Signals that came before their session. */
  readonly #early = new EarlyItems<SignalMessage>({ ...EARLY_TUNABLES, sizeBytes: signalBytes });

  /** @param epoch this channel's, as its message ids name it */
  constructor(
    options: ChannelOptions,
    epoch: string,
    sessions: ChannelSessions,
    worker: ChannelWorker,
    events: ChannelEvents & SealExchangesEvents,
  ) {
    this.#options = options;
    this.#sessions = sessions;
    this.#events = events;
    this.#trust = new Trust(options, sessions, events);
    this.#seals = new SealExchanges(options, epoch, sessions, worker, this.#trust, events);
    this.#direct = new DirectExchanges(options, sessions, worker, this.#trust, events);
    this.#rtc = new RtcExchanges(options, sessions, worker, this.#trust, events);
    this.#stripes = new StripeExchanges(options, sessions, worker, this.#trust, events);
  }

  /** Why the peer is refused, or nothing goes through the relay, in a sentence. */
  get problem(): string | undefined {
    return this.#trust.problem ?? this.#seals.problem;
  }
  get totals(): RtcExchanges['totals'] {
    const { offers, answersOk, badSignals } = this.#rtc.totals;
    return { offers, answersOk, badSignals: badSignals + this.#seals.badSignals + this.#trust.refused };
  }
  get timings(): RtcExchanges['timings'] {
    return this.#rtc.timings;
  }

  /** The peer's Open is about to be accepted. */
  prepareInbound(record: SessionRecord, nowMs: number): void {
    this.#seals.prepareInbound(record, nowMs);
  }

  /** A session was accepted, by either side. */
  up(record: SessionRecord, nowMs: number): void {
    if (this.#trust.admits(record, nowMs)) {
      this.#seals.sessionUp(record, nowMs);
      const lanes = [this.#direct, this.#rtc];
      for (const lane of lanes) {
        if (record.direction === 'in') lane.inboundUp(record, nowMs);
        else lane.outboundUp(record, nowMs);
      }
    }
    for (const signal of this.#early.take(record.sid)) this.handleSignal(signal, nowMs);
  }

  handleSignal(signal: SignalMessage, nowMs: number): void {
    const record = this.#sessions.get(signal.sid);
    if (record === undefined) this.#early.put(signal.sid, signal, nowMs);
    else if (signal.knd === KEY_SIGNAL) this.#seals.handleSignal(record, signal.tok);
    else if (signal.knd === RENEGOTIATE_SIGNAL) this.#renegotiateAsked(record, nowMs);
    else if (signal.knd === DIRECT_SIGNAL) this.#direct.handleSignal(record, signal, nowMs);
    else if (signal.knd === STRIPE_SIGNAL) this.#stripes.handleSignal(record, signal, nowMs);
    else this.#rtc.handleSignal(record, signal, nowMs);
  }

  handleWorker(message: LaneMessage, nowMs: number): void {
    if (message.t === 'seal-broken') {
      const record = this.#sessions.get(message.sid);
      if (record !== undefined) this.#seals.broken(record, message.reason, nowMs);
    } else if (isDirect(message)) this.#direct.handleWorker(message, nowMs);
    else if (!this.#stripes.handleWorker(message, nowMs)) this.#rtc.handleWorker(message, nowMs);
  }

  /** The first payload of a data channel was carried. */
  handleFirstPayload(nowMs: number): void {
    this.#rtc.handleFirstPayload(nowMs);
  }

  /** The worker asks for the relay lane of a session. */
  wantRelay(record: SessionRecord): void {
    this.#seals.wantRelay(record);
  }

  /** The relay has Data for a session that is bound to no ring. @returns true when that is because the relay may not carry it */
  handleUnrouted(record: SessionRecord, nowMs: number): boolean {
    return this.#seals.handleUnrouted(record, nowMs);
  }

  // --- networks --------------------------------------------------------------------------------------------------------------------

  /** New peer-to-peer connections for every session that the peer opened. */
  renegotiate(nowMs: number): void {
    this.#direct.renegotiate(nowMs);
    this.#rtc.renegotiate(nowMs);
  }

  /** This machine's addresses changed. @param lost some are gone, so connections may be dead; otherwise there are only new ones */
  networkChanged(lost: boolean, nowMs: number): void {
    this.#direct.renegotiate(nowMs, lost);
    this.#rtc.networkChanged(lost, nowMs);
    for (const { sid, direction, retired, peer } of this.#sessions.all())
      if (direction === 'out' && !retired && peer.kind === 'hotlink')
        this.#events.send({ typ: MessageType.Signal, sid, knd: RENEGOTIATE_SIGNAL });
  }

  /** The opener of a session has another network now and asks us, who offer, for new connections. */
  #renegotiateAsked(record: SessionRecord, nowMs: number): void {
    if (record.direction !== 'in' || record.retired || record.peer.kind !== 'hotlink' || record.askedAtMs > nowMs) return;
    record.askedAtMs = Math.max(nowMs, record.askedAtMs + ASKED_AGAIN_MS);
    if (this.#options.limits.webrtcAllowed) record.retryAtMs = record.askedAtMs;
    if (this.#options.direct !== undefined) record.direct.retryAtMs = record.askedAtMs;
  }

  /** The channel ends: nothing more is begun. */
  close(): void {
    this.#rtc.close();
  }

  // --- machines --------------------------------------------------------------------------------------------------------------------

  /** Drains the exchanges and carries out what they ask for. @param between what must be done once it is known how the relay is used */
  service(nowMs: number, between: () => void): void {
    this.#seals.service(nowMs);
    between();
    this.#rtc.service(nowMs);
    this.#stripes.service(nowMs);
  }

  timeoutMs(): number | undefined {
    return soonest([this.#early, this.#seals, this.#direct, this.#rtc, this.#stripes].map((machine) => machine.timeoutMs()));
  }

  handleTimeout(nowMs: number): void {
    if (isDue(this.#early.timeoutMs(), nowMs)) this.#early.handleTimeout(nowMs);
    this.#seals.handleTimeout(nowMs);
    this.#rtc.handleTimeout(nowMs);
    this.#stripes.handleTimeout(nowMs);
    this.#direct.handleTimeout(nowMs);
  }
}

function isDirect(message: RtcMessage | DirectMessage): message is DirectMessage {
  return message.t.startsWith('direct-');
}
