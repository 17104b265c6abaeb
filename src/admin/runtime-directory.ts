// A directory of this user's own for what must be found without knowing a data directory: `$XDG_RUNTIME_DIR/hotlink`, or one below the
// temporary directory that is refused unless it is ours alone, since anybody could have made it first. Main thread.
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { HotlinkError } from '../../native-free/errors.js';

export function runtimeDirectory(): string {
  const given = process.env['XDG_RUNTIME_DIR'];
  return given ? join(given, 'hotlink') : join(tmpdir(), `hotlink-${userInfo().uid}`);
}

/** @returns it, if it is there and ours alone. What another user put there is not to be believed, and nothing in it to be removed */
export function ownRuntimeDirectory(): string | undefined {
  const directory = runtimeDirectory();
  try {
    return isOurs(directory) ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** Makes it. @throws HotlinkError `ERR_HLNK_CONFIG` when it is somebody else's */
export function prepareRuntimeDirectory(): string {
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!isOurs(directory))
    throw new HotlinkError(
      'ERR_HLNK_CONFIG',
      `${directory} is not this user's alone; remove it, or set XDG_RUNTIME_DIR to a directory that is`,
    );
  return directory;
}

/** @throws the system's error when it is not there */
function isOurs(directory: string): boolean {
  const facts = lstatSync(directory);
  return process.platform === 'win32' || (facts.isDirectory() && facts.uid === userInfo().uid && (facts.mode & 0o022) === 0);
}
