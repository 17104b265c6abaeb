// The one formula for waits that grow: doubling from a first wait to a longest one, then spread by chance. Pure.

/**
 * The wait before another attempt.
 *
 * @param failures failures so far; 0 gives the first wait
 * @param firstMs the first wait in milliseconds
 * @param maxMs where doubling ends; the spread may exceed it by a quarter
 * @param chance 0 … 1; 0.5 gives exactly the formula's value
 * @returns whole milliseconds
 */
export function backoffMs(failures: number, firstMs: number, maxMs: number, chance: number): number {
  // Past 30 doublings the ceiling has long been reached, and 2 ** failures must not become Infinity times zero.
  const waitMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(waitMs * (0.75 + 0.5 * chance));
}
