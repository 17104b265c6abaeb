// One daemon per data directory: `{data}/.syftbox/hotlink.lock` names the process that has it. Survives crashes: what a dead process left
// is taken over. A lock is made whole (written aside, then linked), so nobody reads half of one, and a dead one is removed only by who
// holds the takeover mark, so two that find it dead do not both take it. Per directory and not per identity: telemetry, admin socket and
// markers of one directory are one daemon's. Main thread.

import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HotlinkError } from '../../native-free/errors.js';
import { livenessOf, ownIdentity, type ProcessIdentity } from './process-identity.js';

/** The holder touches the file this often, ms, for those who cannot see its process. */
const BEAT_MS = 2000;
/** A lock from another machine or container that nobody touches for this long is dead, ms: three beats and a slow file server. */
const SILENCE_MS = 8000;
/** Taking over is a few system calls; a mark older than this was left by a crash in the midst of them, ms. */
const MARK_MS = 10_000;
/** Bound on rounds against others who want the same directory. */
const MAX_ROUNDS = 50;

/** Who holds a data directory. */
export interface LockHolder extends ProcessIdentity {
  email: string;
  /** The verb: `up`, `forward`, `pipe`. */
  verb: string;
  /** Unix ms. */
  sinceMs: number;
  /** No two locks have the same. */
  id: string;
}

export interface LockRequest {
  email: string;
  verb: string;
  signal?: AbortSignal;
  /** How long to watch a lock whose process cannot be seen, ms. Default 8000. */
  silenceMs?: number;
  /** The lock is another machine's: its sign of life is being waited for. */
  onWait?: (holder: LockHolder) => void;
}

export function lockPath(dataDir: string): string {
  return join(dataDir, '.syftbox', 'hotlink.lock');
}

export class DirectoryLock {
  readonly holder: LockHolder;
  readonly #path: string;
  readonly #beat: NodeJS.Timeout;

  private constructor(path: string, holder: LockHolder) {
    this.#path = path;
    this.holder = holder;
    this.#beat = setInterval(() => {
      const now = new Date();
      // A directory that went away under us is the telemetry writer's to complain about.
      utimes(path, now, now).catch(() => undefined);
    }, BEAT_MS).unref();
  }

  /**
   * Takes the directory, and makes it if it is not there.
   * @throws HotlinkError `ERR_HLNK_LOCKED` naming the holder, `ERR_HLNK_CONFIG` when the directory cannot be written
   */
  static async acquire(dataDir: string, request: LockRequest): Promise<DirectoryLock> {
    const path = lockPath(dataDir);
    const { email, verb, signal } = request;
    const holder: LockHolder = { ...ownIdentity(), email, verb, sinceMs: Date.now(), id: randomUUID() };
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        signal?.throwIfAborted();
        if (await create(path, holder)) return new DirectoryLock(path, holder);
        const found = await readHolder(dataDir);
        if (found === undefined) continue;
        if (await isAlive(path, found, request)) throw locked(dataDir, found);
        await removeDead(path, found);
      }
    } catch (error) {
      if (error instanceof HotlinkError) throw error;
      if (signal?.aborted) throw new HotlinkError('ERR_HLNK_CLOSED', 'given up while waiting for the data directory', { cause: error });
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new HotlinkError('ERR_HLNK_CONFIG', `the data directory ${dataDir} cannot be used (${code} at ${path})`, { cause: error });
    }
    throw new HotlinkError('ERR_HLNK_LOCKED', `several daemons are fighting for the data directory ${dataDir}; start one of them`);
  }

  /** Gives the directory back. Idempotent. */
  async release(): Promise<void> {
    clearInterval(this.#beat);
    const now = await readLock(this.#path);
    if (now?.id === this.holder.id) await rm(this.#path, { force: true });
  }
}

/** @returns who holds the directory by its lock file, dead or alive; undefined when nobody does */
export function readHolder(dataDir: string): Promise<LockHolder | undefined> {
  return readLock(lockPath(dataDir));
}

function locked(dataDir: string, { pid, host, email, verb, sinceMs }: LockHolder): HotlinkError {
  const since = new Date(sinceMs).toISOString();
  return new HotlinkError(
    'ERR_HLNK_LOCKED',
    `the data directory ${dataDir} is held by \`hotlink ${verb}\` of ${email}, process ${pid} on ${host}, since ${since}; ` +
      'stop it first, or give this one another --data',
  );
}

/** @returns false when there is a lock already */
async function create(path: string, holder: LockHolder): Promise<boolean> {
  const text = `${JSON.stringify(holder)}\n`;
  const aside = `${path}.${holder.id}`;
  try {
    await writeFile(aside, text, { mode: 0o600 });
    await link(aside, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    // A file system without hard links. A reader may catch the file empty, and takes it for one that is being made.
    return await writeFile(path, text, { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (failure: NodeJS.ErrnoException) => {
        if (failure.code === 'EEXIST') return false;
        throw failure;
      },
    );
  } finally {
    await rm(aside, { force: true });
  }
}

async function readLock(path: string): Promise<LockHolder | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return parseHolder(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock that says nothing (a crash of the machine may leave an empty file) is one of a process that is not there. */
function parseHolder(text: string): LockHolder {
  const nobody: LockHolder = { pid: 0, scope: '', host: 'unknown', email: 'unknown', verb: 'up', sinceMs: 0, id: text };
  try {
    const found = JSON.parse(text) as Partial<LockHolder>;
    return Number.isSafeInteger(found.pid) && typeof found.id === 'string' ? { ...nobody, ...found } : nobody;
  } catch {
    return nobody;
  }
}

async function isAlive(path: string, holder: LockHolder, { signal, onWait, silenceMs = SILENCE_MS }: LockRequest): Promise<boolean> {
  const liveness = livenessOf(holder);
  if (liveness === 'alive' || liveness === 'gone') return liveness === 'alive';
  // Its process cannot be seen from here: it lives as long as it touches the file. Watched, and not compared with our clock, which need
  // not be the file server's.
  onWait?.(holder);
  const before = await touchedMs(path);
  const deadline = performance.now() + silenceMs;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await touchedMs(path);
    if (now === undefined) return false;
    if (now !== before) return true;
  }
  return false;
}

async function touchedMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Removes the lock if it is still the dead one. */
async function removeDead(path: string, dead: LockHolder): Promise<void> {
  const mark = `${path}.takeover`;
  try {
    await mkdir(mark);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Somebody else is at it. Their mark is theirs to remove, unless they died over it: renaming it away can succeed only once.
    const age = Date.now() - ((await touchedMs(mark)) ?? Date.now());
    if (age > MARK_MS) {
      const away = `${mark}.${randomUUID()}`;
      await rename(mark, away).then(
        () => rmdir(away),
        () => undefined,
      );
    } else await new Promise((resolve) => setTimeout(resolve, 20));
    return;
  }
  try {
    const now = await readLock(path);
    if (now?.id === dead.id) await unlink(path);
  } finally {
    await rmdir(mark).catch(() => undefined);
  }
}
