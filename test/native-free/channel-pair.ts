// Two channel cores on twin lanes with a clock that the test moves: what each side was told, and what it delivered.

import { ChannelCore, type ChannelLimits, type ChannelPorts, DEFAULT_LIMITS, type OutStream } from '../../native-free/channel/index.js';
import { COUNTER_NAMES, Counter, type CounterName } from '../../native-free/counters.js';
import type { LaneKind } from '../../native-free/lane.js';
import { type TwinLane, type TwinOptions, twinLanes } from '../../native-free/lane-twin.js';

export class Side {
  readonly core: ChannelCore;
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  readonly delivered = new Map<number, number[]>();
  /** `opened 1`, `ended 1`, `reset 1: why`, `done 1`, `failed CODE message`, `peer restarted`, `want session`, `want relay s1`, `carries relay`. */
  readonly said: string[] = [];
  /** Delivered bytes are taken by the application at once. */
  reading = true;

  constructor(limits: Partial<ChannelLimits>, nowMs: () => number, path: string) {
    const ports: ChannelPorts = {
      deliver: (stream, payload) => {
        const bytes = this.delivered.get(stream) ?? [];
        for (const byte of payload) bytes.push(byte);
        this.delivered.set(stream, bytes);
        if (this.reading) this.core.consumed(stream, payload.length, nowMs());
      },
      opened: (stream) => this.said.push(`opened ${stream}`),
      ended: (stream) => this.said.push(`ended ${stream}`),
      reset: (stream, reason) => this.said.push(`reset ${stream}: ${reason}`),
      room: () => {},
      sendingDone: (stream) => this.said.push(`done ${stream}`),
      wantSession: () => this.said.push('want session'),
      wantRelay: (sid) => this.said.push(`want relay ${sid}`),
      peerRestarted: (renumbered) =>
        this.said.push('peer restarted', ...[...renumbered].map(([from, to]) => `stream ${from} is ${to} now`)),
      failed: (code, message) => this.said.push(`failed ${code} ${message}`),
      refused: (reason) => this.said.push(`refused ${reason}`),
      carries: (lane) => this.said.push(`carries ${lane?.kind ?? 'nothing'}`),
    };
    const all = { ...DEFAULT_LIMITS, ...limits, ownChunkBytes: limits.ownChunkBytes ?? limits.chunkBytes ?? DEFAULT_LIMITS.ownChunkBytes };
    this.core = new ChannelCore({ path, salt: 'abcde', limits: all, counters: this.counters, ports });
  }

  count(name: CounterName): number {
    return this.counters[Counter[name]] as number;
  }
  bytes(stream: number): number {
    return this.delivered.get(stream)?.length ?? 0;
  }
  get failure(): string | undefined {
    return this.said.find((line) => line.startsWith('failed'));
  }
}

interface Wire {
  a: TwinLane;
  b: TwinLane;
  /** Messages do not move while false. */
  moving: boolean;
  /** Decides what becomes of a message; true loses it. */
  lose: (message: Uint8Array, from: 'a' | 'b') => boolean;
}

export class Pair {
  nowMs = 1000;
  readonly a: Side;
  readonly b: Side;
  readonly wires: Wire[] = [];
  /** Messages that left on any lane. */
  messages = 0;

  constructor(limits: Partial<ChannelLimits> = {}, peerLimits = limits) {
    this.a = new Side(limits, () => this.nowMs, 'a/b');
    this.b = new Side(peerLimits, () => this.nowMs, 'a/b');
  }

  /** A session that `a` opened, known to both sides. */
  session(sid = 's1', epochs = { a: 'a1', b: 'b1' }): this {
    this.a.core.sessionUp({ sid, direction: 'out', own: true, epoch: epochs.b, path: 'a/b' }, this.nowMs);
    this.b.core.sessionUp({ sid, direction: 'in', own: true, epoch: epochs.a, path: 'a/b' }, this.nowMs);
    return this;
  }

  /** A lane that is up on both sides. */
  lane(kind: LaneKind = 'webrtc', options: Partial<TwinOptions> = {}): Wire {
    const [a, b] = twinLanes({ kind, sid: 's1', ...options });
    const wire: Wire = { a, b, moving: true, lose: () => false };
    for (const [lane, side] of [
      [a, this.a],
      [b, this.b],
    ] as const) {
      lane.listen({
        frame: (from, message, lasting) => side.core.frame(from, message, lasting, this.nowMs),
        writable: () => side.core.pump(this.nowMs),
        closed: (closed, reason) => side.core.laneDown(closed, reason, this.nowMs),
      });
    }
    this.wires.push(wire);
    this.a.core.laneUp(a, this.nowMs);
    this.b.core.laneUp(b, this.nowMs);
    return wire;
  }

  /** Both sides lose a lane, and everything on it. */
  kill(wire: Wire): void {
    this.wires.splice(this.wires.indexOf(wire), 1);
    wire.a.fail('the path died');
    wire.b.fail('the path died');
  }

  /** Carries messages until none moves. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const wire of [...this.wires]) {
        if (wire.moving) moved = this.#move(wire, 'a') || this.#move(wire, 'b') || moved;
      }
    }
  }

  /** Lets time pass, millisecond by millisecond where something is due. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.settle();
    for (;;) {
      const dueMs = Math.min(this.a.core.timeoutMs() ?? Number.POSITIVE_INFINITY, this.b.core.timeoutMs() ?? Number.POSITIVE_INFINITY);
      if (dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs + 1, dueMs);
      for (const { core } of [this.a, this.b]) if ((core.timeoutMs() ?? Number.POSITIVE_INFINITY) <= this.nowMs) core.tick(this.nowMs);
      this.settle();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** A stream that `a` opens. */
  open(id = 1): OutStream {
    return this.a.core.openStream(id, true, false, this.nowMs);
  }

  /** `bytes` bytes of `a`'s, counting up from 0. @returns how many the window took */
  send(stream: OutStream, bytes: number, piece = 1000): number {
    for (let sent = 0; sent < bytes; sent += piece) {
      const payload = Uint8Array.from({ length: Math.min(piece, bytes - sent) }, (_, i) => (sent + i) & 255);
      if (!this.a.core.take(stream, payload, -1, this.nowMs)) return sent;
    }
    return bytes;
  }

  #move(wire: Wire, from: 'a' | 'b'): boolean {
    const message = wire[from].transmit();
    if (message === undefined) return false;
    this.messages += 1;
    if (!wire.lose(message, from)) wire[from === 'a' ? 'b' : 'a'].receive(message);
    return true;
  }
}

/** What {@link Pair.send} sends. */
export function counting(bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => i & 255);
}
