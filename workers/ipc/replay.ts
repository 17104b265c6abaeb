// Files that came in place of hotlink, delivered to the application as if hotlink had brought them: those that another copy of this
// program wrote, in the order of their numbers and each number once, whether or not hotlink brings it too; and, when an upstream peer fell
// back (Close `fallback`, wire.md 6.5), the plain `.request` files of the directory in the order of their names. Ours are removed once the
// application has them; plain ones are the applications' own. Channel worker thread.

import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { byNumber, type FallbackFile, type Inbox, parseFallbackName, readFallback } from '../../native-free/ipc/index.js';
import { directoryOf } from '../../native-free/path.js';
import type { Origin } from './application.js';

/** A number that is missing in front of a file for this long will not come any more, ms: upstream's patience with a missing writer. */
const GAP_MS = 30_000;
/** Plain files remembered as delivered: as many as a Go client remembers. */
const MAX_SEEN = 1024;
const MAX_FILE_BYTES = 16 * 1024 * 1024 + 8192;

export interface ReplayEvents {
  inbox(sender: string): Inbox;
  /** Whether the application consents to and takes what is delivered. */
  ready(): boolean;
  /** Every file that was there at the start is delivered. */
  pastDone(): void;
  /** @param taken called when the application has it */
  deliver(bytes: Uint8Array, origin: Origin | undefined, taken: () => void): void;
}

export class Replay {
  readonly #folder: string;
  readonly #directory: string;
  readonly #self: string;
  readonly #stableMs: number;
  readonly #events: ReplayEvents;
  /** Plain files that were delivered, by name and content, oldest first. */
  readonly #seen = new Set<string>();
  /** Since when a file has waited for the one in front of it, ms. */
  readonly #early = new Map<string, number>();
  /** Delivered files that the application has not taken yet. */
  readonly #pending = new Set<string>();
  /** Files that were there when the daemon started and are not delivered yet; undefined until that is known. */
  #past: Set<string> | undefined;
  #plainSeq = 0;
  #work: Promise<void> = Promise.resolve();
  #queued = 0;
  /** A look at the plain files waits for its turn: a peer that falls back again and again does not make more of them. */
  #plainQueued = false;

  constructor(folder: string, directory: string, self: string, stableMs: number, events: ReplayEvents) {
    this.#folder = folder;
    this.#directory = directory;
    this.#self = self;
    this.#stableMs = stableMs;
    this.#events = events;
  }

  /**
   * Files of a run are older than what hotlink brings of it, but after a start of ours only the files tell so: hotlink's frames have to wait
   * until the files are delivered.
   */
  get pastPending(): boolean {
    return this.#past === undefined || this.#past.size > 0;
  }

  /** Resolves when nothing is being read. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** Looks for files of our own kind and delivers those whose turn it is. */
  look(): Promise<void> {
    if (this.#queued > 0) return this.#work;
    return this.#alone(async () => {
      const names: readonly string[] = await readdir(this.#folder).catch(() => []);
      this.#past ??= new Set(names);
      const files = names.flatMap((name) => parseFallbackName(name) ?? []).filter(({ sender }) => sender !== this.#self);
      for (const name of [...this.#early.keys()]) if (!names.includes(name)) this.#early.delete(name);
      const waiting = new Set<string>();
      for (const file of files.sort(byNumber)) {
        if (waiting.has(file.sender)) continue;
        if (!this.#events.ready()) {
          // Nothing is delivered now; what is not there does not have to be.
          this.#keepPast(files.map(({ name }) => name));
          return;
        }
        if (await this.#one(file)) this.#past.delete(file.name);
        else waiting.add(file.sender);
      }
      this.#keepPast(files.map(({ name }) => name));
    });
  }

  #keepPast(names: readonly string[]): void {
    for (const name of [...(this.#past ?? [])]) if (!names.includes(name)) this.#past?.delete(name);
    if (!this.pastPending) this.#events.pastDone();
  }

  /** @returns false when the sender's later files have to wait */
  async #one(file: FallbackFile): Promise<boolean> {
    const { sender, run, number } = file;
    const inbox = this.#events.inbox(sender);
    const path = join(this.#folder, file.name);
    // Delivered, and not yet with the application: its file stays until then.
    if (this.#pending.has(file.name)) return true;
    if (inbox.knows(run) && inbox.look(run, number) === 'duplicate') {
      await rm(path, { force: true });
      return true;
    }
    const content = await readWhole(path);
    const read = content === undefined ? undefined : readFallback(content);
    // Not whole yet, or nothing of ours: a synchronisation may still be writing it.
    if (read === undefined || read.preamble.run !== run || directoryOf(read.path) !== this.#directory) return this.#overdue(file.name);
    inbox.begin(run, read.preamble.base);
    if (inbox.look(run, number) === 'early' && !this.#overdue(file.name)) return false;
    this.#early.delete(file.name);
    // Hotlink may have brought it while the file was read.
    if (inbox.look(run, number) === 'duplicate') return true;
    inbox.delivered(run, number);
    this.#pending.add(file.name);
    this.#events.deliver(read.frame.slice(), { sender, run, number }, () => {
      this.#pending.delete(file.name);
      void rm(path, { force: true });
    });
    return true;
  }

  #overdue(name: string): boolean {
    const now = performance.now();
    const since = this.#early.get(name) ?? now;
    this.#early.set(name, since);
    return now - since >= GAP_MS;
  }

  /** Hotlink brought an upstream peer's frame: its file is not delivered too. @param etag may be the content's MD5 already (wire.md 2.2) */
  saw(name: string, etag: string, payload: Uint8Array): void {
    this.#remember(`${name} ${/^[0-9a-f]{32}$/.test(etag) ? etag : createHash('md5').update(payload).digest('hex')}`);
  }

  #remember(key: string): void {
    this.#seen.add(key);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= MAX_SEEN) break;
      this.#seen.delete(oldest);
    }
  }

  /** Delivers the plain `.request` files of the directory that were not delivered before. */
  lookPlain(): Promise<void> {
    if (this.#plainQueued) return this.#work;
    this.#plainQueued = true;
    return this.#alone(async () => {
      this.#plainQueued = false;
      const names = (await readdir(this.#folder).catch(() => [])).filter((name) => name.endsWith('.request') && !name.startsWith('.'));
      for (const name of names.filter((one) => parseFallbackName(one) === undefined).sort()) {
        const content = await this.#stable(join(this.#folder, name));
        if (content === undefined || content.length === 0) continue;
        const etag = createHash('md5').update(content).digest('hex');
        const key = `${name} ${etag}`;
        if (this.#seen.has(key)) continue;
        this.#remember(key);
        this.#plainSeq += 1;
        this.#events.deliver(encodeFrame(`${this.#directory}/${name}`, etag, this.#plainSeq, content), undefined, () => {});
      }
    });
  }

  /** The content of a file once it has stopped changing. */
  async #stable(path: string): Promise<Uint8Array | undefined> {
    for (let look = 0; look < 100; look += 1) {
      const before = await stat(path).catch(() => undefined);
      if (before === undefined || !before.isFile()) return undefined;
      if (this.#stableMs > 0) await wait(this.#stableMs);
      const after = await stat(path).catch(() => undefined);
      if (after?.mtimeMs === before.mtimeMs && after.size === before.size) return readWhole(path);
    }
    return undefined;
  }

  /** One look at a time, each in its turn. */
  #alone(work: () => Promise<void>): Promise<void> {
    this.#queued += 1;
    this.#work = this.#work.then(work).finally(() => {
      this.#queued -= 1;
    });
    return this.#work;
  }
}

async function readWhole(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await stat(path);
    // A pipe would hold the reader for ever.
    return !file.isFile() || file.size > MAX_FILE_BYTES ? undefined : await readFile(path);
  } catch {
    return undefined;
  }
}
