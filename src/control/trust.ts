// Whether the peer of a channel is who it should be: vouches for our lanes' certificates, judges the peer's, and ends sessions whose peer
// cannot prove who it is. Every lane asks here before it uses what came through the relay's hands. Main thread.

import { type CertificateClaim, parseVoucher } from '../../native-free/index.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelSessions } from './channel-sessions.js';
import type { SessionRecord } from './session-record.js';

const STRIPPED = 'its identity key is proved, but a lane’s certificate came without its word: the relay may have put in another one';

export interface TrustEvents extends Pick<ChannelEvents, 'event'> {
  /** Ends a session; the channel may have another one. @param wireReason what the peer and the relay are told */
  end(record: SessionRecord, wireReason: string, nowMs: number): void;
}

export class Trust {
  /** Why the peer is refused, in a sentence; until it has proved who it is. */
  problem: string | undefined;
  /** Certificates that were refused. */
  refused = 0;
  readonly #options: ChannelOptions;
  readonly #sessions: ChannelSessions;
  readonly #events: TrustEvents;

  constructor(options: ChannelOptions, sessions: ChannelSessions, events: TrustEvents) {
    this.#options = options;
    this.#sessions = sessions;
    this.#events = events;
  }

  /** Our identity key's word for a certificate of ours, to go into the `adr` of the Signal that names it; empty without an identity. */
  vouch(record: SessionRecord, lane: CertificateClaim['lane'], certificate: string): string[] {
    if (record.peer.kind !== 'hotlink') return [];
    const { email, identities, marker } = this.#options;
    const role = record.direction === 'out' ? 'opener' : 'acceptor';
    const voucher = identities.vouch({ sid: record.sid, role, signer: email, peer: marker.peer, lane, certificate });
    return voucher === undefined ? [] : [voucher];
  }

  /** @param adr of the Signal that named the certificate @returns whether the lane may use it */
  accepts(
    record: SessionRecord,
    lane: CertificateClaim['lane'],
    certificate: string,
    adr: readonly string[] | undefined,
    nowMs: number,
  ): boolean {
    const { email, identities, marker } = this.#options;
    if (identities.mode === 'off') return true;
    const role = record.direction === 'out' ? 'acceptor' : 'opener';
    const refusal = identities.check({ sid: record.sid, role, signer: marker.peer, peer: email, lane, certificate }, adr);
    if (refusal === undefined) {
      this.problem = undefined;
      if (parseVoucher(adr) === undefined) record.unvouched = true;
      else this.proved(nowMs);
      return this.#sessions.get(record.sid) === record;
    }
    this.refused += 1;
    // Whoever forged it does not hold the peer's key: the genuine one may still come.
    if (refusal.forged)
      this.#events.event('certificate refused', { peer: marker.peer, sid: record.sid, lane, reason: refusal.reason }, 'error');
    else this.refuse(record, refusal.reason, nowMs);
    return false;
  }

  /**
   * The peer has proved its identity, so it vouches for its certificates: a lane whose certificate came without that word before, when nothing
   * was known of the peer, may be somebody else's.
   */
  proved(nowMs: number): void {
    for (const record of [...this.#sessions.all()]) {
      if (!record.unvouched) continue;
      if (record.retired) this.#sessions.drop(record.sid, STRIPPED);
      else this.refuse(record, STRIPPED, nowMs);
    }
  }

  /** A client that cannot have an identity key is refused where one is expected. @returns false when it was, and the session is gone */
  admits(record: SessionRecord, nowMs: number): boolean {
    const { identities, marker } = this.#options;
    const must = record.peer.kind === 'hotlink' ? undefined : identities.mustProve(marker.peer);
    if (must === undefined) return true;
    this.refuse(record, `a ${record.peer.kind} client of ${marker.peer} cannot show an identity key, and ${must}`, nowMs);
    return false;
  }

  /** The peer is not who it should be: nothing of this session is used, and people are told. */
  refuse(record: SessionRecord, reason: string, nowMs: number): void {
    if (this.#sessions.get(record.sid) !== record) return;
    this.problem = reason;
    this.#events.event(
      'identity refused',
      { peer: this.#options.marker.peer, sid: record.sid, code: 'ERR_HLNK_IDENTITY', reason },
      'error',
    );
    this.#events.end(record, 'the identity key was refused', nowMs);
  }
}
