// What `GET /status` of a relay answers: its counters with what only the running process knows added. Other programs parse this: names stay, keys
// are only added. Main thread.
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { RelayServer, RelayStats } from '../relay/index.js';
import type { RelayFigures } from './relay-metrics.js';

const SAMPLE_MS = 1000;
/** Whoever stands still for longer is seen, as late by up to this much less; each look wakes the thread. */
const RESOLUTION_MS = 100;

/** `hotlink status --json` of a relay. */
export interface RelayReport {
  relayServer: { url: string; stunPort?: number; pid: number; version: string; node: string; dataDir: string; startedMs: number };
  nowMs: number;
  rssBytes: number;
  /** Of the last second. */
  rates: { messagesIn: number; messagesOut: number; bytesIn: number; bytesOut: number };
  loop: { utilization: number; delayP99Ms: number };
  stats: RelayStats;
}

export interface RelayFacts {
  version: string;
  dataDir: string;
}

/** Looks at a relay once a second; does not keep the process. */
export class RelayObserver {
  readonly #relay: RelayServer;
  readonly #facts: RelayFacts;
  readonly #startedMs = Date.now();
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #stats: RelayStats;
  #atMs = performance.now();
  #loopAt: EventLoopUtilization = performance.eventLoopUtilization();
  #rates: RelayReport['rates'] = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };
  #loop: RelayReport['loop'] = { utilization: 0, delayP99Ms: 0 };

  constructor(relay: RelayServer, facts: RelayFacts) {
    this.#relay = relay;
    this.#facts = facts;
    this.#stats = relay.stats();
    this.#delay.enable();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  figures(): RelayFigures {
    return { stats: this.#relay.stats(), startedMs: this.#startedMs, ...this.#loop };
  }

  report(): RelayReport {
    const { url, stunPort } = this.#relay;
    return {
      relayServer: {
        url,
        ...(stunPort === undefined ? {} : { stunPort }),
        pid: process.pid,
        node: process.versions.node,
        startedMs: this.#startedMs,
        ...this.#facts,
      },
      nowMs: Date.now(),
      rssBytes: process.memoryUsage.rss(),
      rates: this.#rates,
      loop: this.#loop,
      stats: this.#relay.stats(),
    };
  }

  #sample(): void {
    const stats = this.#relay.stats();
    const nowMs = performance.now();
    const loop = performance.eventLoopUtilization();
    const seconds = (nowMs - this.#atMs) / 1000;
    const rate = (key: keyof RelayReport['rates']): number => Math.round((stats[key] - this.#stats[key]) / seconds);
    this.#rates = {
      messagesIn: rate('messagesIn'),
      messagesOut: rate('messagesOut'),
      bytesIn: rate('bytesIn'),
      bytesOut: rate('bytesOut'),
    };
    // The histogram counts whole delays, its resolution included.
    const delayP99Ms = Math.max(0, this.#delay.percentile(99) / 1e6 - RESOLUTION_MS);
    this.#loop = { utilization: performance.eventLoopUtilization(loop, this.#loopAt).utilization, delayP99Ms };
    this.#delay.reset();
    this.#stats = stats;
    this.#atMs = nowMs;
    this.#loopAt = loop;
  }
}
