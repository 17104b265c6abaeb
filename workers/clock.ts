// The time, for what looks at it with every frame of a channel: the global is found by a getter, and `now` on an object with slow properties, each time
// (perf/README.md, "Timers and clocks"). Any thread.
import { performance } from 'node:perf_hooks';

/** What `performance.now()` says: since this thread began, ms, with a fraction, never going back. */
export const clockMs: () => number = performance.now.bind(performance);
