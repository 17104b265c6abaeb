// What passes between two own peers beside the frames: acknowledgements, holes, pings, credit begged for; and the clocks that say when the
// peer is lost, a frame stuck, or an outage too long. Repairs one kind of loss each:
//   a frame lost in a lane     the receiver reports the hole, the sender fills it
//   the last frames lost       a ping behind them is answered with an older number, the sender sends the tail again
//   acks or credit lost        pings repeat until there is progress, and every answer is absolute
//   a lane silently dead       its pings stay unanswered: it is passed over
// Part of the channel's core; does nothing toward an upstream peer. No clock. Channel worker.

import { Counter } from '../counters.js';
import type { HotlinkErrorCode } from '../errors.js';
import type { Lane } from '../lane.js';
import type { Carriers, LaneState } from './carriers.js';
import { Heartbeat, type PingRecord } from './heartbeat.js';
import type { InFlow } from './in-flow.js';
import { ACK_AGAIN_MS, type ChannelLimits, HOLE_REPORT_MS } from './limits.js';
import type { OutFlow } from './out-flow.js';
import { type Ack, decodeAck, decodePing, encodePing, OwnKind, type OwnKindCode } from './own-wire.js';

export interface OwnPeerConfig {
  limits: ChannelLimits;
  counters: Float64Array;
  in: InFlow;
  out: OutFlow;
  carriers: Carriers;
  /** The promise is broken. */
  fail(code: HotlinkErrorCode, message: string): void;
  /** A ping was answered. */
  answered(id: number, lane: Lane, rttMs: number): void;
  /** A lane is to be passed over, or no longer. */
  choose(nowMs: number): void;
}

/** What was wrong with a control frame; `ok` when nothing was. */
export type ControlVerdict = 'ok' | 'bad-ping' | 'bad-ack' | 'bad-control';

export class OwnPeer {
  readonly #config: OwnPeerConfig;
  readonly #limits: ChannelLimits;
  readonly #in: InFlow;
  readonly #out: OutFlow;
  readonly #carriers: Carriers;
  readonly #heartbeat: Heartbeat;
  /** Where the last frame came in: answers take the same way. */
  #replyLane: Lane | undefined;
  /** Open streams have had no lane since, ms. */
  #outageSinceMs: number | undefined;
  /** Last moment without any lane, ms. */
  #unreachableMs = 0;
  /** Credit came with the acknowledgement that is being read. */
  #credited = false;
  /** The last hole that was filled, and when. */
  #filledSeq = 0;
  #filledMs = Number.NEGATIVE_INFINITY;
  /** The peer was asked to acknowledge everything below this. */
  #hastenedSeq = 0;
  /** Pings up to this one left before the last resend: their answers do not know of it. */
  #resentAtPing = 0;

  constructor(config: OwnPeerConfig) {
    this.#config = config;
    this.#limits = config.limits;
    this.#in = config.in;
    this.#out = config.out;
    this.#carriers = config.carriers;
    this.#heartbeat = new Heartbeat(config.limits);
  }

  // --- what the peer says ----------------------------------------------------------------------------------------------------------

  /** Any message of the peer came in. */
  heard(state: LaneState | undefined, nowMs: number): void {
    this.#heartbeat.heard(nowMs);
    if (state !== undefined) this.#carriers.heard(state, nowMs);
  }

  /** Something came up that takes a living peer: a session that both sides agreed on, a data channel. */
  alive(nowMs: number): void {
    this.#heartbeat.heard(nowMs);
  }

  /** The relay is away too, or there again: then it is not the peer that is gone but a network, most likely ours. */
  offline(offline: boolean, nowMs: number): void {
    this.#heartbeat.offline(offline, nowMs);
    if (!offline) this.#unreachableMs = nowMs;
  }

  /** A frame with a sequence number came in on this lane. */
  heardFrame(lane: Lane): void {
    this.#replyLane = lane;
  }

  /** A frame without a sequence number. @param lane where it came in */
  control(lane: Lane, kind: OwnKindCode, stream: number, payload: Uint8Array, nowMs: number): ControlVerdict {
    if (kind === OwnKind.ping) {
      const id = decodePing(payload);
      if (id < 0) return 'bad-ping';
      this.#replyLane = lane;
      if (stream === 0) this.#in.pinged(id, nowMs);
      else this.#in.hungry(stream, nowMs);
      this.acknowledge(nowMs);
      return 'ok';
    }
    if (kind !== OwnKind.ack) return 'bad-control';
    this.#count(Counter.acksReceived);
    this.#credited = false;
    const ack = decodeAck(payload, this.#grant);
    if (ack === undefined) return 'bad-ack';
    this.#acknowledged(ack, nowMs);
    return 'ok';
  }

  readonly #grant = (stream: number, bytes: number): void => {
    if (this.#out.grant(stream, bytes)) this.#credited = true;
  };

  #acknowledged(ack: Ack, nowMs: number): void {
    const out = this.#out;
    if (ack.nextSeq > out.nextSeq) {
      const message = `the peer acknowledges sequence number ${ack.nextSeq - 1}, and ${out.nextSeq - 1} was the last one sent`;
      this.#config.fail('ERR_HLNK_GAP', `${message}: the two sides do not agree on the numbering; local connections are reset`);
      return;
    }
    if (ack.nextSeq > out.firstSeq) {
      out.acknowledged(ack.nextSeq);
      this.#heartbeat.acknowledged(nowMs);
      const carrying = out.lane === undefined ? undefined : this.#carriers.stateOf(out.lane);
      if (carrying !== undefined) this.#carriers.gotThrough(carrying);
      // The frames that were too large for a lane are through; what comes is cut for it.
      if (out.inFlightFrames === 0 && this.#carriers.forgiveTooSmall()) this.#config.choose(nowMs);
    } else if (this.#credited) this.#heartbeat.progress(nowMs);
    const ping = ack.answersPing === 0 ? undefined : this.#heartbeat.answered(ack.answersPing);
    const asked = ping === undefined ? undefined : this.#carriers.stateOf(ping.lane);
    if (asked !== undefined && this.#carriers.answered(asked)) this.#config.choose(nowMs);
    if (ping !== undefined) {
      this.#config.counters[Counter.rttMs] = nowMs - ping.sentMs;
      this.#config.answered(ping.id, ping.lane, nowMs - ping.sentMs);
    }
    if (ping !== undefined && ack.nextSeq < ping.firstSeq) {
      const message = `the peer waits for sequence number ${ack.nextSeq}, and had acknowledged everything below ${ping.firstSeq}`;
      this.#config.fail('ERR_HLNK_GAP', `${message}: it has lost its place; local connections are reset`);
      return;
    }
    // An acknowledgement that was overtaken by a newer one says nothing about what is missing.
    if (ack.nextSeq !== out.firstSeq) return;
    if (ack.missingFrames > 0) this.#fillHole(ack.nextSeq, ack.missingFrames, nowMs);
    else if (ping !== undefined) this.#resendTail(ack.nextSeq, ping);
  }

  #fillHole(seq: number, frames: number, nowMs: number): void {
    if (seq === this.#filledSeq && nowMs - this.#filledMs < HOLE_REPORT_MS) return;
    this.#filledSeq = seq;
    this.#filledMs = nowMs;
    this.#out.resend(seq, seq + frames);
  }

  /**
   * Asked behind everything that was sent, on the lane it was sent on, and still the peer has not got it: then it is lost. Or it is a small frame that went beside
   * the data channel and is repaired (datagrams.ts): then it comes twice, and is passed on once.
   */
  #resendTail(seq: number, ping: PingRecord): void {
    if (ping.lane !== this.#out.lane || ping.id <= this.#resentAtPing || this.#out.resending || seq >= ping.nextSeq) return;
    this.#resentAtPing = this.#heartbeat.lastId;
    this.#out.resend(seq, ping.nextSeq);
  }

  // --- what we say -----------------------------------------------------------------------------------------------------------------

  /** Sends what acknowledgement is due. */
  acknowledge(nowMs: number): void {
    for (let due = this.#in.ackDueMs; due !== undefined && due <= nowMs; due = this.#in.ackDueMs) {
      const lane = this.#usableReplyLane() ?? this.#controlLane();
      if (lane === undefined) return;
      const frame = this.#out.framer.control(OwnKind.ack, 0, 0, this.#in.takeAck(nowMs));
      if (lane.trySend(frame, true) === 'taken' || this.#sendElsewhere(lane, frame)) {
        this.#count(Counter.acksSent);
        continue;
      }
      // The lanes are congested or about to be reported lost; not at once, or a full lane would make this spin.
      this.#in.refresh(nowMs + ACK_AGAIN_MS);
      return;
    }
  }

  /** Says that a stream has used up its credit or is about to, behind its last byte. Not repeated: pings find what is lost. */
  begForCredit(stream: number): void {
    this.#out.lane?.trySend(this.#out.framer.control(OwnKind.ping, stream, 0, encodePing(0)), true);
  }

  /** Asks for an acknowledgement at once, behind what was sent. Not repeated: one comes by itself a little later. */
  askForRoom(): void {
    this.#out.lane?.trySend(this.#out.framer.control(OwnKind.ping, 0, 0, encodePing(0)), true);
  }

  /** Somebody waits for everything to be acknowledged, by either side. To be called until it is. */
  hasten(nowMs: number): void {
    this.#in.hasten(nowMs);
    this.acknowledge(nowMs);
    const { nextSeq, inFlightFrames, pending } = this.#out;
    if (inFlightFrames === 0 || pending || nextSeq === this.#hastenedSeq) return;
    this.#hastenedSeq = nextSeq;
    this.askForRoom();
  }

  /** Everything in flight is sent again, on the lane that is chosen next. */
  resendAll(): void {
    this.#resentAtPing = this.#heartbeat.lastId;
    this.#out.resend();
  }

  /** Another lane carries frames now. */
  moved(nowMs: number): void {
    this.#heartbeat.moved(nowMs);
  }

  laneGone(lane: Lane): void {
    if (this.#replyLane === lane) this.#replyLane = undefined;
  }

  /** Forgets the peer: another one is there now. */
  restart(): void {
    this.#replyLane = undefined;
    this.#outageSinceMs = undefined;
    this.#filledSeq = 0;
    this.#hastenedSeq = 0;
    this.#heartbeat.restart();
    this.#resentAtPing = this.#heartbeat.lastId;
  }

  // --- time ------------------------------------------------------------------------------------------------------------------------

  /**
   * Tells the clocks what is going on. Cheap, since it follows every frame.
   * @param open something is expected of the peer
   * @param begun frames have been exchanged: a long outage costs the streams
   */
  settle(open: boolean, begun: boolean, nowMs: number): void {
    const out = this.#out;
    const reachable = this.#carriers.usable > 0;
    if (!reachable) this.#unreachableMs = nowMs;
    this.#heartbeat.update(open, out.inFlightFrames > 0, out.starved, reachable, nowMs);
    if (out.lane !== undefined) this.#outageSinceMs = undefined;
    else if (begun && (out.inFlightFrames > 0 || (open && !reachable) || out.pending)) this.#outageSinceMs ??= nowMs;
    else this.#outageSinceMs = undefined;
  }

  /** When `tick` must be called at the latest, ms; Infinity while nothing waits. */
  dueMs(): number {
    const usable = this.#carriers.usable > 0;
    let at = this.#heartbeat.dueMs;
    if (usable) at = Math.min(at, this.#in.ackDueMs ?? at);
    if (this.#outageSinceMs !== undefined) at = Math.min(at, this.#outageSinceMs + this.#limits.resumeMs);
    if (!usable || this.#heartbeat.lossDueMs === undefined) return at;
    at = Math.min(at, this.#carriers.silentDueMs);
    if (this.#carriers.suspects > 0) at = Math.min(at, this.#carriers.probeDueMs);
    return this.#in.heldFrames === 0 ? at : Math.min(at, this.#gapDueMs() ?? at);
  }

  tick(nowMs: number): void {
    const { lossDueMs, stuckDueMs } = this.#heartbeat;
    const { resumeMs, gapMs } = this.#limits;
    const { fail } = this.#config;
    if (lossDueMs !== undefined && nowMs >= lossDueMs && !this.#heartbeat.excuse(nowMs)) {
      const silence = `nothing was heard from the peer for ${this.#heartbeat.patienceMs} ms`;
      fail('ERR_HLNK_PEER_UNAVAILABLE', `${silence}; local connections are reset`);
      return;
    }
    if (this.#outageSinceMs !== undefined && nowMs >= this.#outageSinceMs + resumeMs) {
      fail('ERR_HLNK_PEER_UNAVAILABLE', `no lane to the peer for ${resumeMs} ms; local connections are reset`);
      return;
    }
    if (stuckDueMs !== undefined && nowMs >= stuckDueMs) {
      const message = `sequence number ${this.#out.firstSeq} was not acknowledged within ${gapMs} ms although the peer answers`;
      fail('ERR_HLNK_GAP', `${message}; local connections are reset`);
      return;
    }
    const gapDueMs = lossDueMs === undefined ? undefined : this.#gapDueMs();
    if (gapDueMs !== undefined && nowMs >= gapDueMs) {
      fail('ERR_HLNK_GAP', `sequence number ${this.#in.nextSeq} never arrived within ${gapMs} ms; local connections are reset`);
      return;
    }
    if (lossDueMs !== undefined && this.#carriers.passOverSilent(nowMs)) this.#passedOver(nowMs);
    const { pingDueMs } = this.#heartbeat;
    if (pingDueMs !== undefined && nowMs >= pingDueMs) this.#ping(nowMs);
    if (lossDueMs !== undefined) {
      for (const state of this.#carriers.lanes) if (state.suspect && nowMs >= state.probeAtMs) this.#probe(state, nowMs);
    }
    this.acknowledge(nowMs);
  }

  /** When a hole in what the peer sends has been open for too long, ms. Only while it can be heard. */
  #gapDueMs(): number | undefined {
    const since = this.#in.gapSinceMs;
    if (since === undefined) return undefined;
    return Math.max(since, this.#unreachableMs) + Math.max(this.#limits.gapMs, this.#heartbeat.isOffline ? this.#limits.resumeMs : 0);
  }

  /** Asks the peer for a round trip, because somebody wants to know. @returns the ping's id; 0 when there is no lane for it */
  ask(nowMs: number): number {
    return this.#ping(nowMs);
  }

  /** Asks the peer where it stands, on the lane that carries frames, else on any. @returns the ping's id; 0 when there is no lane */
  #ping(nowMs: number): number {
    const lane = this.#controlLane();
    const state = lane === undefined ? undefined : this.#carriers.stateOf(lane);
    if (lane === undefined || state === undefined) return 0;
    const id = this.#heartbeat.ping(lane, this.#out.firstSeq, this.#out.nextSeq, nowMs);
    this.#count(Counter.pings);
    lane.trySend(this.#out.framer.control(OwnKind.ping, 0, 0, encodePing(id)), true);
    if (this.#carriers.pinged(state, nowMs)) this.#passedOver(nowMs);
    return id;
  }

  #passedOver(nowMs: number): void {
    this.#count(Counter.lanesSuspected);
    this.#config.choose(nowMs);
  }

  /** Asks on a lane that is passed over whether it works again. */
  #probe(state: LaneState, nowMs: number): void {
    this.#count(Counter.pings);
    this.#carriers.pinged(state, nowMs);
    if (state.session === undefined) return;
    const id = this.#heartbeat.probe(state.lane, this.#out.firstSeq, this.#out.nextSeq, nowMs);
    state.lane.trySend(this.#out.framer.control(OwnKind.ping, 0, 0, encodePing(id)), true);
  }

  /** The lane for a message of our own when frames have none. */
  #controlLane(): Lane | undefined {
    return this.#out.lane ?? this.#usableReplyLane() ?? this.#carriers.lanes.find(({ session }) => session !== undefined)?.lane;
  }

  #usableReplyLane(): Lane | undefined {
    const lane = this.#replyLane;
    const state = lane === undefined ? undefined : this.#carriers.stateOf(lane);
    return state === undefined || state.session === undefined || state.suspect ? undefined : lane;
  }

  #sendElsewhere(refusing: Lane, frame: Uint8Array): boolean {
    for (const { lane, session } of this.#carriers.lanes) {
      if (lane !== refusing && session !== undefined && lane.trySend(frame, true) === 'taken') return true;
    }
    return false;
  }

  #count(counter: number): void {
    const { counters } = this.#config;
    counters[counter] = (counters[counter] as number) + 1;
  }
}
