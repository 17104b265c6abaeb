// Whether a channel's sessions are sealed on the relay: carries out what each one's key exchange asks for, tells the worker the keys, and binds
// a session to the relay only once it is known how its frames go. Main thread.

import { KEY_SIGNAL, KeyExchange, MessageType } from '../../native-free/index.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { ChannelWorker } from './channel-worker.js';
import { isDue, soonest } from './deadline.js';
import { identityFingerprint } from './identity-key.js';
import { newKeyCrypto } from './key-crypto.js';
import { epochOf, type SessionRecord } from './session-record.js';
import type { Trust, TrustEvents } from './trust.js';

const REQUIRED = 'this side takes nothing unsealed from the relay';

export interface SealExchangesEvents extends Pick<ChannelEvents, 'send' | 'event'> {
  end: TrustEvents['end'];
  /** Replaces a session that we opened by a new one. */
  replace(record: SessionRecord, nowMs: number): void;
}

export class SealExchanges {
  /** Why nothing goes through the relay, in a sentence; until something is agreed on. */
  problem: string | undefined;
  /** Signals that were refused. */
  badSignals = 0;
  readonly #options: ChannelOptions;
  readonly #epoch: string;
  readonly #sessions: ChannelSessions;
  readonly #worker: ChannelWorker;
  readonly #trust: Trust;
  readonly #events: SealExchangesEvents;

  /** @param epoch this channel's, as its message ids name it */
  constructor(
    options: ChannelOptions,
    epoch: string,
    sessions: ChannelSessions,
    worker: ChannelWorker,
    trust: Trust,
    events: SealExchangesEvents,
  ) {
    this.#options = options;
    this.#epoch = epoch;
    this.#sessions = sessions;
    this.#worker = worker;
    this.#trust = trust;
    this.#events = events;
  }

  /** The peer's Open is about to be accepted: its Data must find its ring, unless the relay may not carry it. */
  prepareInbound(record: SessionRecord, nowMs: number): void {
    // Of a session that was up: it is accepted once more, on a new connection.
    record.exchange?.resume(nowMs);
    if (record.peer.kind === 'hotlink' || this.#whyNotPlain() === undefined) this.#sessions.bindRelay(record);
  }

  /** A session was accepted, by either side. */
  sessionUp(record: SessionRecord, nowMs: number): void {
    const { identities, marker, email, seal } = this.#options;
    if (record.peer.kind !== 'hotlink') {
      const why = this.#whyNotPlain();
      if (why === undefined) this.#plain(record, '');
      else this.#refuse(record, `a ${record.peer.kind} peer cannot seal, and ${why}`);
      return;
    }
    record.exchange = new KeyExchange({
      sid: record.sid,
      role: record.direction === 'out' ? 'opener' : 'acceptor',
      self: { email, epoch: this.#epoch },
      peer: { email: marker.peer, epoch: epochOf(record.peer) },
      enabled: seal !== 'off',
      crypto: newKeyCrypto(identities.own),
      mustSeal: () => this.#whyNotPlain(),
      judge: (identity) => identities.judge(marker.peer, identity),
    });
    record.exchange.start(nowMs);
  }

  /** A Signal of the key exchange. */
  handleSignal(record: SessionRecord, tok: string | undefined): void {
    const verdict = record.exchange?.handleSignal(tok) ?? { refused: 'this session has no key exchange' };
    if (verdict === 'ok') return;
    this.badSignals += 1;
    this.#events.event('signal refused', { sid: record.sid, kind: KEY_SIGNAL, reason: verdict.refused }, 'error');
  }

  /** The worker asks for the relay lane of a session. */
  wantRelay(record: SessionRecord): void {
    record.relayWanted = true;
    if (record.seal === 'sealed' || record.seal === 'plain') this.#sessions.bindRelay(record);
    else if (record.seal === 'refused') this.#tellRefused(record);
  }

  /** Data came for a session that is bound to no ring. @returns true when that is because the relay may not carry it */
  handleUnrouted(record: SessionRecord, nowMs: number): boolean {
    if (record.seal !== 'refused') return false;
    this.#events.end(record, 'nothing unsealed is taken from the relay', nowMs);
    return true;
  }

  /** A frame was changed on its way: the session's keys are not used any more. */
  broken(record: SessionRecord, reason: string, nowMs: number): void {
    this.problem = reason;
    this.#events.event('seal broken', { peer: this.#options.marker.peer, sid: record.sid, code: 'ERR_HLNK_SEAL', reason }, 'error');
    this.#events.end(record, 'a sealed frame was broken', nowMs);
  }

  // --- machines ------------------------------------------------------------------------------------------------------------------

  service(nowMs: number): void {
    for (const record of [...this.#sessions.all()]) this.#drain(record, nowMs);
  }

  timeoutMs(): number | undefined {
    return soonest([...this.#sessions.all()].map(({ exchange }) => exchange?.timeoutMs()));
  }

  handleTimeout(nowMs: number): void {
    for (const { exchange } of this.#sessions.all()) if (isDue(exchange?.timeoutMs(), nowMs)) exchange?.handleTimeout(nowMs);
  }

  #drain(record: SessionRecord, nowMs: number): void {
    const { exchange, sid } = record;
    if (exchange === undefined) return;
    for (let output = exchange.poll(); output !== undefined; output = exchange.poll()) {
      switch (output.kind) {
        case 'send':
          this.#events.send({ typ: MessageType.Signal, sid, knd: KEY_SIGNAL, tok: output.tok });
          break;
        case 'sealed': {
          record.seal = 'sealed';
          if (output.identity !== undefined) {
            record.identity = identityFingerprint(output.identity);
            this.#trust.problem = undefined;
            this.#trust.proved(nowMs);
            if (this.#sessions.get(sid) !== record) return;
          }
          this.problem = undefined;
          this.#worker.tell({ t: 'relay-seal', sid, seal: output.keys });
          if (record.relayWanted) this.#sessions.bindRelay(record);
          break;
        }
        case 'plain':
          this.#plain(record, output.reason);
          break;
        case 'refused':
          if (output.untrusted) this.#trust.refuse(record, output.reason, nowMs);
          else this.#refuse(record, output.reason);
          if (output.again) this.#events.replace(record, nowMs);
          break;
      }
    }
  }

  #plain(record: SessionRecord, reason: string): void {
    record.seal = 'plain';
    this.#worker.tell({ t: 'relay-seal', sid: record.sid, seal: 'plain' });
    if (record.relayWanted) this.#sessions.bindRelay(record);
    if (reason !== '' && this.#options.seal !== 'off')
      this.#events.event('relay not sealed', { peer: this.#options.marker.peer, sid: record.sid, reason });
  }

  /** The relay may not carry this session. Other lanes may. */
  #refuse(record: SessionRecord, reason: string): void {
    record.seal = 'refused';
    record.sealReason = reason;
    this.#sessions.unbindRelay(record, reason);
    this.#events.event('relay refused', { peer: this.#options.marker.peer, sid: record.sid, reason }, 'error');
    if (record.relayWanted) this.#tellRefused(record);
  }

  #tellRefused({ sid, sealReason }: SessionRecord): void {
    this.problem = `nothing goes through the relay: ${sealReason}`;
    this.#worker.tell({ t: 'relay-refused', sid, reason: sealReason });
  }

  #whyNotPlain(): string | undefined {
    const { identities, marker, seal } = this.#options;
    if (seal === 'require') return REQUIRED;
    // A relay that swallows the key exchange must not win by it what a pinned key keeps from it.
    return seal === 'off' ? undefined : identities.mustProve(marker.peer);
  }
}
