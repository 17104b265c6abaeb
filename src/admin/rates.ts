// Rates of every channel, from its counters once a second, with the last minute kept for plots. Bounded: a channel that is gone is forgotten.
// Main thread.
import RingBufferTs from 'ring-buffer-ts';
import type { Status } from '../status.js';

const SAMPLE_MS = 1000;
/** A minute of history: what a sparkline and the dashboard show. */
const HISTORY = 60;

export interface ChannelRates {
  /** Payload of the last second, bytes per second. */
  txBytesPerSecond: number;
  rxBytesPerSecond: number;
  /** The last minute, oldest first. */
  history: { txBytesPerSecond: number[]; rxBytesPerSecond: number[]; rttMs: number[] };
  /** Since when nothing was sent or received, Unix ms; when the channel came, before the first byte. */
  idleSinceMs: number;
}

interface Track {
  txBytes: number;
  rxBytes: number;
  atMs: number;
  idleSinceMs: number;
  txRate: number;
  rxRate: number;
  tx: RingBufferTs.RingBuffer<number>;
  rx: RingBufferTs.RingBuffer<number>;
  rtt: RingBufferTs.RingBuffer<number>;
}

export class Rates {
  readonly #snapshot: () => Status;
  readonly #tracks = new Map<string, Track>();
  readonly #timer: NodeJS.Timeout;

  /** Samples until {@link stop}; does not keep the process. */
  constructor(snapshot: () => Status) {
    this.#snapshot = snapshot;
    this.sample();
    this.#timer = setInterval(() => this.sample(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes the counters as they are now. */
  sample(): void {
    const { channels, nowMs } = this.#snapshot();
    const present = new Set(channels.map(({ key }) => key));
    for (const key of this.#tracks.keys()) if (!present.has(key)) this.#tracks.delete(key);
    for (const { key, counters, rttMs } of channels) {
      const { txBytes, rxBytes } = counters;
      const track = this.#tracks.get(key);
      if (track === undefined) {
        this.#tracks.set(key, this.#begin(txBytes, rxBytes, nowMs));
        continue;
      }
      const seconds = (nowMs - track.atMs) / 1000;
      if (seconds <= 0) continue;
      // Counters begin anew with a channel that was restarted.
      track.txRate = Math.max(0, txBytes - track.txBytes) / seconds;
      track.rxRate = Math.max(0, rxBytes - track.rxBytes) / seconds;
      if (txBytes !== track.txBytes || rxBytes !== track.rxBytes) track.idleSinceMs = nowMs;
      track.txBytes = txBytes;
      track.rxBytes = rxBytes;
      track.atMs = nowMs;
      track.tx.add(Math.round(track.txRate));
      track.rx.add(Math.round(track.rxRate));
      track.rtt.add(rttMs ?? 0);
    }
  }

  of(key: string): ChannelRates | undefined {
    const track = this.#tracks.get(key);
    if (track === undefined) return undefined;
    return {
      txBytesPerSecond: Math.round(track.txRate),
      rxBytesPerSecond: Math.round(track.rxRate),
      history: { txBytesPerSecond: track.tx.toArray(), rxBytesPerSecond: track.rx.toArray(), rttMs: track.rtt.toArray() },
      idleSinceMs: track.idleSinceMs,
    };
  }

  #begin(txBytes: number, rxBytes: number, nowMs: number): Track {
    const history = (): RingBufferTs.RingBuffer<number> => new RingBufferTs.RingBuffer<number>(HISTORY);
    return { txBytes, rxBytes, atMs: nowMs, idleSinceMs: nowMs, txRate: 0, rxRate: 0, tx: history(), rx: history(), rtt: history() };
  }
}
