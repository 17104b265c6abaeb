// A virtual network for machines that have no clock: seeded, lossy, duplicating and reordering. Time is whatever happens next.

/** What the network drives: anything with a deadline, and with outputs to be drained. */
export type Party = {
  timeoutMs(): number | undefined;
  handleTimeout(nowMs: number): void;
  /** Carries out every waiting output. */
  drain(nowMs: number): void;
};

export type Weather = { drop: number; duplicate: number; maxDelayMs: number };

/** Mulberry32: small, seeded, good enough for shuffling. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class VirtualNetwork {
  readonly random: () => number;
  readonly weather: Weather;
  nowMs = 0;
  #events: { atMs: number; order: number; run: (nowMs: number) => void }[] = [];
  #order = 0;

  constructor(seed: number, weather: Weather) {
    this.random = seededRandom(seed);
    this.weather = weather;
  }

  /** Delivers after a while: perhaps never, perhaps twice, perhaps after what was sent later. */
  send(run: (nowMs: number) => void): void {
    if (this.random() < this.weather.drop) return;
    const copies = this.random() < this.weather.duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) this.at(this.nowMs + Math.ceil(this.random() * this.weather.maxDelayMs), run);
  }

  at(atMs: number, run: (nowMs: number) => void): void {
    this.#events.push({ atMs, order: this.#order++, run });
  }

  /** Runs until nothing is left to happen, or until the time is up. */
  run(parties: readonly Party[], untilMs: number): void {
    for (;;) {
      for (const party of parties) party.drain(this.nowMs);
      this.#events.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const deadlines = parties.map((party) => party.timeoutMs()).filter((time) => time !== undefined);
      const nextMs = Math.min(this.#events[0]?.atMs ?? Number.POSITIVE_INFINITY, ...deadlines);
      if (nextMs > untilMs) return;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (this.#events[0] !== undefined && this.#events[0].atMs <= this.nowMs) this.#events.shift()?.run(this.nowMs);
      for (const party of parties) party.handleTimeout(this.nowMs);
    }
  }
}
