// Time as the main thread sees it: deadlines of the session machines, backoffs, stamps. An embedding program may supply its own. The worker
// threads keep the system's. Main thread.

import type { HotlinkOptions } from './options.js';

/**
 * The time that the control plane goes by: a monotonic clock, ms, from any origin; the wall clock, Unix ms, for stamps in `status()` and events; and
 * `after`, which calls back once, in a later turn, and returns what cancels that.
 */
export type Clock = NonNullable<HotlinkOptions['clock']>;

/** The system's. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
