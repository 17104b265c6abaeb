// Writes the telemetry file: at start, at most once a second while things change, at least every three seconds, at once when asked, and at the end.
// Invariant: a reader sees a whole JSON object or the previous one (temporary file and rename in one directory); a failing disk never stops the data plane.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../options.js';
import type { Status } from '../status.js';
import { telemetryOf } from './schema.js';

/** Upstream's spacing while counters move (wire.md §8). */
const MIN_INTERVAL_MS = 1000;
/** Upstream's heartbeat; a reader calls a file older than 15 s stale. */
const MAX_INTERVAL_MS = 3000;

/** Time as the writer needs it, so that tests own it. */
export interface WriterClock {
  nowMs(): number;
  /** Calls back once after `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface TelemetryWriterOptions {
  path: string;
  snapshot: () => Status;
  clock?: WriterClock;
  log?: Log;
}

/** Where upstream's readers look for the file of one identity. */
export function telemetryPath(dataDir: string, email: string): string {
  return join(dataDir, 'datasites', email, '.syftbox', 'hotlink_telemetry.json');
}

export class TelemetryWriter {
  readonly #path: string;
  readonly #snapshot: () => Status;
  readonly #clock: WriterClock;
  readonly #log: Log | undefined;
  #state: 'new' | 'running' | 'stopped' = 'new';
  #lastWriteMs = 0;
  #dueMs = 0;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #nextWrite: Promise<void> | undefined;
  #complained = false;

  constructor(options: TelemetryWriterOptions) {
    this.#path = options.path;
    this.#snapshot = options.snapshot;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log;
  }

  /** First write, and the heartbeat from then on. */
  start(): Promise<void> {
    if (this.#state !== 'new') return Promise.resolve();
    this.#state = 'running';
    return this.flush();
  }

  /** Something in the status changed. Cheap; call it as often as you like. */
  changed(): void {
    if (this.#state === 'running') this.#arm(this.#lastWriteMs + MIN_INTERVAL_MS);
  }

  /** Writes now. Calls that arrive during a write share the one that follows it. */
  flush(): Promise<void> {
    if (this.#state !== 'running') return Promise.resolve();
    return this.#write();
  }

  /** The last write; nothing is written afterwards. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'stopped';
      this.#cancelTimer?.();
      await this.#write();
    }
    await this.#writing;
  }

  #write(): Promise<void> {
    if (!this.#writing) {
      this.#writing = this.#writeOnce().finally(() => {
        this.#writing = undefined;
      });
      return this.#writing;
    }
    this.#nextWrite ??= this.#writing.then(() => {
      this.#nextWrite = undefined;
      return this.#write();
    });
    return this.#nextWrite;
  }

  async #writeOnce(): Promise<void> {
    this.#lastWriteMs = this.#clock.nowMs();
    if (this.#state === 'running') this.#arm(this.#lastWriteMs + MAX_INTERVAL_MS, true);
    const temporary = `${this.#path}.${process.pid}.tmp`;
    try {
      const text = `${JSON.stringify(telemetryOf(this.#snapshot()), null, 1)}\n`;
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(temporary, text);
      await rename(temporary, this.#path);
      this.#complained = false;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      if (!this.#complained) this.#log?.warn({ path: this.#path, error: String(error) }, 'telemetry cannot be written; trying on silently');
      this.#complained = true;
    }
  }

  /** One timer: a change pulls the next write forward, a write pushes it out to the heartbeat. */
  #arm(dueMs: number, afterWrite = false): void {
    if (!afterWrite && this.#cancelTimer !== undefined && this.#dueMs <= dueMs) return;
    this.#cancelTimer?.();
    this.#dueMs = dueMs;
    this.#cancelTimer = this.#clock.after(Math.max(0, dueMs - this.#clock.nowMs()), () => {
      this.#cancelTimer = undefined;
      void this.flush();
    });
  }
}

const systemClock: WriterClock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    // The file must not keep a finished program alive.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
