// How often a benchmark goes round: as many times as was asked for, as long as one more round as long as the longest so far fits into its time. The first
// always runs: a table without a figure is none.

export interface Repetitions {
  /** At most. */
  repeat: number;
  /** For all of them, ms. */
  budgetMs: number;
}

/** @returns numbers of rounds, from 1; what a caller does between two of them is a round's time */
export function* roundsInTime({ repeat, budgetMs }: Repetitions, nowMs: () => number = () => performance.now()): Generator<number> {
  const beganMs = nowMs();
  let longestMs = 0;
  for (let round = 1; round <= repeat; round++) {
    const roundMs = nowMs();
    if (roundMs - beganMs + longestMs > budgetMs) return;
    yield round;
    longestMs = Math.max(longestMs, nowMs() - roundMs);
  }
}
