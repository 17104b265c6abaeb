// When a machine wants to be called again: a moment on `performance.now()`'s clock, ms, or undefined for never. Pure; main thread.

/** @returns the earliest of them; undefined when there is none */
export function soonest(deadlines: readonly (number | undefined)[]): number | undefined {
  return deadlines.reduce((first, at) => (at === undefined || (first !== undefined && first <= at) ? first : at), undefined);
}

export function isDue(deadlineMs: number | undefined, nowMs: number): boolean {
  return deadlineMs !== undefined && deadlineMs <= nowMs;
}
