// Where the package manager put the WebRTC addon for this machine, if it did: its packages are optional, and everything but the WebRTC lane does without.
// Loads nothing. Any thread, main included.

import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { HotlinkError } from '../native-free/errors.js';

/** @returns why there can be no WebRTC here, in a sentence with what to do; undefined when there is an addon */
export function addonMissing(): string | undefined {
  try {
    addonFile();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Path of the addon that the package manager installed. @throws HotlinkError `ERR_HLNK_ADDON` */
export function addonFile(): string {
  const fromLibrary = createRequire(libraryFile());
  const { platform, arch } = process;
  const libc = platform === 'linux' ? ['-gnu', '-musl'] : platform === 'win32' ? ['-msvc'] : [''];
  if (platform === 'linux' && runsOnMusl()) libc.reverse();
  for (const suffix of libc) {
    try {
      return fromLibrary.resolve(`@node-datachannel/${platform}-${arch}${suffix}`);
    } catch {
      // not installed for this C library; the next name may be
    }
  }
  throw missing(`@node-datachannel/${platform}-${arch}${libc[0]}`);
}

/** The platform's package is a dependency of this one, which a package manager may keep out of our reach. */
function libraryFile(): string {
  try {
    return createRequire(import.meta.url).resolve('node-datachannel');
  } catch {
    throw missing('node-datachannel');
  }
}

function missing(name: string): HotlinkError {
  return new HotlinkError(
    'ERR_HLNK_ADDON',
    `the optional package ${name} is not installed, so there is no WebRTC on this machine; direct and relay lanes work without it`,
  );
}

/**
 * By the loader that our own executable names. Not by `process.report`, which says it too: that looks up a name for the far end of every open
 * socket, and where no name server answers it stands still for seconds with the thread and all its streams.
 */
function runsOnMusl(): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, 'r');
  try {
    readSync(file, head);
  } finally {
    closeSync(file);
  }
  return head.includes('/ld-musl-');
}
