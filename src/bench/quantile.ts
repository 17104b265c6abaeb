// Quantiles of measured times, by the nearest rank: a value that was measured, never one in between.

/** @param values any order, at least one @param q 0…1 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
}
