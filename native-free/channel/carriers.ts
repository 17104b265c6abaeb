// The sessions and lanes of one channel, and which lane carries its frames: the best that is up (direct, WebRTC, relay). Toward an own peer
// every peer-to-peer lane of the channel will do, and a lane that stays silent after a ping is passed over before its own timeouts notice
// (a path that died quietly); toward an upstream peer only the lanes of the session we opened. When no peer-to-peer lane is to be had, the
// relay is asked for, or, where it may not carry payload, that is a violation. Hotlink wire protocol 5.8. Channel worker.

import type { Lane, LaneKind, PeerLaneKind } from '../lane.js';
import type { InFlow } from './in-flow.js';
import { type ChannelLimits, DEAF_MS, LOSS_MARGIN_MS, PING_FIRST_MS, PING_MAX_MS, SUSPECT_MS } from './limits.js';

/** What a core must know of a session. */
export interface SessionInfo {
  /** Its id. */
  sid: string;
  /** `out`: opened by us. */
  direction: 'in' | 'out';
  /** Whether the peer is of our own kind. */
  own: boolean;
  /** The peer's epoch: changes when the peer's channel was started anew. Empty for upstream peers. */
  epoch: string;
  /** Path that frames of this session carry. */
  path: string;
  /** An upstream receiver that goes on counting where the last session on this path was (Go). */
  countsOn?: boolean;
}

/** How a peer-to-peer lane of one session stands. */
export interface Attempt {
  state: 'pending' | 'open' | 'failed';
  /** Why it is not up; empty while that is not known. */
  reason: string;
}

export interface Session extends SessionInfo {
  /** The patience with peer-to-peer lanes counts from here, ms. */
  sinceMs: number;
  readonly attempts: Readonly<Record<PeerLaneKind, Attempt>>;
  /** A peer-to-peer lane was up on this session once. */
  wasOpen: boolean;
  relay: 'none' | 'asked' | 'open';
  /** Why the relay may not carry this session; empty where it may. */
  relayRefused: string;
  fellBack: boolean;
  /** Receiving half of an upstream session. */
  inFlow: InFlow | undefined;
}

/** What is known of one lane that is up. */
export interface LaneState {
  readonly lane: Lane;
  /** Undefined while the lane's session is not known (any more): such a lane is not used. */
  session: Session | undefined;
  /** Last message that came in on it, ms. */
  heardMs: number;
  /** First ping on it since then, ms; -1 without one. */
  pingedMs: number;
  /** First ping on it since the last sign that the peer hears us on it, ms; -1 without one. */
  askedMs: number;
  /** Silent for too long after a ping, or pings on it are not answered although it is not silent; until one on it is answered. */
  suspect: boolean;
  /** {@link PING_MAX_MS} after the last question on it, or earlier: when a suspect lane is asked again, ms. */
  probeAtMs: number;
  /** It refused a frame that cannot be cut smaller any more. */
  tooSmall: boolean;
}

/** What is to be done about a channel without a good lane. */
export type Remedy = { kind: 'none' } | { kind: 'relay'; session: Session } | { kind: 'violation'; why: string };

const NO_REMEDY: Remedy = { kind: 'none' };
const RANK: Readonly<Record<LaneKind, number>> = { direct: 3, webrtc: 2, relay: 1 };

export class Carriers {
  readonly sessions = new Map<string, Session>();
  readonly lanes: LaneState[] = [];
  /** The session we opened. */
  outbound: Session | undefined;
  readonly #limits: ChannelLimits;
  #usable = 0;
  #suspects = 0;
  #silentDueMs = Number.POSITIVE_INFINITY;
  /** Last message on any lane, ms. */
  #heardMs = Number.NEGATIVE_INFINITY;

  constructor(limits: ChannelLimits) {
    this.#limits = limits;
  }

  /** True when the relay may carry payload. */
  get relayMayCarry(): boolean {
    return this.#limits.relayAllowed && !(this.#limits.strict && this.peerLanesAllowed);
  }
  get peerLanesAllowed(): boolean {
    return this.#limits.webrtcAllowed || this.#limits.directAllowed;
  }
  /** Lanes whose session is known. */
  get usable(): number {
    return this.#usable;
  }

  /** Lanes that are passed over. */
  get suspects(): number {
    return this.#suspects;
  }
  /** When the first of those is to be asked again, ms. */
  get probeDueMs(): number {
    return this.lanes.reduce((at, { suspect, probeAtMs }) => (suspect ? Math.min(at, probeAtMs) : at), Number.POSITIVE_INFINITY);
  }

  /** When {@link passOverSilent} has something to do if nothing is heard until then, ms; Infinity while no lane was asked. */
  get silentDueMs(): number {
    return this.#silentDueMs;
  }

  addSession(info: SessionInfo, inFlow: InFlow | undefined, nowMs: number): void {
    const { directAllowed, webrtcAllowed } = this.#limits;
    const off: Attempt = { state: 'failed', reason: 'switched off here' };
    const session: Session = {
      ...info,
      sinceMs: nowMs,
      attempts: {
        direct: directAllowed && info.own ? { state: 'pending', reason: '' } : { ...off },
        webrtc: webrtcAllowed ? { state: 'pending', reason: '' } : { ...off },
      },
      wasOpen: false,
      relay: 'none',
      relayRefused: '',
      fellBack: false,
      inFlow,
    };
    this.sessions.set(info.sid, session);
    if (info.direction === 'out') this.outbound = session;
    // A lane may have come up before its session was told of.
    for (const state of this.lanes) if (state.lane.sid === info.sid) this.#join(state, session);
    this.#recount();
  }

  removeSession(sid: string): Session | undefined {
    const session = this.sessions.get(sid);
    if (session === undefined) return undefined;
    this.sessions.delete(sid);
    if (this.outbound === session) this.outbound = undefined;
    for (const state of this.lanes) if (state.session === session) state.session = undefined;
    this.#recount();
    return session;
  }

  addLane(lane: Lane, nowMs: number): void {
    if (this.stateOf(lane) !== undefined) return;
    const state: LaneState = {
      lane,
      session: undefined,
      heardMs: nowMs,
      pingedMs: -1,
      askedMs: -1,
      suspect: false,
      probeAtMs: 0,
      tooSmall: false,
    };
    this.lanes.push(state);
    const session = this.sessions.get(lane.sid);
    if (session !== undefined) this.#join(state, session);
    this.#recount();
  }

  /** @returns false for a lane that was not up */
  removeLane(lane: Lane, reason: string, nowMs: number): boolean {
    const index = this.lanes.findIndex((state) => state.lane === lane);
    if (index < 0) return false;
    const session = this.lanes[index]?.session;
    this.lanes.splice(index, 1);
    if (session !== undefined) {
      if (lane.kind === 'relay') session.relay = 'none';
      else if (!this.lanes.some((other) => other.session === session && other.lane.kind === lane.kind)) {
        session.attempts[lane.kind].state = 'failed';
        session.attempts[lane.kind].reason = reason;
        session.sinceMs = this.#patienceFrom(session, nowMs);
      }
    }
    this.#recount();
    return true;
  }

  attemptFailed(sid: string, kind: PeerLaneKind, reason: string): void {
    const attempt = this.sessions.get(sid)?.attempts[kind];
    if (attempt === undefined || attempt.state === 'open') return;
    attempt.state = 'failed';
    attempt.reason = reason;
  }

  attemptBegins(sid: string, kind: PeerLaneKind): void {
    const attempt = this.sessions.get(sid)?.attempts[kind];
    if (attempt === undefined || attempt.state === 'open') return;
    if (kind === 'direct' ? this.#limits.directAllowed : this.#limits.webrtcAllowed) attempt.state = 'pending';
  }

  /** Why no better lane than `kind` carries the session, for people; empty for the best. */
  whyNotBetter(session: Session | undefined, kind: LaneKind): string {
    if (session === undefined || kind === 'direct') return '';
    const { direct, webrtc } = session.attempts;
    const why = kind === 'relay' && webrtc.state !== 'open' ? [`webrtc: ${webrtc.reason === '' ? webrtc.state : webrtc.reason}`] : [];
    if (this.#limits.directAllowed && session.own && direct.state !== 'open') {
      why.push(`direct: ${direct.reason === '' ? direct.state : direct.reason}`);
    }
    return why.join('; ');
  }

  /** What was asked for cannot be had. */
  relayRefused(sid: string, reason: string): void {
    const session = this.sessions.get(sid);
    if (session === undefined) return;
    session.relay = 'none';
    session.relayRefused = reason;
  }

  stateOf(lane: Lane): LaneState | undefined {
    // With every frame: an index, since an iterator would be an allocation.
    for (let i = 0; i < this.lanes.length; i += 1) {
      const state = this.lanes[i] as LaneState;
      if (state.lane === lane) return state;
    }
    return undefined;
  }

  /** The relay lane of a session, if it is up. */
  relayOf(session: Session | undefined): Lane | undefined {
    return session === undefined ? undefined : this.lanes.find((state) => state.session === session && state.lane.kind === 'relay')?.lane;
  }

  /** The lane that frames should take. A suspect one only when there is no other. */
  best(ownPeer: boolean): LaneState | undefined {
    let best: LaneState | undefined;
    let bestRank = 0;
    for (const state of this.lanes) {
      const rank = this.#rank(state, ownPeer);
      if (rank <= bestRank) continue;
      best = state;
      bestRank = rank;
    }
    return best;
  }

  /** A ping left on this lane. @returns true when the lane became suspect by it: those before were not answered although it is not silent */
  pinged(state: LaneState, nowMs: number): boolean {
    if (state.pingedMs < 0) {
      state.pingedMs = nowMs;
      this.#recount();
    }
    // One that was asked long ago, carried nothing since and is asked again has not been deaf all the time.
    if (state.askedMs < 0 || nowMs > state.probeAtMs + PING_MAX_MS) state.askedMs = nowMs;
    state.probeAtMs = nowMs + PING_MAX_MS;
    if (state.suspect || nowMs - state.askedMs < DEAF_MS) return false;
    state.suspect = true;
    this.#recount();
    return true;
  }

  /**
   * Passes over lanes that have been silent for SUSPECT_MS since they were asked, whenever the next question to the peer is due: it may be heard on another
   * lane meanwhile, which says nothing about this one. @returns true when there was one
   */
  passOverSilent(nowMs: number): boolean {
    if (nowMs < this.#silentDueMs) return false;
    let found = false;
    for (const state of this.lanes) {
      if (state.suspect || state.pingedMs < 0 || nowMs < state.pingedMs + SUSPECT_MS) continue;
      if (nowMs > state.probeAtMs + PING_MAX_MS) {
        // Nobody has asked or looked since long: that was not silence.
        state.pingedMs = -1;
        continue;
      }
      found = true;
      state.suspect = true;
      // What else goes the same way is as silent; the relay goes another. Asked at once, so that one that works is not passed over for long.
      for (const other of this.lanes) {
        if (other.suspect || other.lane.kind !== state.lane.kind || other.heardMs >= state.pingedMs) continue;
        other.suspect = true;
        other.probeAtMs = nowMs;
      }
    }
    this.#recount();
    return found;
  }

  /**
   * A message came in on this lane. That alone does not clear a suspect one: it may carry that way and not ours, and the peer, who passes it over as well,
   * asks on it time and again. It is asked at once, but for a second between two questions.
   */
  heard(state: LaneState, nowMs: number): void {
    state.heardMs = nowMs;
    this.#heardMs = nowMs;
    if (state.pingedMs >= 0) {
      state.pingedMs = -1;
      this.#recount();
    }
    if (state.suspect) state.probeAtMs = Math.min(state.probeAtMs, Math.max(nowMs, state.probeAtMs - PING_MAX_MS + PING_FIRST_MS));
  }

  /**
   * The peer acknowledged frames while this lane carries: it is not deaf. It may be silent all the same, when the acknowledgement took another lane and is of
   * what arrived before the path died.
   */
  gotThrough(state: LaneState): void {
    if (!state.suspect) state.askedMs = -1;
  }

  /** The peer answered what it was asked on this lane. @returns true when it was suspect until now */
  answered(state: LaneState): boolean {
    state.askedMs = -1;
    if (state.pingedMs < 0 && !state.suspect) return false;
    const wasSuspect = state.suspect;
    state.pingedMs = -1;
    state.suspect = false;
    this.#recount();
    return wasSuspect;
  }

  /** Lanes that were set aside as too small are as good as any again. @returns true when there was one */
  forgiveTooSmall(): boolean {
    let found = false;
    for (let i = 0; i < this.lanes.length; i += 1) {
      const state = this.lanes[i] as LaneState;
      if (state.tooSmall) found = true;
      state.tooSmall = false;
    }
    return found;
  }

  /** No lane, or only a suspect one: what to do now. @param best what {@link best} said @param needed something waits for a lane */
  remedy(best: LaneState | undefined, needed: boolean, nowMs: number): Remedy {
    const session = this.outbound;
    if (session === undefined || session.relay !== 'none' || (best !== undefined && !best.suspect)) return NO_REMEDY;
    if (this.relayMayCarry && session.relayRefused === '') {
      if (best === undefined && this.#pending(session) && nowMs < session.sinceMs + this.#limits.fallbackGraceMs) return NO_REMEDY;
      for (const attempt of [session.attempts.direct, session.attempts.webrtc]) {
        if (attempt.reason !== '') continue;
        attempt.reason =
          best === undefined
            ? `not up ${Math.round(nowMs - session.sinceMs)} ms after the session was accepted`
            : 'silent: its pings are not answered';
      }
      return { kind: 'relay', session };
    }
    if (best !== undefined || (!needed && !this.#limits.strict)) return NO_REMEDY;
    if (this.#mayStillCome(session) && nowMs < session.sinceMs + this.#limits.p2pWaitMs) return NO_REMEDY;
    const { directAllowed, webrtcAllowed, p2pWaitMs } = this.#limits;
    const why = (['direct', 'webrtc'] as const)
      .filter((kind) => kind === 'webrtc' || session.own)
      .map((kind) => {
        if (!(kind === 'direct' ? directAllowed : webrtcAllowed)) return `${kind}: off on this side`;
        return `${kind}: ${session.attempts[kind].reason || `not up within ${p2pWaitMs} ms`}`;
      });
    const refused = session.relayRefused === '' ? '' : `: ${session.relayRefused}`;
    return { kind: 'violation', why: `no peer-to-peer lane is usable (${why.join('; ')}) and the relay may not carry payload${refused}` };
  }

  /** When {@link remedy} may have a new answer although nothing happened, ms. Only while there is no lane. */
  remedyDueMs(needed: boolean): number | undefined {
    const session = this.outbound;
    if (session === undefined || session.relay !== 'none') return undefined;
    if (this.relayMayCarry && session.relayRefused === '')
      return this.#pending(session) ? session.sinceMs + this.#limits.fallbackGraceMs : undefined;
    return this.#mayStillCome(session) && (needed || this.#limits.strict) ? session.sinceMs + this.#limits.p2pWaitMs : undefined;
  }

  /** Something new waits for a lane: the patience with peer-to-peer lanes begins again. */
  beginWait(nowMs: number): void {
    if (this.outbound !== undefined) this.outbound.sinceMs = nowMs;
  }

  /** Negotiation is under way, or begins again: because the connection was up before, or because its peer tries again by itself. */
  #mayStillCome(session: Session): boolean {
    return this.#pending(session) || session.wasOpen || !this.#limits.strict;
  }

  #pending({ attempts }: Session): boolean {
    return attempts.webrtc.state === 'pending' || attempts.direct.state === 'pending';
  }

  #rank({ lane, session, suspect, tooSmall }: LaneState, ownPeer: boolean): number {
    if (session === undefined || tooSmall) return 0;
    const outbound = session === this.outbound;
    // Through the relay only the opener of a session can send at full rate; the other way is for control frames.
    if (!outbound && !(ownPeer && lane.kind !== 'relay')) return 0;
    return RANK[lane.kind] + (suspect ? 0 : RANK.direct);
  }

  /** An own peer is waited for since its last word, so that one that was killed is noticed as soon without another lane as with one. */
  #patienceFrom({ own }: Session, nowMs: number): number {
    return own && nowMs - this.#heardMs < this.#limits.p2pWaitMs ? this.#heardMs - LOSS_MARGIN_MS : nowMs;
  }

  #join(state: LaneState, session: Session): void {
    state.session = session;
    if (state.lane.kind === 'relay') session.relay = 'open';
    else {
      session.attempts[state.lane.kind].state = 'open';
      session.attempts[state.lane.kind].reason = '';
      session.wasOpen = true;
    }
  }

  #recount(): void {
    this.#usable = this.lanes.filter(({ session }) => session !== undefined).length;
    this.#suspects = this.lanes.filter(({ suspect }) => suspect).length;
    this.#silentDueMs = this.lanes.reduce(
      (at, { suspect, pingedMs }) => (suspect || pingedMs < 0 ? at : Math.min(at, pingedMs + SUSPECT_MS)),
      Number.POSITIVE_INFINITY,
    );
  }
}
