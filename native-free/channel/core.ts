// The protocol core of one channel: what goes out over which lane, what the peer is told, and when it is an error.
// No I/O, no clock: inputs are method calls with the time, outputs go through ChannelPorts, and `timeoutMs` says when to call `tick`.
//
// With an own peer streams go on byte-exact whatever happens to single messages, lanes and sessions, or end with a reset that both
// applications see: every lane may carry frames, what is lost is sent again, and a peer that is silent for too long is given up. Then the
// numbering cannot be trusted any more, so the core is over (`failed`) and its owner starts a new one under a new epoch, by which the peer
// knows to reset its streams too. With an upstream peer frames go only over the session we opened, nothing is acknowledged, and a loss
// that cannot be mended ends the channel the same way. A lane must not call back from within `trySend`. Channel worker.

import { Chunker } from '../chunker.js';
import { Counter } from '../counters.js';
import type { HotlinkErrorCode } from '../errors.js';
import { type FrameVerdict, FrameView } from '../hlnk/index.js';
import type { Lane, PeerLaneKind, SendVerdict } from '../lane.js';
import { Carriers, type LaneState, type Session, type SessionInfo } from './carriers.js';
import { Epochs } from './epochs.js';
import { InFlow, type InFlowPorts, UPSTREAM_STREAM } from './in-flow.js';
import type { ChannelLimits } from './limits.js';
import { OutFlow } from './out-flow.js';
import type { OutStream } from './out-stream.js';
import { OwnPeer } from './own-peer.js';
import { type OwnEtag, OwnKind, readOwnEtag } from './own-wire.js';
import type { ChannelConfig, ChannelPorts } from './ports.js';
import { UpstreamNumbers } from './upstream-numbers.js';

/** Pings on request that wait for a lane, and that are under way: more than one per second of a person's patience. */
const MAX_PINGS = 64;

/** One channel: its streams, over whatever lanes of its sessions are up. Every call takes the time, ms; afterwards look at {@link ChannelCore.timeoutMs}. */
export class ChannelCore {
  /** @internal */
  readonly out: OutFlow;
  /** @internal */
  readonly in: InFlow;
  readonly #limits: ChannelLimits;
  readonly #counters: Float64Array;
  readonly #ports: ChannelPorts;
  readonly #whole: boolean;
  readonly #carriers: Carriers;
  readonly #peer: OwnPeer;
  readonly #epochs = new Epochs();
  readonly #numbers: UpstreamNumbers;
  readonly #view = new FrameView();
  readonly #etag: OwnEtag = { kind: OwnKind.data, stream: 0 };
  #ownPeer: boolean | undefined;
  #wanted = false;
  #waitSinceMs: number | undefined;
  /** Lanes are forbidden that would be needed; told once, until something changes. */
  #violated = false;
  #over = false;
  /** Pings somebody asked for: those that wait for a lane, and the tokens of those under way by their ids. */
  readonly #asked: number[] = [];
  readonly #underWay = new Map<number, number>();
  /** Time of the last input, for those that come without one. */
  #nowMs = 0;

  constructor({ path, salt, limits, counters, numbers, ports, whole = false, memory }: ChannelConfig) {
    this.#whole = whole;
    this.#limits = limits;
    this.#counters = counters;
    this.#ports = ports;
    this.#carriers = new Carriers(limits);
    this.#numbers = new UpstreamNumbers(numbers);
    this.in = new InFlow(limits, counters, this.#inFlowPorts());
    this.out = new OutFlow({
      ...(memory === undefined ? {} : { memory }),
      path: new TextEncoder().encode(path),
      limits,
      counters,
      chunker: new Chunker({ chunkBytes: limits.chunkBytes }),
      salt,
      ports: {
        room: (stream) => ports.room(stream),
        streamDone: (stream) => ports.sendingDone(stream),
        hungry: (stream) => {
          if (this.#ownPeer) this.#peer.begForCredit(stream);
        },
        blocked: () => {
          if (this.#ownPeer) this.#peer.askForRoom();
        },
      },
    });
    this.#peer = new OwnPeer({
      limits,
      counters,
      in: this.in,
      out: this.out,
      carriers: this.#carriers,
      fail: (code, message) => this.#fail(code, message),
      answered: (id, lane, rttMs) => this.#answered(id, lane, rttMs),
      choose: (nowMs) => this.#choose(nowMs),
    });
  }

  /** True once the peer is known to be one of our own kind, false once known to be upstream's. */
  get ownPeer(): boolean | undefined {
    return this.#ownPeer;
  }
  /** Whether everything that was taken is acknowledged. */
  get settled(): boolean {
    return !this.out.pending && this.out.inFlightFrames === 0;
  }
  /** Highest stream id either side used. */
  get highestStream(): number {
    return this.in.highestStream;
  }
  /** An upstream peer was started anew: it counts every path from 1. */
  forgetNumbers(): void {
    this.#numbers.forget();
  }
  /** For the next life of the channel: where numberings go on that an upstream peer counted. Ends the present one. */
  endNumbers(): [string, number][] {
    this.#numbers.end(this.out.nextSeq);
    return this.#numbers.entries();
  }
  /** What carries now. */
  get lane(): Lane | undefined {
    return this.out.lane;
  }
  /** The highest sequence number up to which everything was delivered. */
  get deliveredSeq(): number {
    return this.in.nextSeq - 1;
  }
  /** True after a failure that cannot be mended: nothing is taken or sent any more. */
  get over(): boolean {
    return this.#over;
  }

  // --- streams -------------------------------------------------------------------------------------------------------------------

  /** Starts the sending half of a stream. @param opener true when this side made up the id */
  openStream(id: number, opener: boolean, announce: boolean, nowMs: number): OutStream {
    const news = this.#violated || !this.#needsLane();
    if (opener) this.in.expect(id);
    const stream = this.out.openStream(id, opener, announce);
    if (news && this.out.lane === undefined) {
      this.#violated = false;
      this.#carriers.beginWait(nowMs);
      this.#choose(nowMs);
    }
    this.pump(nowMs);
    return stream;
  }

  /** Bytes from the application. @returns false when there is no room: keep them and stop reading until `room` */
  take(stream: OutStream, source: Uint8Array, landedAt: number, nowMs: number): boolean {
    if (this.#over) return false;
    const taken = this.out.take(stream, source, landedAt);
    this.pump(nowMs);
    return taken;
  }

  /**
   * A whole HLNK frame to an upstream peer, as one message of the session we opened (local IPC). Its sequence number is written into it.
   * @returns `no-lane` while nothing carries; `oversize` when the present lane cannot take it, and frames are never cut
   */
  sendWhole(frame: Uint8Array, nowMs: number): SendVerdict | 'no-lane' {
    const { lane } = this.out;
    if (this.#over || this.#ownPeer !== false || lane === undefined) return 'no-lane';
    this.#nowMs = nowMs;
    const verdict = this.out.sendWhole(lane, frame);
    if (verdict !== 'oversize' || lane.kind === 'relay') return verdict;
    // As upstream's Rust client does with what its data channel refuses: through the relay, under the next number all the same.
    const relay = this.#carriers.relayOf(this.#carriers.outbound);
    if (relay !== undefined) return this.out.sendWhole(relay, frame);
    const session = this.#carriers.outbound;
    if (session === undefined || !this.#carriers.relayMayCarry) return 'oversize';
    if (session.relay === 'none') {
      session.relay = 'asked';
      this.#ports.wantRelay(session.sid);
    }
    return 'no-lane';
  }

  /** Whoever wants to leave does not wait for acknowledgements to come by themselves. To be called until nothing is under way. */
  hasten(nowMs: number): void {
    if (this.#ownPeer && !this.#over) this.#peer.hasten(nowMs);
  }

  /** The application has no more to send. */
  endStream(stream: OutStream, nowMs: number): void {
    this.out.end(stream);
    this.pump(nowMs);
  }

  /** Tears a stream down on the far side. */
  resetStream(stream: OutStream, reason: string, nowMs: number): void {
    this.#count(Counter.resets);
    // A stream that the peer never heard of needs no word, or words would pile up while the peer is away.
    if (stream.spoken || this.in.stream(stream.id)?.heard) this.out.reset(stream, reason);
    else this.out.drop(stream);
    this.pump(nowMs);
  }

  /** The stream is over here. If the peer cannot know that yet, it is told with a reset. */
  removeStream(id: number): void {
    const receiving = this.in.stream(id);
    const sending = this.out.stream(id);
    if (receiving === undefined && sending === undefined) return;
    const unused = !receiving?.heard && !sending?.spoken;
    const ended = sending?.done && sending.resetPending === undefined && (receiving === undefined || receiving.done);
    const known = unused || ended || receiving?.resetByPeer || sending?.resetSent || this.#ownPeer === false;
    this.in.forget(id, unused);
    this.out.removeStream(id, known ? undefined : (sending?.resetPending ?? 'the stream was ended'));
    this.pump(this.#nowMs);
  }

  /** The application took bytes that were delivered. @returns false when nothing is said about it now, so that no deadline is another one by it */
  consumed(stream: number, bytes: number, nowMs: number): boolean {
    if (!this.in.consumed(stream, bytes, nowMs)) return false;
    this.#acknowledge(nowMs);
    return true;
  }

  /**
   * Measures a round trip through the data path; `pong` answers, unless a message is lost: ask again, with the same token. Asks for a
   * session where there is none.
   */
  ping(token: number, nowMs: number): void {
    if (this.#over) return;
    if (this.#asked.includes(token)) return;
    // Nobody waits for ever, but whoever asks more often than is answered is not to fill the memory.
    if (this.#asked.length === MAX_PINGS) this.#asked.shift();
    this.#asked.push(token);
    this.pump(nowMs);
  }

  #sendPings(nowMs: number): void {
    while (this.#asked.length > 0) {
      const id = this.#ownPeer ? this.#peer.ask(nowMs) : 0;
      if (id === 0 && this.#ownPeer !== false) return;
      const token = this.#asked.shift() as number;
      if (id === 0) {
        this.#ports.pong?.(token, undefined, 0);
        continue;
      }
      if (this.#underWay.size === MAX_PINGS) this.#underWay.delete(this.#underWay.keys().next().value as number);
      this.#underWay.set(id, token);
    }
  }

  #answered(id: number, lane: Lane, rttMs: number): void {
    const token = this.#underWay.get(id);
    if (token === undefined) return;
    for (const [other, its] of this.#underWay) if (its === token) this.#underWay.delete(other);
    this.#ports.pong?.(token, lane, rttMs);
  }

  // --- sessions and lanes ----------------------------------------------------------------------------------------------------------

  /** A session was accepted, in either direction. */
  sessionUp(info: SessionInfo, nowMs: number): void {
    if (this.#over) return;
    this.#wanted = false;
    if (info.own || info.direction === 'out') this.#numbers.end(this.out.nextSeq);
    if (!this.#meet(info, nowMs)) {
      this.pump(nowMs);
      return;
    }
    this.#violated = false;
    this.#peer.alive(nowMs);
    const outbound = info.direction === 'out';
    this.#carriers.addSession(info, info.own || outbound ? undefined : this.#upstreamFlow(), nowMs);
    this.out.setPeer(info.own, outbound ? new TextEncoder().encode(info.path) : this.out.framer.path);
    if (!info.own && outbound) this.out.restartNumbering(this.#numbers.begin(info.path, info.countsOn === true));
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** A session ended or was replaced. Lanes that belong to it are closed by their owner. */
  sessionDown(sid: string, nowMs: number): void {
    if (this.#over) return;
    this.#wanted = false;
    const { lane } = this.out;
    this.#carriers.removeSession(sid);
    if (lane?.sid === sid && !this.#survives(lane, 'the session ended', lane.bufferedBytes() > 0)) return;
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** A lane of a session is up and takes frames. */
  laneUp(lane: Lane, nowMs: number): void {
    if (this.#over) return;
    this.#carriers.addLane(lane, nowMs);
    this.#violated = false;
    // A connection between the two takes both; a lane through the relay comes up alone.
    if (lane.kind !== 'relay') this.#peer.alive(nowMs);
    // What was said on the lane before may be lost.
    if (this.#ownPeer && this.#open()) this.in.refresh(nowMs);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** Whether the relay is there for us. Where it is not, a silent peer gets the patience of an outage. */
  relayThere(there: boolean, nowMs: number): void {
    this.#peer.offline(!there, nowMs);
  }

  /** A lane that was up is gone. @param lossy what a relay lane took may not have reached the relay */
  laneDown(lane: Lane, reason: string, nowMs: number, lossy = false): void {
    if (!this.#carriers.removeLane(lane, reason, nowMs) || this.#over) return;
    this.#peer.laneGone(lane);
    // A relay lane's owner knows how far it came; the others never say.
    if (this.out.lane === lane && !this.#survives(lane, reason, lossy || lane.kind !== 'relay' || lane.bufferedBytes() > 0)) return;
    if (this.#ownPeer && this.#open()) this.in.refresh(nowMs);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** A part of a lane is gone, the lane is not: these frames are sent again, as far as they were on that part. */
  framesLost(from: number, end: number, nowMs: number): void {
    if (this.#over || this.#ownPeer !== true) return;
    this.out.resend(from, end);
    this.pump(nowMs);
  }

  /** The largest frame of a lane is another one now. */
  laneResized(lane: Lane): void {
    if (this.out.lane === lane) this.out.lane = lane;
  }

  /** The peer is far away: streams may keep more on its way. @param filling windows grow by themselves when all that is in them is on its way */
  goFar(filling = false): void {
    this.out.growsWhenSent ||= filling;
    const { farWindowBytes, creditBytes } = this.#limits;
    this.out.windowCeilingBytes = farWindowBytes;
    this.in.raiseCredit(Math.max(creditBytes, farWindowBytes));
  }

  /** A peer-to-peer lane of this session did not come up. */
  attemptFailed(sid: string, kind: PeerLaneKind, reason: string, nowMs: number): void {
    this.#carriers.attemptFailed(sid, kind, reason);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** The relay may not carry this session. */
  relayRefused(sid: string, reason: string, nowMs: number): void {
    this.#carriers.relayRefused(sid, reason);
    this.#choose(nowMs);
    this.pump(nowMs);
  }

  /** What came in on a lane was changed on its way. Streams go on over another kind of lane if one is up; otherwise the channel is over. */
  laneBroken(lane: Lane, message: string, nowMs: number): void {
    const refuge = this.#carriers.lanes.some(({ lane: other, session }) => session !== undefined && other.kind !== lane.kind);
    this.laneDown(lane, message, nowMs);
    if (!this.#ownPeer || !refuge) this.#fail('ERR_HLNK_SEAL', `${message}; local connections are reset`);
  }

  /** A peer-to-peer lane of this session is being tried (again). */
  attemptBegins(sid: string, kind: PeerLaneKind): void {
    this.#carriers.attemptBegins(sid, kind);
  }

  /** The lane that carries frames is lost. @param lossy bytes may be lost with it @returns false when that ends the channel */
  #survives(lane: Lane, reason: string, lossy: boolean): boolean {
    if (this.#ownPeer !== false) {
      this.#peer.resendAll();
      return true;
    }
    if (!lossy || this.#numbers.untouched(this.out.nextSeq) || this.out.openHalves === 0) return true;
    this.#fail(
      'ERR_HLNK_GAP',
      `the ${lane.kind} lane of session ${lane.sid} was lost (${reason}) near sequence number ${this.out.nextSeq - 1}; this peer does not ` +
        'acknowledge, so the stream cannot be continued exactly: local connections are reset',
    );
    return false;
  }

  /**
   * Agrees with the peer on who it is. A new epoch, or another kind of peer, knows nothing of our streams: those it was told of are over,
   * those that wait for their first word go on and are counted from 1.
   * @returns false for a late word of a peer that is gone
   */
  #meet({ own, epoch }: SessionInfo, nowMs: number): boolean {
    const met = own ? this.#epochs.meet(epoch) : 'same';
    if (met === 'past') {
      // Nothing says which of two starts came first. While the one we know has a session, this is a late word. Without one, what we know may
      // have been the late word; and this one may count on from where we were then, so that only a new start of ours makes us agree.
      if (this.#ownPeer && this.#carriers.sessions.size > 0) return false;
      this.#fail('ERR_HLNK_GAP', 'the sessions of two starts of the peer came out of order; local connections are reset');
      return false;
    }
    const changed = this.#ownPeer !== undefined && this.#ownPeer !== own;
    this.#ownPeer = own;
    if (!changed && met === 'same') return true;
    for (const [sid, session] of this.#carriers.sessions) {
      if (session.own !== own || session.epoch !== epoch) this.#carriers.removeSession(sid);
    }
    this.out.lane = undefined;
    const kept = this.out.restart((id) => !this.in.stream(id)?.heard);
    this.in.restart();
    this.#peer.restart();
    const renumbered = new Map<number, number>();
    for (const stream of kept) {
      const id = renumbered.size + 1;
      renumbered.set(stream.id, id);
      this.in.expect(id);
      this.out.adopt(stream, id);
    }
    this.#ports.peerRestarted(renumbered);
    this.#choose(nowMs);
    return true;
  }

  #choose(nowMs: number): void {
    if (this.#over) return;
    const best = this.#carriers.best(this.#ownPeer === true);
    const lane = best?.lane;
    if (lane !== undefined) this.#waitSinceMs = undefined;
    if (lane !== this.out.lane) {
      // What the lane before still holds may arrive later than what goes out now: the receiver puts it in order. If that lane is silent,
      // it may as well be lost.
      const before = this.out.lane === undefined ? undefined : this.#carriers.stateOf(this.out.lane);
      this.out.lane = lane;
      if (lane !== undefined) this.#peer.moved(nowMs);
      if (before?.suspect || before?.tooSmall) this.#peer.resendAll();
      if (lane !== undefined) this.#ports.carries(lane, this.#carriers.whyNotBetter(best?.session, lane.kind));
      else this.#ports.carries(undefined, 'no lane is up');
    }
    this.#remedy(best, nowMs);
  }

  #remedy(best: LaneState | undefined, nowMs: number): void {
    if (this.#violated) return;
    const remedy = this.#carriers.remedy(best, this.#needsLane(), nowMs);
    if (remedy.kind === 'relay') {
      const { session } = remedy;
      if (this.#carriers.peerLanesAllowed && !session.fellBack) this.#count(Counter.wsFallbacks);
      session.fellBack = true;
      session.relay = 'asked';
      this.#ports.wantRelay(session.sid);
    } else if (remedy.kind === 'violation') this.#violate(`session ${this.#carriers.outbound?.sid}`, remedy.why);
  }

  /** Without a lane something would stand still. */
  #needsLane(): boolean {
    return this.#open() || this.out.inFlightFrames > 0 || this.out.pending;
  }

  /** Something is expected of the peer: a half of a stream, or what is missing in front of frames that are held. */
  #open(): boolean {
    return this.out.openHalves > 0 || this.in.openHalves > 0 || this.in.heldFrames > 0;
  }

  /** Something was sent or received: from here on a lost peer or a long outage costs the streams. */
  #begun(): boolean {
    return this.out.nextSeq > 1 || this.in.nextSeq > 1 || this.in.heldFrames > 0;
  }

  // --- failures ------------------------------------------------------------------------------------------------------------------

  /** The lanes that are left may not carry payload. Nothing was lost: the core goes on when that changes. */
  #violate(where: string, why: string): void {
    this.#violated = true;
    const message = `${where}, path ${this.#carriers.outbound?.path ?? '(none)'}, sequence number ${this.out.nextSeq}: ${why}`;
    if (this.#limits.strict) this.#count(Counter.strictViolations);
    this.#ports.failed(this.#limits.strict ? 'ERR_HLNK_STRICT' : 'ERR_HLNK_PEER_UNAVAILABLE', message);
  }

  /** The promise is broken: nothing goes on from here. */
  #fail(code: HotlinkErrorCode, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#numbers.end(this.out.nextSeq);
    this.out.lane = undefined;
    this.out.restart(() => false);
    this.in.restart();
    this.#ports.failed(code, message);
  }

  #refuse(reason: FrameVerdict | string, sid: string): void {
    this.#count(Counter.framesRefused);
    this.#ports.refused(reason, sid);
  }

  // --- frames in -----------------------------------------------------------------------------------------------------------------

  /** A message arrived on a lane. Never throws, whatever it holds. */
  frame(lane: Lane, message: Uint8Array, lasting: boolean, nowMs: number): void {
    if (this.#over) return;
    const view = this.#view;
    const verdict = view.read(message);
    const state = this.#carriers.stateOf(lane);
    const session = state?.session ?? this.#carriers.sessions.get(lane.sid);
    if (verdict !== 'ok') this.#refuse(verdict, lane.sid);
    else if (session === undefined) this.#refuse('no-session', lane.sid);
    else if (!session.own) this.#upstreamFrame(session, view, lasting, nowMs);
    else if (!readOwnEtag(message, view.etagStart, view.etagBytes, this.#etag)) this.#refuse('bad-etag', lane.sid);
    else this.#ownFrame(lane, state, lasting, nowMs);
  }

  #ownFrame(lane: Lane, state: LaneState | undefined, lasting: boolean, nowMs: number): void {
    const { seq } = this.#view;
    const { kind, stream } = this.#etag;
    const payload = this.#view.payload();
    this.#peer.heard(state, nowMs);
    if (seq === 0) {
      const verdict = this.#peer.control(lane, kind, stream, payload, nowMs);
      if (verdict !== 'ok') this.#refuse(verdict, lane.sid);
      this.pump(nowMs);
    } else if (kind === OwnKind.ack || kind === OwnKind.ping) this.#refuse('bad-control', lane.sid);
    else {
      this.#peer.heardFrame(lane);
      const outcome = this.in.frame(seq, kind, stream, payload, lasting, nowMs);
      // No room behind a hole: the sender keeps the frame, and sends it again when the hole is filled.
      if (outcome === 'full' || outcome === 'bad-seq') this.#count(Counter.framesRefused);
      this.#acknowledge(nowMs);
      this.#settle(nowMs);
    }
  }

  #upstreamFrame(session: Session, view: FrameView, lasting: boolean, nowMs: number): void {
    if (view.payloadBytes === 0) {
      this.#refuse('empty-payload', session.sid);
      return;
    }
    // A Rust peer in p2p-only mode answers on the session we opened, with numbers of its own (wire.md 5.9).
    session.inFlow ??= this.#upstreamFlow();
    const body = this.#whole ? view.message.subarray(0, view.endAt) : view.payload();
    const outcome = session.inFlow.frame(view.seq, OwnKind.data, UPSTREAM_STREAM, body, lasting, nowMs);
    if (outcome !== 'full' && outcome !== 'bad-seq') return;
    const message = `session ${session.sid}: ${outcome} while waiting for sequence number ${session.inFlow.nextSeq}`;
    this.#fail('ERR_HLNK_GAP', `${message}; local connections are reset`);
  }

  #inFlowPorts(): InFlowPorts {
    const ports = this.#ports;
    return {
      deliver: (stream, payload, lasting) => ports.deliver(stream, payload, lasting),
      opened: (stream) => ports.opened(stream),
      ended: (stream) => ports.ended(stream),
      reset: (stream, reason) => ports.reset(stream, reason),
      overrun: (stream) => this.#overrun(stream),
    };
  }

  /** A peer that breaks the rules of one stream loses that stream, not the channel. */
  #overrun(id: number): void {
    const reason = 'more was sent than the credit allowed';
    this.#count(Counter.creditBreaches);
    const sending = this.out.stream(id);
    if (sending !== undefined) this.out.reset(sending, reason);
    this.#ports.reset(id, reason);
    this.removeStream(id);
  }

  #upstreamFlow(): InFlow {
    return new InFlow(this.#limits, this.#counters, { ...this.#inFlowPorts(), ended: () => {}, reset: () => {} }, 'upstream');
  }

  // --- time ------------------------------------------------------------------------------------------------------------------------

  /** Sends what can be sent now. */
  pump(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#over) return;
    const verdict = this.out.pump(nowMs);
    if (verdict === 'oversize') this.#oversize(this.out.lane as Lane, nowMs);
    if (this.#asked.length > 0) this.#sendPings(nowMs);
    if (!this.#wanted && !this.#violated && this.#carriers.outbound === undefined) this.#considerSession(nowMs);
    this.#settle(nowMs);
  }

  /** When `tick` must be called at the latest, ms; undefined while nothing waits. */
  timeoutMs(): number | undefined {
    if (this.#over) return undefined;
    let at = this.#ownPeer ? this.#peer.dueMs() : this.#upstreamGapMs();
    if (this.out.lane === undefined && !this.#violated) {
      at = Math.min(at, this.#carriers.remedyDueMs(this.#needsLane()) ?? at);
      if (this.#limits.strict && this.#waitSinceMs !== undefined) at = Math.min(at, this.#waitSinceMs + this.#limits.p2pWaitMs);
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** The time that timeoutMs named has come. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#over) return;
    if (this.out.lane === undefined) this.#choose(nowMs);
    if (this.#limits.strict && !this.#violated && this.#waitSinceMs !== undefined && nowMs >= this.#waitSinceMs + this.#limits.p2pWaitMs) {
      this.#violate('no session', `the peer did not accept within ${this.#limits.p2pWaitMs} ms`);
    }
    if (this.#ownPeer) this.#peer.tick(nowMs);
    else this.#tickUpstream(nowMs);
    this.pump(nowMs);
  }

  #upstreamGapMs(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { inFlow } of this.#carriers.sessions.values()) {
      if (inFlow?.gapSinceMs !== undefined) at = Math.min(at, inFlow.gapSinceMs + this.#limits.gapMs);
    }
    return at;
  }

  #tickUpstream(nowMs: number): void {
    for (const { sid, inFlow } of this.#carriers.sessions.values()) {
      if (inFlow?.gapSinceMs === undefined || nowMs < inFlow.gapSinceMs + this.#limits.gapMs) continue;
      const message = `session ${sid}: sequence number ${inFlow.nextSeq} never arrived within ${this.#limits.gapMs} ms`;
      this.#fail('ERR_HLNK_GAP', `${message}; local connections are reset`);
      return;
    }
  }

  /** A frame that cannot be cut any smaller does not fit: the lane is of no use, another one may be. */
  #oversize(lane: Lane, nowMs: number): void {
    const state = this.#carriers.stateOf(lane);
    if (this.#ownPeer && state !== undefined) {
      state.tooSmall = true;
      const mayGoOn = this.#carriers.best(true) !== undefined || (this.#carriers.relayMayCarry && lane.kind !== 'relay');
      if (mayGoOn) {
        this.#choose(nowMs);
        this.pump(nowMs);
        return;
      }
    }
    this.#fail('ERR_HLNK_INTERNAL', `the ${lane.kind} lane of session ${lane.sid} refuses even the smallest frame as too large`);
  }

  #considerSession(nowMs: number): void {
    const open = this.#ownPeer === true && this.#begun() && this.#carriers.usable === 0 && this.#open();
    const needed = open || this.out.pending || this.out.inFlightFrames > 0;
    if (!needed && this.#asked.length === 0) return;
    // A ping alone is no reason for strict mode to be violated.
    if (needed && this.out.lane === undefined) this.#waitSinceMs ??= nowMs;
    this.#wanted = true;
    this.#ports.wantSession();
  }

  #acknowledge(nowMs: number): void {
    if (this.#ownPeer && !this.#over) this.#peer.acknowledge(nowMs);
  }

  #settle(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#ownPeer && !this.#over) this.#peer.settle(this.#open(), this.#begun(), nowMs);
  }

  #count(counter: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + 1;
  }
}
