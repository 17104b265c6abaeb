// The one file that loads the WebRTC addon: a private image of it for each thread.
//
// The addon keeps its JavaScript constructors in C++ statics, so a second environment of one process that loads the same image aborts
// the process (kept as a test). A real copy of the file under a path of its own is another image to the dynamic loader, with its own
// libdatachannel and usrsctp. The copy is unlinked as soon as it is mapped. Windows cannot delete a mapped file: there the directory is
// removed at process exit, and what a killed process left behind by the next one. Any worker thread.

import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Audio, PeerConnection, RtcConfig, SctpSettings } from 'node-datachannel';
import { HotlinkError } from '../native-free/errors.js';
import { addonFile } from './addon-file.js';

/** The part of the addon that this program uses. */
export interface Addon {
  PeerConnection: new (name: string, config: RtcConfig) => PeerConnection;
  Audio: new (mid: string, direction: 'SendRecv') => Audio;
  setSctpSettings(settings: SctpSettings): void;
  cleanup(): void;
}

const DIRECTORY_PREFIX = 'hotlink-addon-';
let loaded: Addon | undefined;

/**
 * Loads this thread's image of the addon; later calls return the same one.
 * @throws HotlinkError `ERR_HLNK_ADDON` when there is no addon for this platform or no directory it can be mapped from
 */
export function loadAddon(): Addon {
  loaded ??= loadPrivateImage(addonFile());
  return loaded;
}

/** Whether this thread has an image. */
export function addonLoaded(): boolean {
  return loaded !== undefined;
}

/** Ends the image's threads. To be called when every connection of this thread is closed, before the thread leaves. */
export function cleanupAddon(): void {
  loaded?.cleanup();
}

function loadPrivateImage(file: string): Addon {
  const failures: string[] = [];
  for (const directory of directories()) {
    let home: string | undefined;
    try {
      home = mkdtempSync(join(directory, `${DIRECTORY_PREFIX}${process.pid}-`));
      const copy = join(home, 'node_datachannel.node');
      copyFileSync(file, copy);
      chmodSync(copy, 0o700);
      const module = { exports: {} as Addon };
      process.dlopen(module, copy);
      return module.exports;
    } catch (error) {
      // A directory mounted noexec fails in dlopen, a full or read-only one earlier: another may do.
      failures.push(`${directory}: ${(error as Error).message}`);
    } finally {
      if (home !== undefined) discard(home);
    }
  }
  throw new HotlinkError(
    'ERR_HLNK_ADDON',
    `the WebRTC addon could not be mapped from any directory (${failures.join('; ')}); set TMPDIR to one that allows it`,
  );
}

/** Places to try, best first. */
function directories(): string[] {
  const places = [
    tmpdir(),
    process.env['XDG_RUNTIME_DIR'],
    process.platform === 'linux' ? '/dev/shm' : undefined,
    process.env['XDG_CACHE_HOME'],
    homedir(),
  ];
  return [...new Set(places.filter((place): place is string => place !== undefined && place !== '' && existsSync(place)))];
}

function discard(home: string): void {
  try {
    rmSync(home, { recursive: true, force: true });
  } catch {
    // Windows: the image is mapped. When this process ends it can go.
    process.once('exit', () => rmSync(home, { recursive: true, force: true }));
    sweep(dirname(home));
  }
}

/** Removes directories of processes that are gone. */
function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = name.startsWith(DIRECTORY_PREFIX) ? Number(name.slice(DIRECTORY_PREFIX.length).split('-')[0]) : 0;
    if (pid > 0 && !alive(pid)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
