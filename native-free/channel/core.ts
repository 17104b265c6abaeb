// The protocol core of one channel: which session and lane carry the bytes, what the peer is told, and when it is an error.
// No I/O, no clock: inputs are method calls with the time, outputs go through ChannelPorts, and `timeoutMs` says when to call `tick`.
// With an own peer every lane of the channel may carry frames, and a lost lane loses nothing. With an upstream peer frames go only
// over the session we opened, and a lane that dies with bytes under way ends the streams loudly (architecture.md). Channel worker.

import { Chunker } from '../chunker.js';
import { Counter } from '../counters.js';
import type { HotlinkErrorCode } from '../errors.js';
import { type FrameVerdict, FrameView } from '../hlnk/index.js';
import type { Lane } from '../lane.js';
import { InFlow, type InFlowPorts } from './in-flow.js';
import { ACK_DELAY_MS, type ChannelLimits } from './limits.js';
import { OutFlow } from './out-flow.js';
import type { OutStream } from './out-stream.js';
import { decodeAck, OwnKind, readOwnEtag, type OwnEtag } from './own-wire.js';

/** A blocked sender asks the peer where it stands after this long, and again, ms. One small message; finds a lost acknowledgement. */
const PROBE_MS = 1000;
/** The one stream of an upstream session, which knows no streams. */
export const UPSTREAM_STREAM = 0;

export interface ChannelPorts extends InFlowPorts {
  /** A stream's window has room again. */
  room(stream: number): void;
  /** Everything of the stream's sending half is on its way. */
  sendingDone(stream: number): void;
  /** There are bytes to send and no outbound session. */
  wantSession(): void;
  /** The relay lane of this session is wanted. */
  wantRelay(sid: string): void;
  /** The peer restarted: every stream is to be reset locally. */
  peerRestarted(): void;
  /** The channel cannot keep its promise; local sockets are to be reset. */
  failed(code: HotlinkErrorCode, message: string): void;
  /** A frame was refused. Counted already. */
  refused(reason: string, sid: string): void;
  /** Another lane carries the channel now. */
  carries(lane: Lane | undefined, reason: string): void;
}

export interface SessionInfo {
  sid: string;
  direction: 'in' | 'out';
  own: boolean;
  /** The peer's epoch: changes when the peer's channel was started anew. Empty for upstream peers. */
  epoch: string;
  /** Path that frames of this session carry. */
  path: string;
}

interface Session extends SessionInfo {
  sinceMs: number;
  webrtc: 'pending' | 'open' | 'failed';
  webrtcReason: string;
  relay: 'none' | 'asked' | 'open';
  fellBack: boolean;
  /** Receiving half of an upstream session. */
  inFlow: InFlow | undefined;
}

export class ChannelCore {
  readonly out: OutFlow;
  readonly #in: InFlow;
  readonly #limits: ChannelLimits;
  readonly #counters: Float64Array;
  readonly #ports: ChannelPorts;
  readonly #sessions = new Map<string, Session>();
  readonly #lanes: Lane[] = [];
  readonly #view = new FrameView();
  readonly #etag: OwnEtag = { kind: OwnKind.data, stream: 0 };
  #outbound: Session | undefined;
  #peerEpoch = '';
  #replyLane: Lane | undefined;
  #ownPeer: boolean | undefined;
  #waitSinceMs: number | undefined;
  #probeAtMs: number | undefined;
  #failed = false;

  constructor(config: { path: string; salt: string; limits: ChannelLimits; counters: Float64Array; ports: ChannelPorts }) {
    this.#limits = config.limits;
    this.#counters = config.counters;
    this.#ports = config.ports;
    this.#in = new InFlow(config.limits, config.counters, config.ports);
    this.out = new OutFlow({
      path: new TextEncoder().encode(config.path),
      limits: config.limits,
      counters: config.counters,
      chunker: new Chunker({ chunkBytes: config.limits.chunkBytes }),
      salt: config.salt,
      ports: { room: (stream) => this.#ports.room(stream), streamDone: (stream) => this.#ports.sendingDone(stream) },
    });
  }

  /** True once the peer is known to be one of our own kind, false once known to be upstream's. */
  get ownPeer(): boolean | undefined {
    return this.#ownPeer;
  }
  /** Highest stream id either side used. */
  get highestStream(): number {
    return this.#in.highestStream;
  }
  get lane(): Lane | undefined {
    return this.out.lane;
  }
  get deliveredSeq(): number {
    return this.#in.nextSeq - 1;
  }

  // --- streams -------------------------------------------------------------------------------------------------------------------

  /** Starts the sending half of a stream. @param opener true when this side made up the id */
  openStream(id: number, opener: boolean, announce: boolean, nowMs: number): OutStream {
    if (opener) this.#in.expect(id);
    const stream = this.out.openStream(id, announce && opener);
    if (announce) this.pump(nowMs);
    return stream;
  }

  /** Bytes from the application. @returns false when there is no room: keep them and stop reading until `room` */
  take(stream: OutStream, source: Uint8Array, landedAt: number, nowMs: number): boolean {
    const taken = this.out.take(stream, source, landedAt);
    this.pump(nowMs);
    return taken;
  }

  endStream(stream: OutStream, nowMs: number): void {
    this.out.end(stream);
    this.pump(nowMs);
  }

  resetStream(stream: OutStream, reason: string, nowMs: number): void {
    this.#counters[Counter.resets] = (this.#counters[Counter.resets] as number) + 1;
    this.out.reset(stream, reason);
    this.pump(nowMs);
  }

  /** Both halves are over. */
  removeStream(id: number): void {
    this.out.removeStream(id);
    this.#in.forget(id);
  }

  /** The application took bytes that were delivered. */
  consumed(stream: number, bytes: number, nowMs: number): void {
    this.#in.consumed(stream, bytes, nowMs);
    this.#acknowledge(nowMs);
  }

  // --- sessions ------------------------------------------------------------------------------------------------------------------

  /** A session was accepted, in either direction. */
  sessionUp(info: SessionInfo, nowMs: number): void {
    this.#failed = false;
    const session: Session = {
      ...info,
      sinceMs: nowMs,
      webrtc: this.#limits.webrtcAllowed ? 'pending' : 'failed',
      webrtcReason: this.#limits.webrtcAllowed ? '' : 'the webrtc lane is switched off here',
      relay: 'none',
      fellBack: false,
      inFlow: undefined,
    };
    if (info.own) this.#meetEpoch(info.epoch);
    else if (info.direction === 'in') session.inFlow = new InFlow(this.#limits, this.#counters, this.#upstreamPorts());
    this.#sessions.set(info.sid, session);
    if (info.direction === 'out') this.#useOutbound(session);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** A session ended or was replaced. Lanes that belong to it are closed by their owner. */
  sessionDown(sid: string, nowMs: number): void {
    const session = this.#sessions.get(sid);
    if (session === undefined) return;
    this.#sessions.delete(sid);
    if (this.#outbound === session) this.#outbound = undefined;
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  #useOutbound(session: Session): void {
    const replaced = this.#ownPeer === false && this.#outbound !== undefined;
    this.#outbound = session;
    this.#ownPeer = session.own;
    this.out.setPeer(session.own, new TextEncoder().encode(session.path));
    if (!session.own && replaced) this.out.restartNumbering();
  }

  #meetEpoch(epoch: string): void {
    if (this.#peerEpoch !== '' && this.#peerEpoch !== epoch) {
      this.out.restart();
      this.#in.restart();
      this.#ports.peerRestarted();
      for (const [sid, session] of this.#sessions) if (session.epoch !== epoch) this.#sessions.delete(sid);
    }
    this.#peerEpoch = epoch;
  }

  // --- lanes ---------------------------------------------------------------------------------------------------------------------

  laneUp(lane: Lane, nowMs: number): void {
    const session = this.#sessions.get(lane.sid);
    this.#lanes.push(lane);
    if (session !== undefined) {
      if (lane.kind === 'webrtc') session.webrtc = 'open';
      else session.relay = 'open';
    }
    this.#in.refresh(nowMs);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** A lane that was up is gone. */
  laneDown(lane: Lane, reason: string, nowMs: number): void {
    const index = this.#lanes.indexOf(lane);
    if (index < 0) return;
    this.#lanes.splice(index, 1);
    const session = this.#sessions.get(lane.sid);
    if (session !== undefined) {
      if (lane.kind === 'webrtc') {
        session.webrtc = 'failed';
        session.webrtcReason = reason;
      } else session.relay = 'none';
    }
    if (this.#replyLane === lane) this.#replyLane = undefined;
    if (this.out.lane === lane) {
      this.out.lane = undefined;
      if (this.#ownPeer) this.out.resend();
      else if (lane.bufferedBytes() > 0 || lane.kind === 'webrtc') this.#lostInFlight(lane, reason);
    }
    if (this.#ownPeer) this.#in.refresh(nowMs);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** WebRTC for this session did not come up. */
  webrtcFailed(sid: string, reason: string, nowMs: number): void {
    const session = this.#sessions.get(sid);
    if (session === undefined || session.webrtc === 'open') return;
    session.webrtc = 'failed';
    session.webrtcReason = reason;
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** WebRTC is being tried again for this session. */
  webrtcPending(sid: string): void {
    const session = this.#sessions.get(sid);
    if (session !== undefined && session.webrtc === 'failed' && this.#limits.webrtcAllowed) session.webrtc = 'pending';
  }

  #lostInFlight(lane: Lane, reason: string): void {
    if (this.out.nextSeq === 1) return;
    this.#ports.failed(
      'ERR_HLNK_GAP',
      `the ${lane.kind} lane of session ${lane.sid} was lost (${reason}) near sequence number ${this.out.nextSeq - 1}; this peer does not ` +
        'acknowledge, so the stream cannot be continued exactly: local connections are reset',
    );
  }

  #choose(nowMs: number): void {
    const before = this.out.lane;
    const session = this.#outbound;
    const lane = session === undefined ? undefined : this.#best(session);
    if (lane !== undefined) this.#waitSinceMs = undefined;
    if (lane !== before) {
      // Whatever the lane before still holds may arrive later than what goes out now: the receiver puts it in order.
      this.out.lane = lane;
      if (lane !== undefined) this.#ports.carries(lane, lane.kind === 'webrtc' ? '' : (session?.webrtcReason ?? ''));
      else this.#ports.carries(undefined, 'no lane is up');
    }
    if (lane === undefined && session !== undefined) this.#considerRelay(session, nowMs);
  }

  #best(session: Session): Lane | undefined {
    let relay: Lane | undefined;
    for (const lane of this.#lanes) {
      const same = lane.sid === session.sid;
      if (lane.kind === 'webrtc' && (same || (session.own && this.#sessions.has(lane.sid)))) return lane;
      // Through the relay only the opener of a session can send at full rate; the other way is for control frames.
      if (lane.kind === 'relay' && same) relay = lane;
    }
    return relay;
  }

  #considerRelay(session: Session, nowMs: number): void {
    if (session.relay !== 'none' || this.#failed) return;
    const limits = this.#limits;
    const waitedMs = nowMs - session.sinceMs;
    if (limits.relayAllowed && !(limits.strict && limits.webrtcAllowed)) {
      if (session.webrtc === 'pending' && waitedMs < limits.fallbackGraceMs) return;
      if (limits.webrtcAllowed && !session.fellBack) this.#count(Counter.wsFallbacks);
      session.fellBack = true;
      if (session.webrtcReason === '') session.webrtcReason = `WebRTC was not up ${Math.round(waitedMs)} ms after the session was accepted`;
      session.relay = 'asked';
      this.#ports.wantRelay(session.sid);
      return;
    }
    if (session.webrtc === 'pending' && waitedMs < limits.p2pWaitMs) return;
    const why = session.webrtc === 'failed' ? session.webrtcReason : `no data channel ${Math.round(waitedMs)} ms after the session was accepted`;
    this.#violate(`session ${session.sid}`, `WebRTC is not usable (${why}) and the relay may not carry payload`);
  }

  #violate(where: string, why: string): void {
    this.#failed = true;
    const message = `${where}, path ${this.#outbound?.path ?? '(none)'}, sequence number ${this.out.nextSeq}: ${why}`;
    if (this.#limits.strict) this.#count(Counter.strictViolations);
    this.#ports.failed(this.#limits.strict ? 'ERR_HLNK_STRICT' : 'ERR_HLNK_PEER_UNAVAILABLE', message);
  }

  // --- frames in -----------------------------------------------------------------------------------------------------------------

  /** A message arrived on a lane. Never throws, whatever it holds. */
  frame(lane: Lane, message: Uint8Array, lasting: boolean, nowMs: number): void {
    const view = this.#view;
    const verdict = view.read(message);
    const session = this.#sessions.get(lane.sid);
    if (verdict !== 'ok') return this.#refuse(verdict, lane.sid);
    if (session === undefined) return this.#refuse('no-session', lane.sid);
    if (!session.own) return this.#upstreamFrame(session, view, lasting, nowMs);
    if (!readOwnEtag(message, view.etagStart, view.etagBytes, this.#etag)) return this.#refuse('bad-etag', lane.sid);
    const { kind, stream } = this.#etag;
    if (view.seq === 0) return this.#control(kind, view.payload(), nowMs);
    this.#replyLane = lane;
    const outcome = this.#in.frame(view.seq, kind, stream, view.payload(), lasting, nowMs);
    if (outcome !== 'ok' && outcome !== 'duplicate') this.#brokenInbound(outcome, session);
    this.#acknowledge(nowMs);
  }

  #upstreamFrame(session: Session, view: FrameView, lasting: boolean, nowMs: number): void {
    if (view.payloadBytes === 0) return this.#refuse('empty-payload', session.sid);
    // A Rust peer in p2p-only mode answers on the session we opened, with numbers of its own (wire.md 5.9).
    session.inFlow ??= new InFlow(this.#limits, this.#counters, this.#upstreamPorts());
    const outcome = session.inFlow.frame(view.seq, OwnKind.data, UPSTREAM_STREAM, view.payload(), lasting, nowMs);
    if (outcome === 'window-full' || outcome === 'bad-seq') this.#brokenInbound(outcome, session);
  }

  #control(kind: number, payload: Uint8Array, nowMs: number): void {
    if (kind === OwnKind.ping) {
      this.#in.refresh(nowMs);
      this.#acknowledge(nowMs);
      return;
    }
    if (kind !== OwnKind.ack) return this.#refuse('bad-control', '');
    this.#count(Counter.acksReceived);
    const seq = decodeAck(payload, (stream, bytes) => this.out.grant(stream, bytes));
    if (seq < 0 || !this.out.acknowledged(seq)) return this.#refuse('bad-ack', '');
    this.#probeAtMs = undefined;
    this.pump(nowMs);
  }

  #brokenInbound(outcome: string, session: Session): void {
    const next = (session.inFlow ?? this.#in).nextSeq;
    this.#ports.failed('ERR_HLNK_GAP', `session ${session.sid}: ${outcome} while waiting for sequence number ${next}; local connections are reset`);
  }

  #refuse(reason: FrameVerdict | string, sid: string): void {
    this.#count(Counter.framesRefused);
    this.#ports.refused(reason, sid);
  }

  #upstreamPorts(): InFlowPorts {
    const ports = this.#ports;
    return {
      deliver: (stream, payload, lasting) => ports.deliver(stream, payload, lasting),
      opened: (stream) => ports.opened(stream),
      ended: () => {},
      reset: () => {},
    };
  }

  // --- acknowledgements and time ---------------------------------------------------------------------------------------------------

  #acknowledge(nowMs: number): void {
    for (let due = this.#in.ackDueMs; due !== undefined && due <= nowMs; due = this.#in.ackDueMs) {
      const lane = this.#replyLane ?? this.out.lane ?? this.#lanes[0];
      if (lane === undefined) return;
      const frame = this.out.control(OwnKind.ack, 0, 0, this.#in.takeAck());
      if (lane.trySend(frame, true) !== 'taken') {
        // The lane is congested or about to be reported lost; not at once, or a full lane would make this spin.
        this.#in.refresh(nowMs + ACK_DELAY_MS);
        return;
      }
      this.#count(Counter.acksSent);
    }
  }

  /** Sends what can be sent now. */
  pump(nowMs: number): void {
    const verdict = this.out.pump(nowMs);
    if (verdict === 'stuck-oversize') {
      const lane = this.out.lane as Lane;
      this.#ports.failed('ERR_HLNK_INTERNAL', `the ${lane.kind} lane of session ${lane.sid} refuses even the smallest frame as too large`);
    }
    if (verdict === 'no-lane' && this.out.pending && this.#outbound === undefined && !this.#failed) {
      this.#waitSinceMs ??= nowMs;
      this.#ports.wantSession();
    }
    if (this.#ownPeer && this.out.inFlightFrames > 0) this.#probeAtMs ??= nowMs + PROBE_MS;
    else if (verdict === 'idle' && !this.out.pending) this.#probeAtMs = undefined;
  }

  /** When `tick` must be called at the latest, ms; undefined while nothing waits. */
  timeoutMs(): number | undefined {
    let at = this.#in.ackDueMs !== undefined && this.#lanes.length > 0 ? this.#in.ackDueMs : undefined;
    const sooner = (ms: number | undefined): void => {
      if (ms !== undefined && (at === undefined || ms < at)) at = ms;
    };
    sooner(this.#probeAtMs);
    const session = this.#outbound;
    if (session !== undefined && this.out.lane === undefined && session.relay === 'none' && !this.#failed) {
      const relay = this.#limits.relayAllowed && !(this.#limits.strict && this.#limits.webrtcAllowed);
      sooner(session.sinceMs + (relay ? this.#limits.fallbackGraceMs : this.#limits.p2pWaitMs));
    }
    if (this.#limits.strict && this.#waitSinceMs !== undefined && !this.#failed) sooner(this.#waitSinceMs + this.#limits.p2pWaitMs);
    if (this.#failed) return at;
    if (this.#in.gapSinceMs !== undefined) sooner(this.#in.gapSinceMs + this.#limits.gapMs);
    for (const { inFlow } of this.#sessions.values()) {
      if (inFlow?.gapSinceMs !== undefined) sooner(inFlow.gapSinceMs + this.#limits.gapMs);
    }
    return at;
  }

  tick(nowMs: number): void {
    if (this.#outbound !== undefined && this.out.lane === undefined) this.#choose(nowMs);
    if (this.#limits.strict && !this.#failed && this.#waitSinceMs !== undefined && nowMs >= this.#waitSinceMs + this.#limits.p2pWaitMs) {
      this.#violate('no session', `the peer did not accept within ${this.#limits.p2pWaitMs} ms`);
    }
    if (this.#probeAtMs !== undefined && nowMs >= this.#probeAtMs) {
      this.#probeAtMs = nowMs + PROBE_MS;
      const lane = this.out.lane;
      if (lane !== undefined && this.#ownPeer) lane.trySend(this.out.control(OwnKind.ping, 0, 0, new Uint8Array(1)), true);
    }
    for (const session of [undefined, ...this.#sessions.values()]) {
      const flow = session === undefined ? this.#in : session.inFlow;
      if (!this.#failed && flow?.gapSinceMs !== undefined && nowMs >= flow.gapSinceMs + this.#limits.gapMs) {
        this.#failed = true;
        this.#ports.failed('ERR_HLNK_GAP', `sequence number ${flow.nextSeq} never arrived within ${this.#limits.gapMs} ms; local connections are reset`);
      }
    }
    this.#acknowledge(nowMs);
    this.pump(nowMs);
  }

  #count(counter: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + 1;
  }
}
