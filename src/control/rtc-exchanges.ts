// The WebRTC exchanges of one channel's sessions: carries each one's signals between the peer and the worker, where the peer connection
// lives, and begins anew after a failure. The acceptor of a session offers, so only the acceptor tries again. Peer connections are
// closed by the worker, on `rtc-stop` or with their session. Wire spec 5; main thread.

import {
  CandidateFilter,
  explainNoPath,
  iceUfrag,
  MessageType,
  NEGOTIATION_TUNABLES,
  Negotiation,
  parseDescription,
  type SignalMessage,
  sdpCertificate,
} from '../../native-free/index.js';
import { parseIceServers } from '../../workers/lanes/ice-servers.js';
import type { FromChannel, IceSettings } from '../../workers/messages.js';
import { AddressRules } from './address-rules.js';
import { allAddresses } from './addresses.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import { RtcOrders } from './rtc-orders.js';
import type { SealExchangesEvents } from './seal-exchanges.js';
import type { SessionRecord } from './session-record.js';
import type { Trust } from './trust.js';

/** Backoff between WebRTC attempts of one session, ms. */
const RETRY_FIRST_MS = 250;
const RETRY_LAST_MS = 30_000;
/**
 * A Rust peer offers once, right behind its Accept. What is not here after this long was dropped by a server that dealt with it in front of the
 * Accept (wire.md S1), and only a new session brings another one, ms.
 */
const LOST_OFFER_MS = 2500;
/** Failures that mean that no packet came through: here or as the peer tells it. */
const NO_PATH = /ICE found no path|no data channel within/;

/** What a worker says of its peer connections. */
export type RtcMessage = Extract<FromChannel, { t: `rtc-${string}` }>;

export type RtcExchangesEvents = ChannelEvents & Pick<SealExchangesEvents, 'replace'>;

export class RtcExchanges {
  readonly totals = { offers: 0, answersOk: 0, badSignals: 0 };
  readonly timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number; firstPayloadToSteadyStateMs?: number } = {};
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #worker: ChannelWorker;
  readonly #trust: Trust;
  readonly #events: RtcExchangesEvents;
  /** A session was replaced for an offer that was lost, and no data channel has been open since. */
  #askedAgain = false;
  #dcOpenAtMs: number | undefined;
  /** By the addresses there were when the last attempt began. */
  #filter = new CandidateFilter([], false);
  readonly #rules: AddressRules;
  readonly #orders: RtcOrders;

  constructor(options: ChannelOptions, sessions: ChannelSessions, worker: ChannelWorker, trust: Trust, events: RtcExchangesEvents) {
    this.#options = options;
    this.#sessions = sessions;
    this.#worker = worker;
    this.#trust = trust;
    this.#events = events;
    this.#rules = new AddressRules(options.addressFilter, options.marker.peer, events.event);
    this.#orders = new RtcOrders(options, sessions, worker, events);
  }

  /** The channel ends: nothing more is asked for. */
  close(): void {
    this.#orders.close();
  }

  // --- sessions come up ----------------------------------------------------------------------------------------------------------

  /** We accepted the session, so we offer. */
  inboundUp(record: SessionRecord, nowMs: number): void {
    if (!this.#options.limits.webrtcAllowed) this.#decline(record);
    else if (record.peer.kind !== 'go') this.#begin(record, 'offerer', nowMs);
  }

  /** The peer accepted the session, so its offer is to come. */
  outboundUp(record: SessionRecord, nowMs: number): void {
    if (record.peer.kind === 'go') this.#failed(record, 'a Go peer has no WebRTC', nowMs);
    else if (this.#options.limits.webrtcAllowed) {
      record.webrtc = 'connecting';
      const once = record.peer.kind === 'rust' && !this.#askedAgain;
      record.offerDueAtMs = nowMs + (once ? LOST_OFFER_MS : NEGOTIATION_TUNABLES.connectDeadlineMs);
    }
  }

  // --- what the peer and the worker say ------------------------------------------------------------------------------------------

  handleSignal(record: SessionRecord, signal: SignalMessage, nowMs: number): void {
    if (!this.#genuine(record, signal, nowMs)) return;
    if (this.#beginsAnew(record, signal)) {
      if (this.#options.limits.webrtcAllowed) this.#begin(record, 'answerer', nowMs);
      else this.#decline(record);
    }
    const negotiation = record.negotiation;
    if (negotiation === undefined) {
      if (signal.knd === 'webrtc_error') this.#failed(record, `the peer says: ${signal.err ?? 'no reason'}`, nowMs);
    } else if (negotiation.handleSignal(signal.knd, signal.tok, signal.err, nowMs) === 'bad') {
      this.totals.badSignals += 1;
      this.#events.event('signal refused', { sid: signal.sid, kind: signal.knd }, 'warn');
    }
  }

  /** Says why nothing will come of WebRTC, so that the peer need not wait for it. */
  #decline({ sid }: SessionRecord): void {
    const err = this.#options.webrtcMissing ?? 'the webrtc lane is switched off on this side';
    this.#events.send({ typ: MessageType.Signal, sid, knd: 'webrtc_error', err });
  }

  /** A description whose certificate is not the peer's goes no further: the relay may have put its own in. */
  #genuine(record: SessionRecord, { knd, tok, adr }: SignalMessage, nowMs: number): boolean {
    const sdp = descriptionIn(knd, tok);
    return sdp === undefined || this.#trust.accepts(record, 'webrtc', sdpCertificate(sdp), adr, nowMs);
  }

  /** What goes with a description of ours, for its certificate. */
  #vouch(record: SessionRecord, knd: string, tok: string | undefined): { adr?: readonly string[] } {
    const sdp = descriptionIn(knd, tok);
    const adr = sdp === undefined ? [] : this.#trust.vouch(record, 'webrtc', sdpCertificate(sdp));
    return adr.length === 0 ? {} : { adr };
  }

  /** The acceptor offers a new connection for the same session. A repeated offer, late on its way, is none. */
  #beginsAnew(record: SessionRecord, { knd, tok }: SignalMessage): boolean {
    if (record.direction !== 'out' || knd !== 'sdp_offer') return false;
    const ufrag = iceUfrag(parseDescription(tok, 'offer') ?? '');
    const repeated = ufrag !== undefined && ufrag === record.offerUfrag;
    const state = record.negotiation?.state;
    if (repeated || (state !== undefined && state !== 'connected' && state !== 'failed')) return false;
    record.offerUfrag = ufrag;
    return true;
  }

  /** Gives up every connection and offers a new one, as after a change of networks. The opener follows the acceptor's offer. */
  renegotiate(nowMs: number): void {
    if (!this.#options.limits.webrtcAllowed) return;
    for (const record of this.#sessions.all()) {
      if (record.direction === 'in' && !record.retired && record.peer.kind !== 'go') this.#begin(record, 'offerer', nowMs);
    }
  }

  /**
   * This machine's addresses changed. Connections are made anew when some are gone; when there are only new ones, what is not connected
   * is tried at once.
   */
  networkChanged(lost: boolean, nowMs: number): void {
    if (!this.#options.limits.webrtcAllowed) return;
    for (const record of this.#sessions.all()) {
      if (record.direction === 'out' || record.retired || record.peer.kind === 'go' || (record.webrtc === 'connected' && !lost)) continue;
      record.attempts = 0;
      this.#begin(record, 'offerer', nowMs);
    }
  }

  /** Words about a session that is over are passed over. */
  handleWorker(message: RtcMessage, nowMs: number): void {
    const record = this.#sessions.get(message.sid);
    if (record === undefined) return;
    if (message.t === 'rtc-started') record.rtcStarting -= 1;
    // Of a connection that was replaced: its description would go out as the new one's, and nobody could answer it.
    if (record.rtcStarting > 0 || this.#orders.waiting(record.sid)) return;
    switch (message.t) {
      case 'rtc-description':
        record.negotiation?.handleLocalDescription(message.type, this.#strip('local', message.sdp), nowMs);
        break;
      case 'rtc-local-candidate':
        if (this.#allows('local', message.candidate)) record.negotiation?.handleLocalCandidate(message.candidate, message.mid, nowMs);
        break;
      case 'rtc-gathered':
        record.negotiation?.handleGatheringComplete(this.#strip('local', message.sdp), nowMs);
        break;
      case 'rtc-open':
        this.#opened(record, { local: message.local, remote: message.remote }, nowMs);
        break;
      case 'rtc-closed':
        if (record.retired) this.#sessions.drop(record.sid, message.reason);
        else if (record.negotiation?.state === 'connected' || record.negotiation === undefined) this.#failed(record, message.reason, nowMs);
        else record.negotiation.handleFailed(message.reason, nowMs);
        break;
    }
  }

  /** The first payload of a data channel was carried. */
  handleFirstPayload(nowMs: number): void {
    if (this.#dcOpenAtMs !== undefined) this.timings.openToFirstPayloadMs = nowMs - this.#dcOpenAtMs;
  }

  #opened(record: SessionRecord, candidates: { local: string; remote: string }, nowMs: number): void {
    record.webrtc = 'connected';
    record.connections = 1;
    this.#askedAgain = false;
    record.webrtcReason = '';
    record.candidates = candidates;
    record.attempts = 0;
    record.negotiation?.handleConnected(nowMs);
    this.#sessions.dropRetired(record);
    this.#dcOpenAtMs = nowMs;
    this.totals.answersOk += 1;
    if (record.negotiation?.offerToOpenMs !== undefined) this.timings.offerToDcOpenMs = record.negotiation.offerToOpenMs;
    this.#events.event('webrtc open', {
      peer: this.#options.marker.peer,
      sid: record.sid,
      candidates: `${candidates.local}/${candidates.remote}`,
      mtu: record.mtu,
    });
  }

  // --- machines ------------------------------------------------------------------------------------------------------------------

  /** Drains every negotiation and carries out what it asks for. */
  service(nowMs: number): void {
    for (const record of this.#sessions.all()) this.#drain(record, nowMs);
    this.#orders.prune();
  }

  timeoutMs(): number | undefined {
    return soonest(
      [...this.#sessions.all()].flatMap(({ negotiation, retryAtMs, offerDueAtMs }) => [negotiation?.timeoutMs(), retryAtMs, offerDueAtMs]),
    );
  }

  handleTimeout(nowMs: number): void {
    for (const record of this.#sessions.all()) {
      if (isDue(record.negotiation?.timeoutMs(), nowMs)) record.negotiation?.handleTimeout(nowMs);
      if (isDue(record.retryAtMs, nowMs)) this.#begin(record, 'offerer', nowMs);
      if (isDue(record.offerDueAtMs, nowMs)) this.#noOffer(record, nowMs);
    }
  }

  #noOffer(record: SessionRecord, nowMs: number): void {
    if (record.peer.kind !== 'rust' || this.#askedAgain) {
      this.#failed(record, 'the peer accepted the session and made no offer: its WebRTC is off, or its log says why it cannot', nowMs);
      return;
    }
    this.#askedAgain = true;
    record.offerDueAtMs = nowMs + NEGOTIATION_TUNABLES.connectDeadlineMs - LOST_OFFER_MS;
    // What the relay has taken of a session could not be counted on in another one.
    if (record.binding !== 0) return;
    this.#events.replace(record, nowMs);
    this.#sessions.drop(record.sid, 'the peer made no offer');
  }

  #begin(record: SessionRecord, role: 'offerer' | 'answerer', nowMs: number): void {
    // The worker must hear of the end of what was there, or its core would go on with a dead lane.
    if (record.negotiation !== undefined) this.#orders.stop(record.sid);
    record.retryAtMs = undefined;
    record.offerDueAtMs = undefined;
    this.#filter = new CandidateFilter(allAddresses(), this.#options.iceFilter);
    record.attempts += 1;
    record.webrtc = 'connecting';
    record.candidates = undefined;
    record.negotiation = new Negotiation({ role });
    this.#orders.start(record, role);
    record.negotiation.start(nowMs);
  }

  #allows(side: 'local' | 'remote', candidate: string): boolean {
    return !this.#filter.refuses(candidate) && this.#rules.allowsCandidate(side, candidate);
  }

  #strip(side: 'local' | 'remote', sdp: string): string {
    return this.#rules.strip(side, this.#filter.strip(sdp));
  }

  #drain(record: SessionRecord, nowMs: number): void {
    const negotiation = record.negotiation;
    if (negotiation === undefined) return;
    for (let output = negotiation.poll(); output !== undefined; output = negotiation.poll()) {
      switch (output.kind) {
        case 'send': {
          if (output.knd === 'sdp_offer') this.totals.offers += 1;
          if (output.knd === 'sdp_answer') this.totals.answersOk += 1;
          const { knd, tok, err } = output;
          this.#events.trace('signal out', { sid: record.sid, kind: knd, tok, err });
          this.#events.send({
            typ: MessageType.Signal,
            sid: record.sid,
            knd,
            ...this.#vouch(record, knd, tok),
            ...(tok === undefined ? {} : { tok }),
            ...(err === undefined ? {} : { err }),
          });
          break;
        }
        case 'set-remote':
          this.#events.trace('remote description', { sid: record.sid, type: output.type });
          this.#orders.tell({ t: 'rtc-remote', sid: record.sid, type: output.type, sdp: this.#strip('remote', output.sdp) });
          break;
        case 'add-candidate':
          if (this.#allows('remote', output.candidate))
            this.#orders.tell({ t: 'rtc-candidate', sid: record.sid, candidate: output.candidate, mid: output.mid });
          break;
        case 'failed':
          this.#failed(record, output.reason, nowMs);
          break;
      }
    }
  }

  #failed(record: SessionRecord, what: string, nowMs: number): void {
    const reason = this.#explained(record, what);
    record.offerDueAtMs = undefined;
    if (record.negotiation !== undefined) this.#orders.stop(record.sid);
    record.webrtc = 'error';
    record.webrtcReason = reason;
    record.candidates = undefined;
    this.#worker.tell({ t: 'rtc-failed', sid: record.sid, reason });
    this.#events.event('webrtc failed', { peer: this.#options.marker.peer, sid: record.sid, reason });
    // The acceptor offers, so the acceptor tries again.
    if (record.direction === 'in' && this.#options.limits.webrtcAllowed) {
      record.retryAtMs =
        nowMs + Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(record.attempts - 1, 8)) * (0.75 + Math.random() / 2);
    }
  }

  /** A failure to find a path, with what seems to be the matter. Two ends of one machine need no servers, and nothing is to be said of them. */
  #explained(record: SessionRecord, what: string): string {
    const { negotiation, sameHost, namedIce = this.#options.ice } = record;
    if (negotiation === undefined || sameHost || !NO_PATH.test(what)) return what;
    const usedOf = ({ iceServers, turnUser, turnPass }: IceSettings) => parseIceServers(iceServers, turnUser, turnPass);
    const { used, warnings } = usedOf(record.ice ?? namedIce);
    if (usedOf(namedIce).used.some((url) => url.startsWith('turn')) && !used.some((url) => url.startsWith('turn')))
      return `${what}: not without TURN on this side, which the next attempt uses`;
    return `${what}: ${explainNoPath({ ...negotiation.candidateKinds, iceServers: used, warnings })}`;
  }
}

function descriptionIn(knd: string, tok: string | undefined): string | undefined {
  if (knd === 'sdp_offer') return parseDescription(tok, 'offer');
  return knd === 'sdp_answer' ? parseDescription(tok, 'answer') : undefined;
}
