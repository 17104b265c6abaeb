// Is the peer there, and has it got what was sent? Pings while something is open or under way, silence when nothing is.
//
//  - Frames in flight, or bytes waiting for credit, without progress: a ping after 1 s, then 2 s, then every 3 s; every second while nothing
//    is answered at all. The answer says where the peer stands, so nothing that was lost (frames, acknowledgements, credit) stays lost.
//  - A stream open and nothing heard for keepAliveMs: a ping, at the last moment before that at which others of this thread ping as well.
//  - Silence, and another lane that carries now: a ping on that one, at once.
//  - Nothing heard for lossAfterMs(peerLossMs) with a lane up: the peer is lost. Silence is counted on whatever lane carries meanwhile, so
//    that changes of lanes do not put it off; what shows that the peer lives ends it (a message, a session, a data channel). Without any
//    lane nothing can be heard: an outage longer than SUSPECT_MS is not held against the peer. Neither is a time in which this thread
//    was held up: it gets one more chance to hear.
// Own peers only. No clock: every method takes the time.

import type { Lane } from '../lane.js';
import { type ChannelLimits, LOSS_MARGIN_MS, lossAfterMs, PING_FIRST_MS, PING_MAX_MS, SUSPECT_MS } from './limits.js';

/** Pings remembered until answered; at one per second, longer than a peer may be silent by default. Power of two. */
const HISTORY = 16;

/**
 * Moments in each keepAliveMs at which pings that keep alive go. So those of a thread's channels go together, and are answered together: waking up
 * costs a thread more than a ping does.
 */
const KEEP_ALIVE_MOMENTS = 6;

/** Where the sender stood when a ping left. */
export interface PingRecord {
  id: number;
  lane: Lane;
  /** Oldest frame not acknowledged then. */
  firstSeq: number;
  /** Frames below this had been sent. */
  nextSeq: number;
  sentMs: number;
}

export class Heartbeat {
  readonly #limits: ChannelLimits;
  readonly #lossAfterMs: number;
  /** From one such moment to the next, ms. */
  readonly #momentMs: number;
  #offline = false;
  readonly #history: (PingRecord | undefined)[] = new Array(HISTORY).fill(undefined);
  #open = false;
  #inFlight = false;
  #starved = false;
  #reachable = false;
  /** Without any lane since, and with one again since, ms. */
  #unreachableMs = Number.NEGATIVE_INFINITY;
  #appearedMs = Number.NEGATIVE_INFINITY;
  /** Silence and standstill are counted from these. */
  #heardMs = 0;
  /** The peer's last word itself: however often the relay goes and comes, it is not waited for beyond the resume limit. */
  #spokeMs = 0;
  #progressMs = 0;
  #ackedMs = 0;
  #pingedMs = Number.NEGATIVE_INFINITY;
  /** The silence that began at `#excusedMs` was not all the peer's: it is not lost before `#excuseEndsMs`. */
  #excusedMs = Number.NEGATIVE_INFINITY;
  #excuseEndsMs = 0;
  /** A silent peer is to be asked on the lane that is new, at once: since then, ms; Infinity when it is not. */
  #askMs = Number.POSITIVE_INFINITY;
  #intervalMs = PING_FIRST_MS;
  #lastId = 0;
  #answeredId = 0;

  constructor(limits: ChannelLimits) {
    this.#limits = limits;
    this.#lossAfterMs = lossAfterMs(limits);
    this.#momentMs = limits.keepAliveMs / KEEP_ALIVE_MOMENTS;
  }

  /** Id of the last ping. */
  get lastId(): number {
    return this.#lastId;
  }

  /** What the channel is doing now. Call it after every input; what begins now is counted from now. */
  update(open: boolean, inFlight: boolean, starved: boolean, reachable: boolean, nowMs: number): void {
    if (open === this.#open && inFlight === this.#inFlight && starved === this.#starved && reachable === this.#reachable) return;
    const wasActive = this.#open || this.#inFlight;
    const wasWaiting = this.#inFlight || this.#starved;
    const appeared = reachable && !this.#reachable;
    if (!wasActive || (appeared && nowMs - this.#unreachableMs >= SUSPECT_MS)) {
      this.heard(nowMs);
      this.#askMs = Number.POSITIVE_INFINITY;
    }
    if (!reachable && this.#reachable) this.#unreachableMs = nowMs;
    if (appeared) this.#appearedMs = nowMs;
    if (appeared || !wasWaiting) this.progress(nowMs);
    if (appeared || !this.#inFlight) this.#ackedMs = nowMs;
    if (appeared) this.#pingedMs = Number.NEGATIVE_INFINITY;
    this.#open = open;
    this.#inFlight = inFlight;
    this.#starved = starved;
    this.#reachable = reachable;
  }

  /** A message of the peer arrived, or something came up that takes a living peer. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#spokeMs = nowMs;
  }

  /**
   * The relay is away too, or there again. While it is, silence is no sign against the peer, and costs the streams only after the resume
   * limit; a peer that was silent meanwhile is counted from its return, but within that limit.
   */
  offline(offline: boolean, nowMs: number): void {
    if (offline === this.#offline) return;
    this.#offline = offline;
    if (offline || nowMs - this.#heardMs < SUSPECT_MS) return;
    this.#heardMs = nowMs;
    this.#ackedMs = nowMs;
    this.progress(nowMs);
  }

  get isOffline(): boolean {
    return this.#offline;
  }
  /** Silence after which the peer is given up now, ms. */
  get patienceMs(): number {
    return this.#offline ? this.#longestMs() : this.#lossAfterMs;
  }

  #longestMs(): number {
    return Math.max(this.#limits.resumeMs, this.#lossAfterMs);
  }

  /** Another lane carries frames from now on: a peer that was silent on the one before gets its chance on this one. */
  moved(nowMs: number): void {
    if ((this.#open || this.#inFlight) && nowMs - this.#heardMs >= PING_FIRST_MS) this.#askMs = nowMs;
  }

  /** Frames were acknowledged, or credit came. */
  progress(nowMs: number): void {
    this.#progressMs = nowMs;
    this.#intervalMs = PING_FIRST_MS;
  }

  /** Frames were acknowledged. */
  acknowledged(nowMs: number): void {
    this.#ackedMs = nowMs;
    this.progress(nowMs);
  }

  /**
   * When the first of all the deadlines below is, ms; Infinity without one. Asked with every frame, and nearly always it is the next ping:
   * a peer is lost and frames are stuck long after that.
   */
  get dueMs(): number {
    if (!this.#reachable || !(this.#open || this.#inFlight)) return Number.POSITIVE_INFINITY;
    const pingMs = this.pingDueMs as number;
    const lossMs = this.#lossMs();
    const firstMs = pingMs < lossMs ? pingMs : lossMs;
    if (!this.#inFlight) return firstMs;
    const stuckMs = this.#ackedMs + this.#stuckAfterMs();
    return firstMs < stuckMs ? firstMs : stuckMs;
  }

  /** When a ping is due, ms; undefined when none is. */
  get pingDueMs(): number | undefined {
    if (!this.#reachable || !(this.#open || this.#inFlight)) return undefined;
    const quietMs = Math.max(this.#heardMs, this.#pingedMs) + this.#limits.keepAliveMs;
    const keepAliveMs = Math.min(this.#askMs, Math.floor(quietMs / this.#momentMs) * this.#momentMs);
    return this.#inFlight || this.#starved || this.#unanswered() ? Math.min(keepAliveMs, this.#againMs()) : keepAliveMs;
  }

  #unanswered(): boolean {
    return this.#pingedMs > this.#heardMs;
  }

  /** When to ask (again) for want of progress. A question without any answer is repeated every second: it may be the one that was lost. */
  #againMs(): number {
    return Math.max(this.#progressMs, this.#pingedMs) + (this.#unanswered() ? PING_FIRST_MS : this.#intervalMs);
  }

  /** A ping leaves now. @returns its id */
  ping(lane: Lane, firstSeq: number, nextSeq: number, nowMs: number): number {
    this.#pingedMs = nowMs;
    this.#askMs = Number.POSITIVE_INFINITY;
    this.#intervalMs = Math.min(PING_MAX_MS, this.#intervalMs * 2);
    return this.probe(lane, firstSeq, nextSeq, nowMs);
  }

  /** A ping leaves on a lane that is passed over, which says nothing about the peer. @returns its id */
  probe(lane: Lane, firstSeq: number, nextSeq: number, nowMs: number): number {
    this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1;
    this.#history[this.#lastId & (HISTORY - 1)] = { id: this.#lastId, lane, firstSeq, nextSeq, sentMs: nowMs };
    return this.#lastId;
  }

  /** The peer answers a ping. @returns where we stood when it left; undefined for one that is unknown, too old or answered before */
  answered(id: number): PingRecord | undefined {
    const record = this.#history[id & (HISTORY - 1)];
    if (record === undefined || record.id !== id || id === this.#answeredId) return undefined;
    this.#answeredId = id;
    return record;
  }

  /** When the peer counts as lost if nothing is heard until then, ms. See {@link excuse}. */
  get lossDueMs(): number | undefined {
    return this.#reachable && (this.#open || this.#inFlight) ? this.#lossMs() : undefined;
  }

  #lossMs(): number {
    const atMs = Math.min(this.#heardMs + this.patienceMs, this.#spokeMs + this.#longestMs());
    return this.#excusedMs === this.#heardMs && this.#excuseEndsMs > atMs ? this.#excuseEndsMs : atMs;
  }

  /**
   * The loss is due, and this look at the clock comes too late for the bound: the thread was held up, and timers run before reads, so that the peer's words
   * may lie unread. It is asked once more.
   * @returns false when it is lost all the same
   */
  excuse(nowMs: number): boolean {
    // Nobody looks while there is no lane.
    if (nowMs < Math.max(this.#lossMs(), this.#appearedMs) + LOSS_MARGIN_MS || this.#excusedMs === this.#heardMs) return false;
    this.#excusedMs = this.#heardMs;
    this.#excuseEndsMs = nowMs + PING_FIRST_MS;
    this.#askMs = nowMs;
    return true;
  }

  /** When frames in flight have been stuck for too long although the peer is heard, ms. */
  get stuckDueMs(): number | undefined {
    return this.#reachable && this.#inFlight ? this.#ackedMs + this.#stuckAfterMs() : undefined;
  }

  #stuckAfterMs(): number {
    return Math.max(this.#limits.gapMs, this.#offline ? this.#limits.resumeMs : 0);
  }

  /** Forgets the peer. */
  restart(): void {
    this.#history.fill(undefined);
    this.#unreachableMs = Number.NEGATIVE_INFINITY;
    this.#open = false;
    this.#inFlight = false;
    this.#starved = false;
    this.#reachable = false;
    this.#askMs = Number.POSITIVE_INFINITY;
  }
}
