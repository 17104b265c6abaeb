// Two channel cores joined by one striped lane, on a virtual clock: members come and die, each with a delay and a speed of its own. For the tests of
// striped lanes; the sessions and the other lanes are the simulator's business.

import { ChannelCore, type ChannelPorts, DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { COUNTER_NAMES, Counter, type CounterName } from '../../native-free/counters.js';
import type { Lane } from '../../native-free/lane.js';
import { type TwinLane, twinLanes } from '../../native-free/lane-twin.js';
import { Clock } from '../../native-free/sim/clock.js';
import { StripedLane } from '../../native-free/stripes/index.js';

export interface MemberShape {
  delayMs: number;
  bytesPerMs: number;
  /** What each end sends first, to see whether the path carries it; 0 or none: nothing. */
  probeBytes?: number;
  /** Messages as large as this, and all that follow on the same end, do not arrive. */
  stopsBytes?: number;
}

interface Wire {
  id: number;
  ends: [TwinLane, TwinLane];
  shape: MemberShape;
  dead: boolean;
  /** Nothing moves until then, ms. */
  stalledUntilMs: number;
}

/** One side: a core, its end of the lane, and what its application was given. */
export class End {
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  readonly delivered: Uint8Array[] = [];
  readonly said: string[] = [];
  readonly core: ChannelCore;
  lane: StripedLane | undefined;
  room = true;
  deliveredBytes = 0;
  #timerMs = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;
  readonly #worked: () => void;

  constructor(clock: Clock, windowBytes: number, worked: () => void) {
    this.#clock = clock;
    this.#worked = worked;
    const ports: ChannelPorts = {
      deliver: (stream, payload) => {
        this.delivered.push(payload.slice());
        this.deliveredBytes += payload.length;
        this.core.consumed(stream, payload.length, clock.nowMs);
      },
      opened: () => {},
      ended: () => this.said.push('ended'),
      reset: (_stream, reason) => this.said.push(`reset: ${reason}`),
      room: () => {
        this.room = true;
      },
      sendingDone: () => {},
      wantSession: () => {},
      wantRelay: () => {},
      peerRestarted: () => this.said.push('peer restarted'),
      failed: (code, message) => this.said.push(`failed ${code} ${message}`),
      refused: (reason) => this.said.push(`refused ${reason}`),
      carries: (lane) => this.said.push(`carries ${lane?.kind ?? 'nothing'}`),
    };
    const limits = { ...DEFAULT_LIMITS, windowBytes, relayAllowed: false };
    this.core = new ChannelCore({ path: 'a/b', salt: 'abcde', limits, counters: this.counters, ports });
  }

  count(name: CounterName): number {
    return this.counters[Counter[name]] as number;
  }

  /** Keeps the core's timer, as a worker does. */
  rearm(): void {
    const at = this.core.timeoutMs();
    if (at === undefined || at >= this.#timerMs) return;
    this.#timerMs = at;
    this.#clock.after(at - this.#clock.nowMs, () => {
      if (this.#timerMs !== at) return;
      this.#timerMs = Number.POSITIVE_INFINITY;
      this.core.tick(this.#clock.nowMs);
      this.rearm();
      this.#worked();
    });
  }
}

export class StripedWorld {
  readonly clock = new Clock();
  readonly ends: [End, End];
  /** Messages that left on any member. */
  messages = 0;
  readonly #wires: Wire[] = [];
  #nextId = 0;
  #closed = false;

  /** @param first its shape: the lane begins with one member */
  constructor(first: MemberShape, windowBytes = 262_144) {
    const worked = (): void => this.#nudge();
    this.ends = [new End(this.clock, windowBytes, worked), new End(this.clock, windowBytes, worked)];
    const [a, b] = this.ends;
    a.core.sessionUp({ sid: 's1', direction: 'out', own: true, epoch: 'b1', path: 'a/b' }, 0);
    b.core.sessionUp({ sid: 's1', direction: 'in', own: true, epoch: 'a1', path: 'a/b' }, 0);
    this.add(first);
  }

  get members(): number {
    return this.#wires.length;
  }

  /** Both ends agree that the lane may have several members; with a side, only that one knows so far. */
  begin(side?: 0 | 1): void {
    for (const end of side === undefined ? this.ends : [this.ends[side]]) end.lane?.begin();
    this.#nudge();
  }

  add(shape: MemberShape): void {
    const ends = twinLanes({ kind: 'webrtc', sid: 's1', maxFrameBytes: 262_144, highBytes: 1_048_576 });
    const wire: Wire = { id: this.#nextId, ends, shape, dead: false, stalledUntilMs: 0 };
    this.#nextId += 1;
    this.#wires.push(wire);
    for (const side of [0, 1] as const) this.#open(wire, side);
  }

  /** Everything on it is lost; each end notices in its time. */
  kill(index: number, noticeMs: readonly [number, number]): void {
    const [wire] = this.#wires.splice(index, 1);
    if (wire === undefined) return;
    wire.dead = true;
    for (const side of [0, 1] as const) {
      this.clock.after(noticeMs[side], () => {
        wire.ends[side].close();
        const end = this.ends[side];
        end.lane?.remove(wire.ends[side], 'the path died');
        end.rearm();
        this.#nudge();
      });
    }
  }

  stall(index: number, ms: number): void {
    const wire = this.#wires[index];
    if (wire !== undefined) wire.stalledUntilMs = this.clock.nowMs + ms;
  }

  /** Runs for so long, or until there is nothing to do. */
  pass(ms: number): void {
    const untilMs = this.clock.nowMs + ms;
    while (this.clock.step(untilMs));
    this.clock.after(untilMs - this.clock.nowMs, () => {});
    while (this.clock.step(untilMs));
  }

  /** Bytes of a's application, as fast as they are taken, until all are. @returns the stream's content */
  send(bytes: number, piece = 10_000): Uint8Array {
    const content = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 1) content[i] = (i * 7 + (i >> 8)) & 255;
    const [a] = this.ends;
    const stream = a.core.openStream(1, true, false, this.clock.nowMs);
    let sent = 0;
    const more = (): void => {
      while (sent < bytes && a.room) {
        const part = content.subarray(sent, Math.min(bytes, sent + piece));
        if (a.core.take(stream, part, -1, this.clock.nowMs)) sent += part.length;
        else a.room = false;
      }
      if (sent === bytes) a.core.endStream(stream, this.clock.nowMs);
      a.rearm();
      this.#nudge();
      if (sent < bytes) this.clock.after(1, more);
    };
    more();
    return content;
  }

  /** b's application says nothing, and ends its half. */
  answer(): void {
    const [, b] = this.ends;
    b.core.endStream(b.core.openStream(1, false, false, this.clock.nowMs), this.clock.nowMs);
    b.rearm();
    this.#nudge();
  }

  /** What b's application was given. */
  get received(): Uint8Array {
    const all = new Uint8Array(this.ends[1].deliveredBytes);
    let at = 0;
    for (const part of this.ends[1].delivered) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #open(wire: Wire, side: 0 | 1): void {
    const end = this.ends[side];
    const lane = wire.ends[side];
    const after = (): void => {
      end.rearm();
      this.#nudge();
    };
    lane.listen({
      frame: (from, message, lasting) => {
        end.lane?.received(from, message, lasting);
        after();
      },
      writable: (from) => {
        end.lane?.writable(from);
        after();
      },
      closed: () => {},
    });
    if (end.lane !== undefined) {
      end.lane.add(lane, wire.id, wire.shape.probeBytes ?? 0);
      after();
      return;
    }
    const drop = (member: Lane, reason: string): void => {
      end.said.push(reason);
      member.close();
      end.lane?.remove(member, reason);
    };
    end.lane = new StripedLane(lane, () => this.clock.nowMs, {
      frame: (from, message, lasting) => end.core.frame(from, message, lasting, this.clock.nowMs),
      writable: () => end.core.pump(this.clock.nowMs),
      closed: (closed, reason) => {
        this.#closed = true;
        end.core.laneDown(closed, reason, this.clock.nowMs);
      },
      lost: (_lane, from, to) => end.core.framesLost(from, to, this.clock.nowMs),
      resized: (resized) => end.core.laneResized(resized),
      stuck: (member) => drop(member, 'stuck'),
      tooWide: (member) => drop(member, 'too wide'),
      review: () => false,
      wake: (atMs) =>
        this.clock.after(atMs - this.clock.nowMs, () => {
          end.lane?.tick(this.clock.nowMs);
          after();
        }),
    });
    end.core.laneUp(end.lane, this.clock.nowMs);
    after();
  }

  get laneClosed(): boolean {
    return this.#closed;
  }

  readonly #busy = new Set<TwinLane>();

  #nudge(): void {
    for (const wire of this.#wires) for (const side of [0, 1] as const) this.#carry(wire, side);
  }

  /** Messages leave one after the other, at the member's speed, and arrive in order. */
  #carry(wire: Wire, side: 0 | 1): void {
    const from = wire.ends[side];
    if (wire.dead || this.#busy.has(from) || from.waiting === 0) return;
    this.#busy.add(from);
    const wait = Math.max(0, wire.stalledUntilMs - this.clock.nowMs);
    this.clock.after(wait, () => {
      const message = from.transmit();
      if (message === undefined) {
        this.#busy.delete(from);
        return;
      }
      // It stays busy: what is behind waits for this one.
      if (message.length >= (wire.shape.stopsBytes ?? Number.POSITIVE_INFINITY)) return;
      this.messages += 1;
      this.clock.after(wire.shape.delayMs, () => {
        if (!wire.dead) wire.ends[(1 - side) as 0 | 1].receive(message);
      });
      this.clock.after(message.length / wire.shape.bytesPerMs, () => {
        this.#busy.delete(from);
        this.#carry(wire, side);
      });
    });
  }
}
