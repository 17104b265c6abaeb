// One clock for several processes of one machine: unix milliseconds with a fraction. `process.hrtime` has no common origin across processes.

/** Unix time, ms, monotonic within a process. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
