// One side of a simulated channel: a core with what its worker does around it. Streams and their applications, in either shape
// (forward: one side opens, many at once; rendezvous: both sides connect, one stream at a time), and a timer as the worker keeps it. When
// the core fails, the party starts over with a new core under a new epoch, as the main thread makes the real one do.

import { type ChannelCore, type ChannelPorts, ChannelCore as Core } from '../channel/index.js';
import { COUNTER_NAMES } from '../counters.js';
import type { Lane } from '../lane.js';
import { Application } from './application.js';
import type { Clock } from './clock.js';
import { Reader, type Sent } from './content.js';
import type { Random } from './random.js';
import type { Scenario } from './scenario.js';

/** Patience of an application that is needed and not there yet, ms. */
const LATE_CONNECTION_MS = 500;

export interface PartyEvents {
  wantSession(party: Party): void;
  wantRelay(party: Party, sid: string): void;
  /** The core was given something: it may have sent something. */
  worked(): void;
  /** The core is over: sessions end, and a new core has begun. */
  restarted(party: Party, why: string): void;
  broken(what: string): void;
  trace(text: () => string): void;
}

export class Party {
  readonly name: string;
  readonly counters = new Float64Array(COUNTER_NAMES.length);
  /** How many cores this party has had: its epoch. */
  serial = 0;
  core!: ChannelCore;
  /** Ticks since the last look, for the check that nothing spins. */
  ticks = 0;
  failures = 0;
  readonly #scenario: Scenario;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sent: Sent[];
  readonly #peer: string;
  readonly #events: PartyEvents;
  readonly #streams = new Map<number, Application>();
  /** Connections that have not found a stream yet (rendezvous). */
  #standingBy = 0;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(name: string, peer: string, scenario: Scenario, clock: Clock, random: Random, sent: Sent[], events: PartyEvents) {
    this.name = name;
    this.#peer = peer;
    this.#scenario = scenario;
    this.#clock = clock;
    this.#random = random;
    this.#sent = sent;
    this.#events = events;
    this.#begin();
  }

  get epoch(): string {
    return `${this.name}${this.serial}`;
  }
  get streams(): ReadonlyMap<number, Application> {
    return this.#streams;
  }
  get busy(): boolean {
    return this.#streams.size > 0 || this.#standingBy > 0 || this.core.out.inFlightFrames > 0;
  }
  get state(): string {
    const { core } = this;
    const inFlight = `in flight ${core.out.inFlightFrames} from ${core.out.firstSeq}, expects ${core.in.nextSeq}, held ${core.in.heldFrames}`;
    return `${this.epoch} over ${core.lane?.kind ?? 'no lane'}, ${inFlight}, ${[...this.#streams.values()].map((s) => s.state).join('; ')}`;
  }

  /** An application connects, to send and to receive. */
  connect(): void {
    if (this.#scenario.shape === 'forward') this.#bind(this.#create(this.core.highestStream + 1), true);
    else {
      this.#standingBy += 1;
      this.#startNext();
    }
  }

  /** Loses everything, as a crash does. */
  restart(why: string): void {
    for (const application of this.#streams.values()) application.cut();
    this.#streams.clear();
    this.#begin();
    this.#events.trace(() => `${this.name} begins again as ${this.epoch}: ${why}`);
    this.#events.restarted(this, why);
    if (this.#scenario.shape === 'rendezvous') this.#startNext();
  }

  /** Keeps one timer, moved only when an earlier deadline appears, as the worker does. */
  rearm(): void {
    this.#events.worked();
    const { core } = this;
    const at = core.timeoutMs();
    if (at === undefined || at >= this.#timerAtMs) return;
    this.#timerAtMs = at;
    const dueMs = Math.max(at, this.#clock.nowMs + 1);
    this.#clock.after(dueMs - this.#clock.nowMs, () => {
      if (this.core !== core || this.#timerAtMs !== at) return;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.ticks += 1;
      core.tick(this.#clock.nowMs);
      this.rearm();
    });
  }

  /** @returns what exceeds its bound; undefined when memory is as promised */
  overweight(): string | undefined {
    const { limits } = this.#scenario;
    const { core } = this;
    if (core.in.heldBytes > limits.reorderBytes || core.in.heldFrames > limits.reorderFrames)
      return `${core.in.heldBytes} bytes held out of order`;
    for (const { out, queuedBytes, id } of this.#streams.values()) {
      if (queuedBytes > limits.creditBytes) return `stream ${id} holds ${queuedBytes} unread bytes`;
      if (out?.window !== undefined && out.window.usedBytes > out.window.bytes.length) return `the window of stream ${id} overflows`;
    }
    if (core.in.streamCount > this.#streams.size + 1 || core.out.streamCount > this.#streams.size + 1) {
      return `${core.in.streamCount} and ${core.out.streamCount} streams in the tables for ${this.#streams.size} streams`;
    }
    return undefined;
  }

  #begin(): void {
    this.serial += 1;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const serial = this.serial;
    const ports = this.#ports(() => this.serial === serial);
    this.core = new Core({ path: 'a/b', salt: 'abcde', limits: this.#scenario.limits, counters: this.counters, ports });
  }

  #ports(current: () => boolean): ChannelPorts {
    const stream = (id: number): Application | undefined => (current() ? this.#streams.get(id) : undefined);
    return {
      deliver: (id, payload) => {
        const application = stream(id);
        if (application === undefined && current()) this.#events.broken(`${this.name}: bytes for stream ${id}, which is not open`);
        application?.deliver(payload);
      },
      opened: (id) => this.#opened(id),
      ended: (id) => stream(id)?.ended(),
      reset: (id, reason) => this.#cut(id, reason),
      room: (id) => stream(id)?.room(),
      sendingDone: (id) => stream(id)?.sendingDone(),
      wantSession: () => this.#events.wantSession(this),
      wantRelay: (sid) => this.#events.wantRelay(this, sid),
      peerRestarted: (renumbered) => this.#peerRestarted(renumbered),
      failed: (code, message) => this.#failed(code, message, current),
      refused: (reason, sid) => this.#events.trace(() => `${this.name} refused a frame of ${sid}: ${reason}`),
      carries: (lane: Lane | undefined, reason) =>
        this.#events.trace(() => `${this.name} uses ${lane?.kind ?? 'no lane'} ${lane?.sid ?? ''} ${reason}`),
    };
  }

  #peerRestarted(renumbered: ReadonlyMap<number, number>): void {
    this.#events.trace(() => `${this.name}: the peer restarted, ${renumbered.size} streams go on`);
    const before = [...this.#streams.values()];
    this.#streams.clear();
    for (const application of before) {
      const id = renumbered.get(application.id);
      if (id === undefined) application.cut();
      else {
        application.renumber(id);
        this.#streams.set(id, application);
      }
    }
    if (this.#scenario.shape === 'rendezvous') this.#startNext();
  }

  #failed(code: string, message: string, current: () => boolean): void {
    this.failures += 1;
    this.#events.trace(() => `${this.name} failed: ${code} ${message}`);
    for (const id of [...this.#streams.keys()]) this.#cut(id, message);
    // The main thread hears of it a little later.
    this.#clock.after(this.#random.between(1, 50), () => {
      if (current()) this.restart(code);
    });
  }

  #opened(id: number): void {
    if (this.#streams.has(id)) {
      this.#events.broken(`${this.name}: stream ${id} was opened twice`);
      return;
    }
    const application = this.#create(id);
    // Not from within the call that reports it.
    this.#clock.after(0, () => {
      if (this.#streams.get(id) !== application) return;
      if (this.#scenario.shape === 'forward') this.#bind(application, false);
      else this.#startNext();
    });
    if (this.#scenario.shape === 'forward') return;
    // Somebody has to come, or the stream would wait forever, as it should.
    this.#clock.after(this.#random.between(1, LATE_CONNECTION_MS), () => {
      if (this.#streams.get(id) !== application || application.bound) return;
      this.#standingBy += 1;
      this.#startNext();
    });
  }

  #create(id: number): Application {
    const reader = new Reader(this.#sent, this.#peer, id);
    const application = new Application(id, this.core, this.#clock, this.#random, this.#scenario, reader, {
      broken: (what) => this.#events.broken(`${this.name}, ${what}`),
      over: (gone) => this.#over(gone),
      rearm: () => this.rearm(),
    });
    this.#streams.set(id, application);
    return application;
  }

  #bind(application: Application, opener: boolean): void {
    const sent: Sent = { token: this.#sent.length, by: this.name, stream: application.id, bytes: 0, ended: false, claimed: false };
    this.#sent.push(sent);
    this.#events.trace(() => `${this.name} ${opener ? 'opens' : 'takes'} stream ${application.id} (token ${sent.token})`);
    application.bind(this.core.openStream(application.id, opener, this.#random.chance(0.3), this.#clock.nowMs), sent);
    this.rearm();
  }

  #startNext(): void {
    if (this.#standingBy === 0 || this.core.over) return;
    const [first] = this.#streams.values();
    if (first?.bound) return;
    this.#standingBy -= 1;
    if (first === undefined) this.#bind(this.#create(this.core.highestStream + 1), true);
    else this.#bind(first, false);
  }

  #over(application: Application): void {
    if (this.#streams.get(application.id) !== application) return;
    this.#streams.delete(application.id);
    this.#events.trace(() => `${this.name}: stream ${application.id} is over`);
    application.cut();
    this.core.removeStream(application.id);
    this.rearm();
    if (this.#scenario.shape === 'rendezvous') this.#startNext();
  }

  #cut(id: number, reason: string): void {
    const application = this.#streams.get(id);
    if (application === undefined) return;
    this.#streams.delete(id);
    this.#events.trace(() => `${this.name}: stream ${id} is reset: ${reason}`);
    application.cut();
    this.core.removeStream(id);
    this.rearm();
    if (this.#scenario.shape === 'rendezvous') this.#startNext();
  }
}
