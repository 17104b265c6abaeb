// What waits while hotlink is down, as files in the channel's directory, from where a file synchronisation carries them (seeds: "write
// `.request` files on hotlink failure"). When hotlink is back they are read again and sent by it as well; a receiver that had them
// as files knows them by their numbers. A file goes when every peer has acknowledged its frame. Channel worker thread.

import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { FrameView } from '../../native-free/hlnk/index.js';
import {
  byNumber,
  encodePreamble,
  fallbackName,
  type Outbox,
  type OutboxFrame,
  parseFallbackName,
  readFallback,
} from '../../native-free/ipc/index.js';

/** Files of one directory; beyond, the application is not read any more. */
const MAX_FILES = 4096;
/** A file that cannot be read is tried again after this long, ms. */
const READ_AGAIN_MS = 1000;
const NOTHING = new Uint8Array(0);

export interface FallbackFilesEvents {
  written(): void;
  /** Bytes that were asked for are in memory. */
  loaded(): void;
  failed(reason: string): void;
}

export class FallbackFiles {
  /** Hotlink is down: frames are to be written. */
  writing = false;
  readonly #folder: string;
  readonly #sender: string;
  readonly #outbox: Outbox;
  readonly #events: FallbackFilesEvents;
  readonly #fetching = new Set<OutboxFrame>();
  #work: Promise<void> | undefined;
  readonly #removals = new Set<Promise<void>>();
  #files = 0;
  #reported = '';

  constructor(folder: string, sender: string, outbox: Outbox, events: FallbackFilesEvents) {
    this.#folder = folder;
    this.#sender = sender;
    this.#outbox = outbox;
    this.#events = events;
  }

  /** What earlier runs left: it goes first. */
  async findPast(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const past = names.flatMap((name) => parseFallbackName(name) ?? []).filter(({ sender }) => sender === this.#sender);
    if (this.#outbox.next > 0) return; // the application was quicker: they stay for the next run
    for (const { run, number } of past.sort(byNumber).slice(0, MAX_FILES)) this.#outbox.pushFiled(run, number, performance.now());
    this.#files = this.#outbox.count;
  }

  /** Writes every waiting frame that no file has. */
  async write(): Promise<void> {
    await this.#each(async (frame, bytes) => {
      const name = fallbackName(this.#sender, frame.run, frame.number);
      await this.#put(name, Buffer.concat([encodePreamble(frame.run, this.#outbox.baseOf(frame)), bytes]));
      this.#files += 1;
      this.#outbox.filed(frame);
    });
  }

  /** The same for upstream's programs: the payload alone, under the path that the frame names, or a number if that is taken. @param done everything is written */
  async writePlain(done: () => void): Promise<void> {
    const view = new FrameView();
    await this.#each(async (frame, bytes) => {
      view.read(bytes);
      const own = basename(view.path());
      const taken = await stat(join(this.#folder, own)).catch(() => undefined);
      await this.#put(taken === undefined ? own : `${String(frame.number).padStart(8, '0')}.request`, view.payload().slice());
      this.#files += 1;
      frame.filed = true;
    }, done);
  }

  /**
   * Reads a frame's file. One that is gone was taken by its receiver: the frame is empty from now on. One that is there and cannot be read (no
   * descriptor left, a disk that fails) is asked for again.
   */
  fetch(frame: OutboxFrame): void {
    if (this.#fetching.has(frame)) return;
    this.#fetching.add(frame);
    void this.#read(frame).then((bytes) => {
      this.#fetching.delete(frame);
      if (bytes !== undefined) this.#outbox.load(frame, bytes);
      this.#events.loaded();
    });
  }

  /** @returns undefined, a while later, when it cannot be read now */
  async #read(frame: OutboxFrame): Promise<Uint8Array | undefined> {
    try {
      return readFallback(await readFile(join(this.#folder, fallbackName(this.#sender, frame.run, frame.number))))?.frame ?? NOTHING;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
      this.#report(`the file of a waiting frame cannot be read: ${(error as Error).message}`);
      await wait(READ_AGAIN_MS, undefined, { ref: false });
      return undefined;
    }
  }

  /** These frames are with every peer. */
  released(frames: readonly OutboxFrame[]): void {
    for (const frame of frames) {
      if (!frame.filed) continue;
      this.#files -= 1;
      const removal = rm(join(this.#folder, fallbackName(this.#sender, frame.run, frame.number)), { force: true })
        .catch((error: Error) => this.#events.failed(`a file that is not needed any more cannot be removed: ${error.message}`))
        .finally(() => this.#removals.delete(removal));
      this.#removals.add(removal);
    }
  }

  /** At the end: everything that waits and no file has. */
  async keepWaiting(): Promise<void> {
    await this.#work;
    this.writing = true;
    await this.write();
    await Promise.all(this.#removals);
  }

  /** What no application here has got when the daemon stops: it is replayed from its files by the next run. */
  async keep(frames: readonly { bytes: Uint8Array; sender: string; run: string; number: number }[]): Promise<void> {
    const base = new Map<string, number>();
    for (const { sender, run, number } of frames) {
      const key = `${sender} ${run}`;
      base.set(key, Math.min(number, base.get(key) ?? number));
    }
    for (const { bytes, sender, run, number } of frames.slice(0, MAX_FILES)) {
      const content = Buffer.concat([encodePreamble(run, base.get(`${sender} ${run}`) as number), bytes]);
      await this.#put(fallbackName(sender, run, number), content).catch((error: Error) => this.#events.failed(error.message));
    }
  }

  /** One pass at a time: a second one, wanted meanwhile, is that of the first. */
  #each(put: (frame: OutboxFrame, bytes: Uint8Array) => Promise<void>, done = (): void => {}): Promise<void> {
    this.#work ??= this.#pass(put, done).finally(() => {
      this.#work = undefined;
    });
    return this.#work;
  }

  async #pass(put: (frame: OutboxFrame, bytes: Uint8Array) => Promise<void>, done: () => void): Promise<void> {
    try {
      for (let position = this.#outbox.first; position < this.#outbox.next && this.writing; position += 1) {
        const frame = this.#outbox.at(position);
        if (frame === undefined || frame.filed || frame.bytes === undefined) continue;
        if (this.#files >= MAX_FILES) return;
        await put(frame, frame.bytes);
        this.#events.written();
      }
      this.#reported = '';
      if (this.writing) done();
    } catch (error) {
      this.#report(`a waiting frame cannot be written: ${(error as Error).message}`);
    }
  }

  /** The same trouble is news once. */
  #report(reason: string): void {
    if (this.#reported !== reason) this.#events.failed(reason);
    this.#reported = reason;
  }

  /** Never seen half-written: a synchronisation or a receiver may look at any moment. */
  async #put(name: string, content: Uint8Array): Promise<void> {
    const hidden = join(this.#folder, `.${name}.tmp`);
    await writeFile(hidden, content);
    await rename(hidden, join(this.#folder, name));
  }
}
