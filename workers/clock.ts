// The time of every frame's way. The global is found by a getter, and `now` on an object with slow properties: with several looks a frame, 2 % of a channel
// worker's time in small rounds (perf/README.md). Any thread.
import { performance } from 'node:perf_hooks';

/** What `performance.now()` says: since this thread began, ms, with a fraction, never going back. */
export const clockMs: () => number = performance.now.bind(performance);
