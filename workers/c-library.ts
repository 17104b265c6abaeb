// The process's own C library, for the few calls Node has no way to make: through the optional package koffi, on Linux. Any thread.

import { createRequire } from 'node:module';
import type { LibraryHandle } from 'koffi';

let loaded: { library: LibraryHandle | undefined } | undefined;

/** @param signature in C @returns undefined where there is no such: not Linux, koffi is not installed, or it has no build for this platform */
export function cFunction(signature: string): ReturnType<LibraryHandle['func']> | undefined {
  loaded ??= { library: process.platform === 'linux' ? open() : undefined };
  try {
    return loaded.library?.func(signature);
  } catch {
    return undefined;
  }
}

function open(): LibraryHandle | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    // Without a name: what the process has loaded, whatever it is called here.
    return koffi.load(null);
  } catch {
    return undefined;
  }
}
