// Finds `stream.tcp` markers under the datasites tree every 250 ms, as upstream does (less often where the tree is large), and says which channels there should be; and, in the
// same walk, the markers of local IPC (wire.md 6). Unlike
// upstream it notices edits and deletions, and each unusable marker is reported once per content (wire.md 4.1). Main thread.

import type { Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseMarkers, directoryOf, MAX_MARKER_CHARS, type Marker, parseMarker } from '../../native-free/index.js';
import { type Clock, systemClock } from '../clock.js';
import { isIpcContent } from './ipc-address.js';
import { type FoundFile, TreeWalk } from './tree-walk.js';

/** Consent to frames of peers. */
const ACCEPT_NAME = 'stream.accept';
const SCAN_MS = 250;
/** Walks of a large tree rest for this many times as long as they took: they never cost more than one percent of this thread. */
const REST = 100;
const MARKER_NAME = 'stream.tcp';
/** Deepest directory looked into, counted from the datasites root: upstream's layouts use seven levels. */
const MAX_DEPTH = 16;

/** What one directory holds that local IPC needs to know. */
export interface IpcFound {
  /** Datasite-relative. */
  directory: string;
  /** Content of the IPC marker; undefined without one. */
  marker: string | undefined;
  /** `stream.accept` is there. */
  consent: boolean;
  /** A TCP proxy's marker is there. */
  proxy: boolean;
}

export interface DiscoveryEvents {
  /** The channels there should be; called when the set changed. */
  markers(markers: Marker[]): void;
  /** The directories with an IPC marker or consent; called when something about them changed. */
  ipc(found: IpcFound[]): void;
  /** A marker that cannot be used, once per content. */
  refused(relPath: string, reason: string): void;
}

interface Seen {
  /** What a change of the file changes. */
  stamp: string;
  marker: Marker | undefined;
  /** Content of an IPC marker. */
  ipc?: string;
}

export interface DiscoveryOptions {
  /** Name of the IPC marker. */
  ipcMarker: string;
  /** Whether TCP proxy markers count. */
  tcpProxy: boolean;
  /** Default: the system's. */
  clock?: Clock;
}

export class Discovery {
  readonly #root: string;
  readonly #walk: TreeWalk;
  readonly #email: string;
  readonly #events: DiscoveryEvents;
  readonly #options: DiscoveryOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #clock: Clock;
  #cancelTimer: () => void = () => {};
  #stopped = false;
  #last = '';
  #lastIpc = '[]';
  #scanning: Promise<void> = Promise.resolve();

  constructor(datasites: string, email: string, options: DiscoveryOptions, events: DiscoveryEvents) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#root = datasites;
    this.#walk = new TreeWalk(datasites, MAX_DEPTH, (name) => this.#concerns(name));
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
    this.#cancelTimer();
  }

  async #round(): Promise<void> {
    const found = new Map<string, Seen>();
    for (const file of await this.#walk.walk()) if (!this.#unchanged(file, found)) await this.#look(file, found);
    if (this.#stopped) return;
    if (!this.#same(found)) this.#tell(found);
    this.#cancelTimer = this.#clock.after(Math.max(SCAN_MS, this.#walk.tookMs * REST), () => {
      this.#scanning = this.#round();
    });
  }

  /** Nothing came, went or changed since the last walk. */
  #same(found: ReadonlyMap<string, Seen>): boolean {
    if (this.#last === '' || found.size !== this.#seen.size) return false;
    for (const [path, seen] of found) if (this.#seen.get(path) !== seen) return false;
    return true;
  }

  #tell(found: ReadonlyMap<string, Seen>): void {
    this.#seen.clear();
    for (const [path, seen] of found) this.#seen.set(path, seen);
    const markers = chooseMarkers([...found.values()].flatMap(({ marker }) => marker ?? []));
    const now = JSON.stringify(markers);
    if (now !== this.#last) {
      this.#last = now;
      this.#events.markers(markers);
    }
    this.#tellIpc(found);
  }

  #tellIpc(found: ReadonlyMap<string, Seen>): void {
    const byDirectory = new Map<string, IpcFound>();
    for (const [path, { ipc }] of found) {
      const directory = directoryOf(path);
      const name = path.slice(directory.length + 1);
      let one = byDirectory.get(directory);
      if (one === undefined) {
        one = { directory, marker: undefined, consent: false, proxy: false };
        byDirectory.set(directory, one);
      }
      if (name === ACCEPT_NAME) one.consent = true;
      else if (name === this.#options.ipcMarker && ipc !== undefined) one.marker = ipc;
      else if (name === MARKER_NAME) one.proxy = true;
    }
    const list = [...byDirectory.values()].filter(({ marker, consent }) => marker !== undefined || consent);
    list.sort((a, b) => (a.directory < b.directory ? -1 : 1));
    const now = JSON.stringify(list);
    if (now === this.#lastIpc) return;
    this.#lastIpc = now;
    this.#events.ipc(list);
  }

  #concerns(name: string): boolean {
    return name === MARKER_NAME || name === ACCEPT_NAME || name === this.#options.ipcMarker;
  }

  /** @returns true when the file is as it was at the last walk: then it is taken from there */
  #unchanged({ path, name, stats }: FoundFile, found: Map<string, Seen>): boolean {
    const before = this.#seen.get(path);
    if (before === undefined || before.stamp !== stampOf(name, stats)) return false;
    found.set(path, before);
    return true;
  }

  async #look({ path, name, stats }: FoundFile, found: Map<string, Seen>): Promise<void> {
    const stamp = stampOf(name, stats);
    if (name === ACCEPT_NAME) {
      found.set(path, { stamp, marker: undefined });
      return;
    }
    const { size } = stats;
    try {
      const text = size > MAX_MARKER_CHARS ? '' : await readFile(join(this.#root, path), 'utf8');
      if (name === this.#options.ipcMarker && (name !== MARKER_NAME || isIpcContent(text))) {
        found.set(path, { stamp, marker: undefined, ipc: text });
        return;
      }
      if (!this.#options.tcpProxy) {
        found.set(path, { stamp, marker: undefined });
        return;
      }
      const result = parseMarker(text, path, this.#email);
      found.set(path, { stamp, marker: result.ok ? result.marker : undefined });
      if (!result.ok && result.code === 'invalid')
        this.#events.refused(path, size > MAX_MARKER_CHARS ? 'the file is too large' : result.reason);
    } catch {
      // deleted between the listing and the look
    }
  }
}

/** What a change of the file changes; of consent only that it is there counts. */
function stampOf(name: string, { mtimeMs, size, ino }: Stats): string {
  return name === ACCEPT_NAME ? '' : `${mtimeMs} ${size} ${ino}`;
}
