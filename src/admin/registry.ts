// Which data directories have a running daemon of this user, so that `hotlink status` needs no --data where there is one. A hint only: the
// lock in the data directory decides, and what a crash left here is removed by whoever looks next. Main thread.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readHolder } from './directory-lock.js';
import { livenessOf } from './process-identity.js';
import { ownRuntimeDirectory, prepareRuntimeDirectory } from './runtime-directory.js';

export interface RegisteredDaemon {
  dataDir: string;
  pid: number;
  email: string;
}

const FOLDER = 'daemons';
const ENTRY = /^[0-9a-f]{16}\.json$/;

function entryPath(directory: string, dataDir: string): string {
  return join(directory, FOLDER, `${createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)}.json`);
}

/** Never fails: a daemon that cannot be listed still runs. @returns whether it is listed now */
export function register(daemon: RegisteredDaemon): boolean {
  try {
    const directory = prepareRuntimeDirectory();
    mkdirSync(join(directory, FOLDER), { recursive: true, mode: 0o700 });
    writeFileSync(entryPath(directory, daemon.dataDir), JSON.stringify({ ...daemon, dataDir: resolve(daemon.dataDir) }), { mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

export async function unregister(dataDir: string): Promise<void> {
  const directory = ownRuntimeDirectory();
  if (directory !== undefined) await rm(entryPath(directory, dataDir), { force: true }).catch(() => undefined);
}

/** @returns the daemons that run now */
export async function registered(): Promise<RegisteredDaemon[]> {
  // Below /tmp another user may have been there first, with daemons of their own to show, or a link to files of ours for us to remove.
  const directory = ownRuntimeDirectory();
  if (directory === undefined) return [];
  const folder = join(directory, FOLDER);
  const names = (await readdir(folder).catch(() => [])).filter((name) => ENTRY.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      try {
        const daemon = JSON.parse(await readFile(path, 'utf8')) as RegisteredDaemon;
        const holder = await readHolder(daemon.dataDir);
        if (holder !== undefined && holder.pid === daemon.pid && livenessOf(holder) !== 'gone') return [daemon];
      } catch {
        // half written, or of a directory that is gone
      }
      await rm(path, { force: true }).catch(() => undefined);
      return [];
    }),
  );
  return found.flat().sort((a, b) => a.dataDir.localeCompare(b.dataDir));
}
