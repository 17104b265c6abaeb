// The striped lane of one session: its members are peer connections, the first of which came up as every session's does. Looks now and then how the lane
// does, asks main for more members and the core for larger windows, and ends members that have had nothing to do for a while. Channel worker.

import type { Lane } from '../../native-free/lane.js';
import { StripedLane, StripePlan } from '../../native-free/stripes/index.js';

/** A lane without payload for so long needs one member only, ms: the others would cost a keep-alive every few seconds. */
const IDLE_MS = 60_000;
/** How long the other side has to ask for a number that is wanted at once, ms. */
const LATE_MS = 3000;
/** A member of such a number that died is asked for again after this long, ms. */
const AGAIN_MS = 500;

/** Why a member ends whose packets do not get through. */
export const TOO_WIDE = 'its packets are too large for the path';

/** One peer connection of several. */
export interface StripeMember extends Lane {
  /** Round trip as the stack measures it, ms; 0 before there is one. */
  readonly rttMs: number;
  /** Of its packets, bytes, and whether its path has to show that it carries them. */
  readonly mtu: number;
  readonly probed: boolean;
}

/** How the channel's core does. */
export interface Pressure {
  /** Applications could send more. */
  pressed: boolean;
  /** Of frames that were acknowledged since the beginning. */
  acknowledgedBytes: number;
}

export interface StripesEvents {
  frame(lane: Lane, message: Uint8Array, lasting: boolean): void;
  writable(lane: Lane): void;
  closed(lane: Lane, reason: string): void;
  lost(from: number, end: number): void;
  resized(lane: Lane): void;
  /** Main is to bring the lane to so many members. */
  widen(members: number, lossy: boolean): void;
  /** The number of members changed. */
  members(count: number): void;
  /** This member is closed from our side. */
  dropped(lane: StripeMember, reason: string): void;
  /** This member is closed from our side: its path does not carry packets as large as its. */
  tooWide(lane: StripeMember): void;
  pressure(): Pressure;
  /** Windows that are full and smaller than twice this are to grow. */
  grow(neededBytes: number): void;
}

export interface StripesConfig {
  /** Members as far as this side goes. */
  most: number;
  /** So many from the beginning; otherwise the lane has to show that it needs them. */
  atOnce: boolean;
  /** The first member goes through a TURN server: it stays alone, since each further one would take a place there. */
  relayed: boolean;
  /** Of the two sides the one that asks for a number that is wanted at once, and ends members without work: both might keep different ones. */
  leads: boolean;
}

export class Stripes {
  readonly lane: StripedLane;
  readonly #events: StripesEvents;
  readonly #most: number;
  readonly #atOnce: boolean;
  #plan = new StripePlan(1);
  readonly #members: StripeMember[] = [];
  #timer: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #late: NodeJS.Timeout | undefined;
  #acknowledgedBytes = 0;
  #deliveredBytes = 0;
  #lookedMs = 0;
  /** Members, as far as both sides go. */
  #agreed = 1;
  #closed = false;
  readonly #leads: boolean;

  constructor(first: StripeMember, { most, atOnce, relayed, leads }: StripesConfig, events: StripesEvents) {
    this.#events = events;
    this.#leads = leads;
    this.#most = relayed ? 1 : most;
    this.#atOnce = atOnce;
    this.#members.push(first);
    this.lane = new StripedLane(first, () => performance.now(), {
      frame: (lane, message, lasting) => events.frame(lane, message, lasting),
      writable: (lane) => events.writable(lane),
      closed: (lane, reason) => {
        this.#end();
        events.closed(lane, reason);
      },
      lost: (_lane, from, end) => events.lost(from, end),
      resized: (lane) => events.resized(lane),
      stuck: (member) => {
        const reason = 'it delivered nothing while others did';
        const dropped = this.#drop(member, reason);
        if (dropped !== undefined) events.dropped(dropped, reason);
      },
      tooWide: (member) => {
        const dropped = this.#drop(member, TOO_WIDE);
        if (dropped !== undefined) events.tooWide(dropped);
      },
      review: (nowMs) => this.#review(nowMs),
      wake: (atMs) => this.#wake(atMs),
    });
  }

  /** The peer takes so many. */
  begin(peerMost: number): void {
    if (this.#closed) return;
    const most = Math.min(this.#most, peerMost);
    this.#plan = new StripePlan(most);
    this.lane.begin();
    if (!this.#atOnce || most === 1) return;
    // One side is enough; the other one looks whether it did, since it may have been told otherwise.
    this.#agreed = most;
    if (this.#leads) this.#events.widen(most, false);
    else this.#wantLater();
  }

  /** @returns false when there are as many as there may be */
  add(member: StripeMember, name: string): boolean {
    if (this.#closed || this.#members.length >= this.#most) return false;
    this.#members.push(member);
    this.lane.add(member, numberOf(name), member.probed ? member.mtu : 0);
    this.#events.members(this.#members.length);
    return true;
  }

  has(member: StripeMember): boolean {
    return this.#members.includes(member);
  }

  /** A member that was asked for did not come up. */
  failed(): void {
    this.#plan.failed(this.lane.proven, performance.now());
  }

  /** A member is closed already, or about to be. @returns whether that may be for packets too large for its path */
  remove(member: StripeMember, reason: string): boolean {
    const index = this.#members.indexOf(member);
    if (index < 0) return false;
    const doubted = this.lane.doubted(member);
    this.#members.splice(index, 1);
    this.lane.remove(member, reason);
    if (this.#closed || this.#members.length === 0) return doubted;
    // Main brings another one in place of one that is doubted.
    if (!doubted) this.#plan.lost(this.lane.proven, performance.now());
    this.#events.members(this.#members.length);
    if (this.#atOnce) this.#wantLater();
    return doubted;
  }

  received(member: StripeMember, message: Uint8Array): void {
    this.lane.received(member, message, true);
  }

  writable(member: StripeMember): void {
    this.lane.writable(member);
  }

  /** Ends all members without a report. */
  close(): void {
    this.#end();
    this.lane.close();
    this.#members.length = 0;
  }

  #wantLater(): void {
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.#events.widen(this.#agreed, false), this.#leads ? AGAIN_MS : LATE_MS);
  }

  #end(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#idle);
    clearTimeout(this.#late);
  }

  /** @returns the member that is gone */
  #drop(member: Lane, reason: string): StripeMember | undefined {
    const found = this.#members.find((one) => one === member);
    if (found === undefined) return undefined;
    found.close();
    this.remove(found, reason);
    return found;
  }

  /** @returns whether there is more to see soon */
  #review(nowMs: number): boolean {
    const { pressed, acknowledgedBytes } = this.#events.pressure();
    const { deliveredBytes } = this.lane;
    const acknowledged = acknowledgedBytes - this.#acknowledgedBytes;
    // What was acknowledged stands while one member's frame is late, and then comes all at once: no rate to judge by.
    const bytes = deliveredBytes - this.#deliveredBytes;
    const overMs = nowMs - this.#lookedMs;
    this.#acknowledgedBytes = acknowledgedBytes;
    this.#deliveredBytes = deliveredBytes;
    this.#lookedMs = nowMs;
    const limited = this.lane.takeLimited();
    const rtts = this.#members.map(({ rttMs }) => rttMs).filter((ms) => ms > 0);
    const rttMs = rtts.length === 0 ? undefined : Math.min(...rtts);
    const wanted = this.#plan.look({ nowMs, members: this.lane.proven, pressed, bytes, rttMs });
    if (wanted !== undefined) {
      if (wanted.members < this.lane.proven) this.#narrow(wanted.members, 'more of them brought nothing');
      else this.#events.widen(wanted.members, wanted.lossy);
    }
    // What is late on one of several members holds up the others, what new ones begin with above all: they go on as far as the window does.
    if (pressed && (this.lane.proven > 1 || wanted !== undefined)) this.#events.grow(Number.POSITIVE_INFINITY);
    else if (pressed && !limited) this.#events.grow((acknowledged / overMs) * (this.#plan.rttMs ?? 0));
    clearTimeout(this.#idle);
    if (this.#leads && this.#members.length > 1) this.#idle = setTimeout(() => this.#narrow(1, 'it had nothing to do'), IDLE_MS);
    return pressed;
  }

  #narrow(to: number, reason: string): void {
    const inUse = this.#members.filter((member) => this.lane.inUse(member));
    for (const member of [...inUse, ...this.#members.filter((member) => !inUse.includes(member))].slice(to)) {
      this.#drop(member, reason);
      this.#events.dropped(member, reason);
    }
  }

  #wake(atMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.lane.tick(performance.now()), Math.max(1, atMs - performance.now()));
  }
}

/** What both ends call a member: its name as a number. */
function numberOf(name: string): number {
  return 2 * Number(name.slice(1)) + (name.startsWith('o') ? 0 : 1);
}
