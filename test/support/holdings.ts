// What this process holds: threads, files, handles of the event loop, memory. For tests that start and stop things over and over. Linux.

import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';

export interface Holdings {
  threads: number;
  /** Open file descriptors. */
  descriptors: number;
  /** Handles and requests that keep the event loop alive, by kind, sorted. */
  resources: string[];
  /** Private images of the addon that still have a name. */
  images: number;
  rssBytes: number;
  /** JavaScript heap and the buffers outside of it, after a collection. */
  heapBytes: number;
}

export async function holdings(): Promise<Holdings> {
  // Twice: what the first one finalises holds memory of its own, which the second one takes.
  for (let collection = 0; collection < 2; collection += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().toSorted(),
    images: readdirSync(tmpdir()).filter((name) => name.startsWith(`hotlink-addon-${process.pid}-`)).length,
    rssBytes: process.memoryUsage.rss(),
    heapBytes: heapUsed + arrayBuffers,
  };
}
