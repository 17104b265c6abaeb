// Walks a directory tree again and again for files of a few names, cheaply enough to do so several times a second beside thousands of
// directories of others: a directory is listed anew only when its time of change says so, each look is one system call of microseconds
// (through the thread pool it costs twenty times that), and the event loop gets its turn every few milliseconds. Main thread.

import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Of one stretch of work before other work gets its turn, ms. */
const SLICE_MS = 4;
/**
 * A listing this much younger than the change it shows may miss another change in the same tick of the file system's clock, ms: two
 * seconds on the coarsest in use (FAT).
 */
const TICK_MS = 2500;
/** Whatever the times say, a directory is listed anew after this long, ms: some network file systems keep them badly. */
const TRUST_MS = 30_000;

interface Listing {
  changedMs: number;
  listedMs: number;
  directories: readonly string[];
  files: readonly string[];
}

export interface FoundFile {
  /** Below the root, with slashes. */
  path: string;
  name: string;
  stats: Stats;
}

export class TreeWalk {
  readonly #root: string;
  readonly #maxDepth: number;
  readonly #concerns: (name: string) => boolean;
  #listings = new Map<string, Listing>();
  #sliceMs = 0;
  /** Time the last walk took of this thread, ms. */
  tookMs = 0;

  /** @param concerns which file names are of interest; directories deeper than `maxDepth` are not looked into */
  constructor(root: string, maxDepth: number, concerns: (name: string) => boolean) {
    this.#root = root;
    this.#maxDepth = maxDepth;
    this.#concerns = concerns;
  }

  /** Every file of interest there is now. What comes and goes under the walk may be in it or not. */
  async walk(): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    const kept = new Map<string, Listing>();
    this.tookMs = 0;
    this.#sliceMs = performance.now();
    const open: { path: string; depth: number }[] = [{ path: '', depth: 0 }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, depth } = next;
      const listing = this.#list(path);
      if (listing !== undefined) {
        kept.set(path, listing);
        const prefix = path === '' ? '' : `${path}/`;
        if (depth < this.#maxDepth) for (const name of listing.directories) open.push({ path: prefix + name, depth: depth + 1 });
        for (const name of listing.files) {
          const stats = this.#stat(prefix + name);
          if (stats?.isFile()) found.push({ path: prefix + name, name, stats });
        }
      }
      const sinceMs = performance.now() - this.#sliceMs;
      if (sinceMs > SLICE_MS) {
        this.tookMs += sinceMs;
        await new Promise((resolve) => setImmediate(resolve));
        this.#sliceMs = performance.now();
      }
    }
    this.tookMs += performance.now() - this.#sliceMs;
    this.#listings = kept;
    return found;
  }

  #list(path: string): Listing | undefined {
    const stats = this.#stat(path);
    if (stats === undefined) return undefined;
    const nowMs = Date.now();
    const changedMs = Math.max(stats.mtimeMs, stats.ctimeMs);
    const known = this.#listings.get(path);
    if (known?.changedMs === changedMs && known.listedMs - changedMs > TICK_MS && nowMs - known.listedMs < TRUST_MS) return known;
    let entries: Dirent[];
    try {
      entries = readdirSync(join(this.#root, path), { withFileTypes: true });
    } catch {
      return undefined; // not there yet, not ours to read, or going away under us: the next walk sees
    }
    return {
      changedMs,
      listedMs: nowMs,
      directories: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
      files: entries.filter((entry) => entry.isFile() && this.#concerns(entry.name)).map(({ name }) => name),
    };
  }

  #stat(path: string): Stats | undefined {
    try {
      return statSync(join(this.#root, path), { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }
}
