// How messages travel in a simulation: each direction of a lane has a speed, a delay and, where the scenario says so, faults of single
// messages. An ordered lane keeps the order whatever the jitter. A lane can die loudly or in silence.

import type { TwinLane } from '../lane-twin.js';
import type { Clock } from './clock.js';
import type { Random } from './random.js';
import type { LaneScenario } from './scenario.js';

/** One direction of a lane. */
export class Link {
  readonly #from: TwinLane;
  readonly #to: TwinLane;
  readonly #scenario: LaneScenario;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #arrived: () => void;
  #lastArrivalMs = 0;
  #busy = false;
  #dead = false;
  /** Nothing moves until then, ms. */
  stalledUntilMs = 0;
  /** Faults of single messages happen only before this, ms. */
  readonly #faultsUntilMs: number;
  messages = 0;

  /** @param arrived called after each message that arrived, and after room was reported */
  constructor(
    from: TwinLane,
    to: TwinLane,
    scenario: LaneScenario,
    faultsUntilMs: number,
    clock: Clock,
    random: Random,
    arrived: () => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#scenario = scenario;
    this.#faultsUntilMs = faultsUntilMs;
    this.#clock = clock;
    this.#random = random;
    this.#arrived = arrived;
  }

  /** What is under way is lost, and what is sent from now on. */
  kill(): void {
    this.#dead = true;
  }

  /** Something may wait to be sent. */
  nudge(): void {
    if (this.#busy || this.#from.waiting === 0) return;
    this.#busy = true;
    const waitMs = Math.max(0, this.stalledUntilMs - this.#clock.nowMs);
    this.#clock.after(waitMs, () => this.#transmit());
  }

  #transmit(): void {
    this.#busy = false;
    const message = this.#from.transmit();
    if (message === undefined) return;
    this.messages += 1;
    const { loss, duplication, bytesPerMs } = this.#scenario;
    const faulty = this.#clock.nowMs < this.#faultsUntilMs;
    if (!this.#dead && !(faulty && this.#random.chance(loss))) {
      this.#send(message, faulty);
      if (faulty && this.#random.chance(duplication)) this.#send(message, faulty);
    }
    this.#arrived();
    if (this.#from.waiting === 0) return;
    this.#busy = true;
    this.#clock.after(message.length / bytesPerMs, () => this.#transmit());
  }

  #send(message: Uint8Array, faulty: boolean): void {
    const { delayMs, jitterMs, reordering } = this.#scenario;
    let atMs = this.#clock.nowMs + delayMs + this.#random.fraction() * jitterMs;
    if (faulty && this.#random.chance(reordering)) atMs += this.#random.fraction() * 300;
    else {
      atMs = Math.max(atMs, this.#lastArrivalMs);
      this.#lastArrivalMs = atMs;
    }
    this.#clock.after(atMs - this.#clock.nowMs, () => {
      if (this.#dead) return;
      this.#to.receive(message);
      this.#arrived();
    });
  }
}
