// What every benchmark of this room takes and gives.
import type { PerfResult } from '../results.js';

export interface BenchRun {
  /** Repetitions, interleaved; fewer when {@link budgetMs} is over. */
  repeat: number;
  /** How long it may take; one round it takes in any case. */
  budgetMs: number;
  /** Multiplies what is carried: 1 is enough for figures, 0.05 for a look at whether everything works. */
  scale: number;
  /** Takes part only when its name contains this. Ours and the ceiling are always there. */
  only?: string;
  signal: AbortSignal;
  talk: (text: string) => void;
}

export type Bench = (run: BenchRun) => Promise<PerfResult>;

/** A count at this run's scale, at least `min`. */
export function scaled(count: number, scale: number, min = 1): number {
  return Math.max(min, Math.round(count * scale));
}
