// Time as the main thread sees it: deadlines of the session machines, backoffs, stamps. An embedding program may supply its own. The worker
// threads keep the system's. Main thread.

/** The time that the control plane goes by. */
export interface Clock {
  /** A monotonic clock, ms, from any origin; fractions allowed. */
  nowMs(): number;
  /** Wall clock, Unix ms: stamps in `status()` and events. */
  unixMs(): number;
  /**
   * Calls back once, in a later turn.
   * @param delayMs at least so much later on {@link nowMs}
   * @returns cancels the call; harmless when it was made or cancelled already
   */
  after(delayMs: number, call: () => void): () => void;
}

/** The system's. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
