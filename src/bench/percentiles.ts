// Percentiles of round trips, by nearest rank: every figure is one that was measured.

export interface Percentiles {
  p50Us: number;
  p90Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
}

/** @param samplesUs at least one, in any order; microseconds */
export function percentiles(samplesUs: Iterable<number>): Percentiles {
  const sorted = Float64Array.from(samplesUs).sort();
  const at = (part: number): number => Math.round((sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0) * 10) / 10;
  return { p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99), p999Us: at(0.999), maxUs: at(1) };
}
