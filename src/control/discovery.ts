// Finds `stream.tcp` markers under the datasites tree every 250 ms, as upstream does, and says which channels there should be. Unlike
// upstream it notices edits and deletions, and each unusable marker is reported once per content (wire.md 4.1). Main thread.

import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseMarkers, MAX_MARKER_CHARS, type Marker, parseMarker } from '../../native-free/index.js';

const SCAN_MS = 250;
const MARKER_NAME = 'stream.tcp';
/** Deepest directory looked into, counted from the datasites root: upstream's layouts use seven levels. */
const MAX_DEPTH = 16;

export interface DiscoveryEvents {
  /** The channels there should be; called when the set changed. */
  markers(markers: Marker[]): void;
  /** A marker that cannot be used, once per content. */
  refused(relPath: string, reason: string): void;
}

interface Seen {
  /** What a change of the file changes. */
  stamp: string;
  marker: Marker | undefined;
}

export class Discovery {
  readonly #root: string;
  readonly #email: string;
  readonly #events: DiscoveryEvents;
  readonly #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #last = '';
  #scanning: Promise<void> = Promise.resolve();

  constructor(datasites: string, email: string, events: DiscoveryEvents) {
    this.#root = datasites;
    this.#email = email;
    this.#events = events;
    this.#scanning = this.#round();
  }

  /** Resolves when the first scan is done. */
  get firstScan(): Promise<void> {
    return this.#scanning;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const found = new Map<string, Seen>();
    await this.#scan('', 0, found);
    if (this.#stopped) return;
    this.#seen.clear();
    for (const [path, seen] of found) this.#seen.set(path, seen);
    const markers = chooseMarkers([...found.values()].flatMap(({ marker }) => marker ?? []));
    const now = JSON.stringify(markers);
    if (now !== this.#last) {
      this.#last = now;
      this.#events.markers(markers);
    }
    this.#timer = setTimeout(() => {
      this.#scanning = this.#round();
    }, SCAN_MS);
  }

  async #scan(relative: string, depth: number, found: Map<string, Seen>): Promise<void> {
    let entries: Dirent[];
    try {
      entries = await readdir(join(this.#root, relative), { withFileTypes: true });
    } catch {
      return; // not there yet, or going away under us: the next round sees
    }
    for (const entry of entries) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory() && depth < MAX_DEPTH) await this.#scan(path, depth + 1, found);
      else if (entry.isFile() && entry.name === MARKER_NAME) await this.#look(path, found);
    }
  }

  async #look(path: string, found: Map<string, Seen>): Promise<void> {
    const file = join(this.#root, path);
    try {
      const { mtimeMs, size, ino } = await stat(file);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      const before = this.#seen.get(path);
      if (before?.stamp === stamp) {
        found.set(path, before);
        return;
      }
      const text = size > MAX_MARKER_CHARS ? '' : await readFile(file, 'utf8');
      const result = parseMarker(text, path, this.#email);
      found.set(path, { stamp, marker: result.ok ? result.marker : undefined });
      if (!result.ok && result.code === 'invalid')
        this.#events.refused(path, size > MAX_MARKER_CHARS ? 'the file is too large' : result.reason);
    } catch {
      // deleted between the listing and the look
    }
  }
}
