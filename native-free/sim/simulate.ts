// One run of two channel cores over a bad network, from a seed: the same seed is the same run. Checked all the time: every stream delivers
// exactly what was sent, in order, and its end only after the last byte; memory stays within its bounds; nothing spins. Checked at the end:
// within a bound after the last fault every stream has ended or was reset on both sides, the tables are empty, the idle channel is silent,
// and no core gave up that had no reason to.

import { Counter } from '../counters.js';
import { Clock } from './clock.js';
import type { Sent } from './content.js';
import { Party, type PartyEvents } from './party.js';
import { Random } from './random.js';
import { drawScenario, mustSurvive, type Scenario } from './scenario.js';
import { World } from './world.js';

/** After the faults and the longest stall, everything is over within this, ms: a resume limit, a peer given up, and the work itself. */
const SETTLE_MS = 150_000;
/** And for each stream, where the smallest window meets the slowest lane, ms. */
const STREAM_MS = 15_000;
/** An application writes as many at a time at least, on the average, bytes. */
const PIECE_BYTES = 40;
/** Most ticks of one party in one second: a repeat is acknowledged after 40 ms, so 25, and as many again for everything else. */
const TICKS_PER_SECOND = 50;
/** How long the idle channel is watched, ms: several keep-alives. */
const SILENCE_MS = 20_000;
/** Events kept to explain a failure. */
const TRACE_LINES = 200;

export interface Outcome {
  seed: number;
  /** What went wrong; undefined when nothing did. */
  failure: string | undefined;
  /** Virtual time until everything was over, ms. */
  milliseconds: number;
  events: number;
  messages: number;
  /** Cores that gave up (a lost peer, an outage beyond the limit). */
  failures: number;
  deliveredBytes: number;
  trace: readonly string[];
}

class Broken extends Error {}

/** Runs a seed. Never throws for what the cores do. @param tracing keep the last events, for a person to read */
export function simulate(seed: number, { tracing = false, scenario }: { tracing?: boolean; scenario?: Scenario } = {}): Outcome {
  return new Run(seed, tracing, scenario).run();
}

class Run {
  readonly #seed: number;
  readonly #clock = new Clock();
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #parties: readonly [Party, Party];
  readonly #sent: Sent[] = [];
  readonly #tracing: boolean;
  readonly #lines: string[] = [];
  #events = 0;
  #secondsSeen = 0;

  constructor(seed: number, tracing: boolean, scenario: Scenario | undefined) {
    this.#seed = seed;
    this.#tracing = tracing;
    this.#random = new Random(seed);
    this.#scenario = scenario ?? drawScenario(this.#random);
    const trace = (text: () => string): void => this.#trace(text);
    this.#world = new World(this.#scenario, this.#clock, this.#random, trace);
    const events: PartyEvents = {
      worked: () => this.#world.nudge(),
      wantSession: (party) => this.#world.wantSession(party),
      wantRelay: (party, sid) => this.#world.wantRelay(party, sid),
      restarted: (party) => this.#world.restarted(party),
      broken: (what) => {
        throw new Broken(what);
      },
      trace,
    };
    const party = (name: string, peer: string): Party =>
      new Party(name, peer, this.#scenario, this.#clock, this.#random, this.#sent, events);
    this.#parties = [party('A', 'B'), party('B', 'A')];
    trace(() => JSON.stringify(this.#scenario));
  }

  run(): Outcome {
    let failure: string | undefined;
    let milliseconds = 0;
    try {
      this.#plan();
      milliseconds = this.#untilOver();
      this.#silence();
      if (this.#parties.some(({ counters }) => (counters[Counter.creditBreaches] as number) > 0)) throw new Broken('credit was exceeded');
      if (this.#failures > 0 && mustSurvive(this.#scenario)) throw new Broken('a core gave up in a run that costs no stream');
    } catch (error) {
      // Anything thrown is a failure of the cores: they promise not to.
      failure = error instanceof Broken ? error.message : ((error as Error).stack ?? String(error));
      failure = `${failure} (at ${this.#clock.nowMs.toFixed(1)} ms)`;
    }
    return {
      seed: this.#seed,
      failure,
      milliseconds,
      events: this.#events,
      messages: this.#world.messages,
      failures: this.#failures,
      deliveredBytes: this.#sent.reduce((sum, { bytes, claimed }) => sum + (claimed ? bytes : 0), 0),
      trace: this.#lines,
    };
  }

  #plan(): void {
    this.#world.start(this.#parties);
    const { streams, openWithinMs, shape } = this.#scenario;
    for (let i = 0; i < streams; i += 1) {
      const [a, b] = this.#parties;
      this.#clock.after(this.#random.between(0, openWithinMs), () => this.#connect(a));
      if (shape === 'rendezvous') this.#clock.after(this.#random.between(0, openWithinMs), () => this.#connect(b));
    }
  }

  #connect(party: Party): void {
    // A party that is starting again refuses connections, as a port that is not listened on does.
    if (!party.core.over) party.connect();
  }

  /** @returns when everything was over, ms */
  #untilOver(): number {
    const { quietFromMs, openWithinMs, stallMs, streams, streamBytes, slowWriterMs } = this.#scenario;
    const earliestMs = Math.max(quietFromMs, openWithinMs) + 1;
    const writingMs = (streamBytes / PIECE_BYTES) * slowWriterMs;
    const limitMs = earliestMs + (stallMs * 2 + writingMs + STREAM_MS) * streams + SETTLE_MS;
    while (this.#step(limitMs)) if (this.#clock.nowMs >= earliestMs && !this.#busy) return this.#clock.nowMs;
    if (!this.#busy) return this.#clock.nowMs;
    throw new Broken(`not over in time: ${this.#parties.map((party) => party.state).join(' | ')}`);
  }

  #silence(): void {
    // What was under way may still arrive and be answered.
    const settledMs = this.#clock.nowMs + SILENCE_MS;
    while (this.#step(settledMs));
    for (const { core, state } of this.#parties) {
      if (core.in.streamCount + core.out.streamCount + core.in.heldFrames > 0) throw new Broken(`not empty when idle: ${state}`);
    }
    const before = this.#world.messages - this.#world.lanesUp;
    while (this.#step(settledMs + SILENCE_MS));
    const said = this.#world.messages - this.#world.lanesUp - before;
    if (said > 0) throw new Broken(`${said} messages on an idle channel: ${this.#parties.map((party) => party.state).join(' | ')}`);
  }

  get #failures(): number {
    return this.#parties.reduce((sum, { failures }) => sum + failures, 0);
  }

  get #busy(): boolean {
    return this.#parties.some((party) => party.busy);
  }

  #step(limitMs: number): boolean {
    if (!this.#clock.step(limitMs)) return false;
    this.#events += 1;
    for (const party of this.#parties) {
      const overweight = party.overweight();
      if (overweight !== undefined) throw new Broken(`${party.name}: ${overweight}`);
    }
    const second = Math.floor(this.#clock.nowMs / 1000);
    if (second === this.#secondsSeen) return true;
    this.#secondsSeen = second;
    for (const party of this.#parties) {
      if (party.ticks > TICKS_PER_SECOND) throw new Broken(`${party.name} spins: ${party.ticks} ticks in a second: ${party.state}`);
      party.ticks = 0;
    }
    return true;
  }

  #trace(text: () => string): void {
    if (!this.#tracing) return;
    if (this.#lines.length === TRACE_LINES) this.#lines.shift();
    this.#lines.push(`${this.#clock.nowMs.toFixed(1).padStart(9)} ${text()}`);
  }
}

/** Runs a seed again, with the events that led to its failure. */
export function replay(seed: number): Outcome {
  return simulate(seed, { tracing: true });
}
