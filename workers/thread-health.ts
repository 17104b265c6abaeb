// Watches the event loop of the thread it runs on and writes what it sees into the thread's row of shared memory, once a second. Any thread.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';
import { ThreadHealthWriter, type ThreadRole } from '../native-free/thread-health.js';

/** Between two looks, ms: what `top` and the metrics show is at most this old. */
const LOOK_MS = 1000;
/**
 * The loop is measured by a timer of this spacing, ms: whoever stands still for longer is seen, as late by up to this much less. Each look wakes the thread;
 * every 20 ms it was a third of an idle daemon's time (perf/README.md, "Who else wakes up").
 */
const RESOLUTION_MS = 100;

/**
 * Starts watching this thread.
 * @param also called at every look, for gauges that are too dear to keep with every byte
 * @returns a function that ends it
 */
export function watchThread(memory: SharedArrayBuffer, role: ThreadRole, also?: () => void): () => void {
  const writer = new ThreadHealthWriter(memory, role, threadId);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let before = performance.eventLoopUtilization();
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    const quiet = delay.count === 0;
    const delayMaxMs = quiet ? 0 : late(delay.max);
    writer.write({
      atMs: Date.now(),
      utilization,
      delayMeanMs: quiet ? 0 : late(delay.mean),
      // Of the ten or so that there are.
      delayP99Ms: delayMaxMs,
      delayMaxMs,
    });
    delay.reset();
    also?.();
  };
  look();
  const timer = setInterval(look, LOOK_MS).unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}
