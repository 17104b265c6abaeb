// The direct lanes of one channel's sessions: exchanges addresses, tokens and certificate fingerprints with the peer by signals of our own
// kind, and begins anew after a failure. The acceptor of a session offers and tries again, the opener answers; both listen and both dial.
// Own peers only. The connections themselves are the worker's. Main thread.

import { randomBytes } from 'node:crypto';
import {
  DIRECT_SIGNAL,
  type DirectParty,
  type DirectSignal,
  MAX_DIRECT_ADDRESSES,
  MessageType,
  readDirectSignal,
  type SignalMessage,
  writeDirectSignal,
} from '../../native-free/index.js';
import { parseAddress } from '../../native-free/session/direct-signal.js';
import type { FromChannel } from '../../workers/messages.js';
import { AddressRules } from './address-rules.js';
import { interfaceAddresses, resolveAddresses, withPort } from './addresses.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import type { SessionRecord } from './session-record.js';
import type { Trust } from './trust.js';

/** An attempt that has not joined after this is over, ms: two handshakes over the slowest path. */
const ATTEMPT_MS = 12_000;
/** An offer without an answer is repeated after this, ms: the relay, or a peer not ready yet, may have lost it. */
const REPEAT_MS = 1500;
/** Backoff between attempts, ms. Where peers cannot reach each other every attempt costs a few connections, so the last is long. */
const RETRY_FIRST_MS = 1000;
const RETRY_LAST_MS = 300_000;
/** What a peer's offers may cost us, since each makes us dial up to eight addresses of its choice: one every so often, ms, and a few at once. */
const OFFER_MS = 500;
const OFFERS_AT_ONCE = 16;

/** What a worker says of its direct lanes. */
export type DirectMessage = Extract<FromChannel, { t: `direct-${string}` }>;

export class DirectExchanges {
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #worker: ChannelWorker;
  readonly #trust: Trust;
  readonly #events: ChannelEvents;
  readonly #rules: AddressRules;
  /** Until when the offers taken so far are paid for, ms. */
  #paidUntilMs = 0;

  constructor(options: ChannelOptions, sessions: ChannelSessions, worker: ChannelWorker, trust: Trust, events: ChannelEvents) {
    this.#options = options;
    this.#sessions = sessions;
    this.#worker = worker;
    this.#trust = trust;
    this.#events = events;
    this.#rules = new AddressRules(options.addressFilter, options.marker.peer, events.event);
  }

  /** We accepted the session, so we offer, or say that there will be no offer: the peer would wait for it, and its status say so. */
  inboundUp(record: SessionRecord, nowMs: number): void {
    if (record.peer.kind !== 'hotlink') return;
    if (this.#options.direct === undefined) this.#sayOff(record);
    else this.#begin(record, nowMs);
  }

  /** The peer accepted the session, so its offer is to come. */
  outboundUp(record: SessionRecord, nowMs: number): void {
    if (record.peer.kind !== 'hotlink' || this.#options.direct === undefined) return;
    record.direct.state = 'connecting';
    record.direct.deadlineMs = nowMs + ATTEMPT_MS;
  }

  /** Makes new connections, as after a change of networks. Those that are up carry on meanwhile. @param lost false: only where none is up */
  renegotiate(nowMs: number, lost = true): void {
    if (this.#options.direct === undefined) return;
    for (const record of this.#sessions.all()) {
      if (record.direction !== 'in' || record.retired || record.peer.kind !== 'hotlink') continue;
      if (record.direct.state === 'connected' && !lost) continue;
      record.direct.attempts = 0;
      this.#begin(record, nowMs);
    }
  }

  handleSignal(record: SessionRecord, { tok, adr, err }: SignalMessage, nowMs: number): void {
    const signal = record.peer.kind === 'hotlink' ? readDirectSignal(tok, adr, err) : undefined;
    if (signal === undefined) this.#events.event('signal refused', { sid: record.sid, kind: DIRECT_SIGNAL }, 'warn');
    else if (signal.kind === 'off') this.#peerIsOff(record, signal.reason);
    else if (!this.#trust.accepts(record, 'direct', signal.party.fingerprint, adr, nowMs)) return;
    else if (signal.kind === 'offer') this.#offered(record, signal, nowMs);
    else if (record.direction === 'in' && signal.re === record.direct.token) {
      record.direct.repeatAtMs = undefined;
      this.#meet(record, signal.re, signal.party);
    }
  }

  handleWorker(message: DirectMessage, nowMs: number): void {
    const record = this.#sessions.get(message.sid);
    if (message.t === 'direct-refused') {
      this.#events.event('direct connection refused', { sid: message.sid, reason: message.reason }, 'warn');
      return;
    }
    if (record === undefined) return;
    const { direct } = record;
    if (message.t === 'direct-closed') {
      if (record.retired) this.#sessions.drop(record.sid, message.reason);
      else if (direct.deadlineMs === undefined) this.#failed(record, message.reason, true, nowMs);
      else Object.assign(direct, { state: 'connecting', reason: message.reason });
      return;
    }
    // Words about an attempt that has a successor are passed over.
    if (direct.token !== message.token) return;
    switch (message.t) {
      case 'direct-listening':
        void this.#say(record, message.token, message.port, message.problem, nowMs);
        break;
      case 'direct-open':
        Object.assign(direct, { state: 'connected', reason: message.remote, attempts: 0, repeatAtMs: undefined, deadlineMs: undefined });
        this.#sessions.dropRetired(record);
        this.#events.event('direct open', {
          peer: this.#options.marker.peer,
          sid: record.sid,
          remote: message.remote,
          dialled: message.dialled,
        });
        break;
      case 'direct-exhausted':
        // The peer may still dial in; the deadline ends that.
        if (direct.state !== 'connected') direct.reason = message.reason;
        break;
    }
  }

  timeoutMs(): number | undefined {
    return soonest([...this.#sessions.all()].flatMap(({ direct }) => [direct.repeatAtMs, direct.deadlineMs, direct.retryAtMs]));
  }

  handleTimeout(nowMs: number): void {
    for (const record of this.#sessions.all()) {
      const { direct } = record;
      if (isDue(direct.repeatAtMs, nowMs)) {
        direct.repeatAtMs = nowMs + 2 * REPEAT_MS;
        this.#send(record);
      }
      if (isDue(direct.deadlineMs, nowMs)) this.#expired(record, nowMs);
      if (isDue(direct.retryAtMs, nowMs)) this.#begin(record, nowMs);
    }
  }

  // --- one session -----------------------------------------------------------------------------------------------------------------

  #begin(record: SessionRecord, nowMs: number): void {
    this.#start(record, undefined, nowMs);
    record.direct.attempts += 1;
  }

  #offered(record: SessionRecord, { party }: Extract<DirectSignal, { kind: 'offer' }>, nowMs: number): void {
    if (record.direction !== 'out') return;
    if (this.#options.direct === undefined) this.#sayOff(record);
    else if (record.direct.offer === party.token) this.#send(record);
    // One that is passed over comes again: an offer without an answer is repeated.
    else if (this.#mayCost(nowMs)) {
      const token = this.#start(record, party.token, nowMs);
      this.#meet(record, token, party);
    }
  }

  /** The peer said where it is: the addresses that may be dialled are. */
  #meet({ sid }: SessionRecord, token: string, party: DirectParty): void {
    const addresses = party.addresses.filter((text) => {
      const address = parseAddress(text);
      return address === undefined || this.#rules.allows('direct', 'remote', address.host);
    });
    this.#worker.tell({ t: 'direct-peer', sid, token, peer: { ...party, addresses } });
  }

  #mayCost(nowMs: number): boolean {
    const paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + OFFER_MS;
    if (paidUntilMs > nowMs + OFFERS_AT_ONCE * OFFER_MS) return false;
    this.#paidUntilMs = paidUntilMs;
    return true;
  }

  #sayOff(record: SessionRecord): void {
    record.direct.said = writeDirectSignal({ kind: 'off', reason: 'the direct lane is switched off on this side' });
    this.#send(record);
  }

  #start(record: SessionRecord, offer: string | undefined, nowMs: number): string {
    const { direct } = record;
    const token = randomBytes(16).toString('hex');
    Object.assign(direct, { token, offer, said: undefined, reason: '', repeatAtMs: undefined, retryAtMs: undefined });
    direct.deadlineMs = nowMs + ATTEMPT_MS;
    if (direct.state !== 'connected') direct.state = 'connecting';
    this.#worker.tell({ t: 'direct-start', sid: record.sid, token, chooses: record.direction === 'out', loopback: record.sameHost });
    return token;
  }

  /** The worker listens, or cannot: the peer is told where. */
  async #say(record: SessionRecord, token: string, port: number, problem: string, nowMs: number): Promise<void> {
    const { direct } = record;
    const { direct: identity, directHost } = this.#options;
    if (identity === undefined) return;
    if (problem !== '') this.#events.event('direct lane cannot listen', { sid: record.sid, reason: problem }, 'warn');
    const addresses = port === 0 ? [] : await this.#addresses(record.sameHost, directHost);
    if (direct.token !== token || direct.said !== undefined) return;
    const party = {
      token,
      fingerprint: identity.fingerprint,
      addresses: addresses
        .filter((address) => this.#rules.allows('direct', 'local', address))
        .slice(0, MAX_DIRECT_ADDRESSES)
        .map((address) => withPort(address, port)),
    };
    direct.said = writeDirectSignal(direct.offer === undefined ? { kind: 'offer', party } : { kind: 'answer', party, re: direct.offer });
    if (direct.offer === undefined) direct.repeatAtMs = nowMs + REPEAT_MS;
    this.#send(record);
    this.#events.changed();
  }

  async #addresses(sameHost: boolean, host: string | undefined): Promise<string[]> {
    if (sameHost) return ['127.0.0.1'];
    if (host === undefined) return interfaceAddresses();
    try {
      return await resolveAddresses(host);
    } catch (error) {
      this.#events.event('direct lane address', { host, reason: (error as Error).message }, 'warn');
      return [];
    }
  }

  #send(record: SessionRecord): void {
    const { said } = record.direct;
    const { direct: identity } = this.#options;
    if (said === undefined) return;
    const voucher = identity === undefined ? [] : this.#trust.vouch(record, 'direct', identity.fingerprint);
    // Behind the addresses, of which the reader takes the first few.
    const adr = [...(said.adr ?? []), ...voucher];
    this.#events.trace('signal out', { sid: record.sid, kind: DIRECT_SIGNAL, ...said });
    this.#events.send({ typ: MessageType.Signal, sid: record.sid, knd: DIRECT_SIGNAL, ...said, ...(adr.length === 0 ? {} : { adr }) });
  }

  #peerIsOff(record: SessionRecord, reason: string): void {
    Object.assign(record.direct, { state: 'error', reason: `the peer says: ${reason}`, repeatAtMs: undefined, deadlineMs: undefined });
    this.#worker.tell({ t: 'direct-failed', sid: record.sid, reason: record.direct.reason });
  }

  #expired(record: SessionRecord, nowMs: number): void {
    const { direct } = record;
    // An attempt beside a lane that is up: that one stays.
    if (direct.state === 'connected') Object.assign(direct, { repeatAtMs: undefined, deadlineMs: undefined });
    else
      this.#failed(record, direct.reason === '' ? `the peer did not offer or answer within ${ATTEMPT_MS} ms` : direct.reason, false, nowMs);
  }

  /** @param wasUp a connection was lost, rather than none made */
  #failed(record: SessionRecord, reason: string, wasUp: boolean, nowMs: number): void {
    const { direct } = record;
    Object.assign(direct, { state: 'error', reason, repeatAtMs: undefined, deadlineMs: undefined });
    this.#worker.tell({ t: 'direct-failed', sid: record.sid, reason });
    this.#events.event('direct failed', { peer: this.#options.marker.peer, sid: record.sid, reason });
    // The acceptor offers, so the acceptor tries again.
    if (record.direction === 'in') {
      const backoffMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(Math.max(0, direct.attempts - 1), 10));
      direct.retryAtMs = nowMs + (wasUp ? RETRY_FIRST_MS / 4 : backoffMs) * (0.75 + Math.random() / 2);
    }
  }
}
