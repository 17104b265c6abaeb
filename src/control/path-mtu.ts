// How large packets may be on the further connections of a session with another machine: as large as the interfaces at both ends take, up to Ethernet's, if the
// path shows that it carries them (the worker sends one first), else what every path carries. Larger ones do not cross the long paths that further connections
// are for. Of one session's first connection: with another one the path may be another. Main thread.

import { readFileSync } from 'node:fs';

/** What every path carries: IPv6 asks for it (RFC 8200, section 5). */
export const ANY_PATH_MTU = 1280;
const ETHERNET_MTU = 1500;
/** The stack reads into buffers of 4096 bytes: beyond about 4160 it hangs silently (perf/README.md). */
export const LARGEST_MTU = 4096;

export class PathMtu {
  #bytes: number;

  /** @param here the smallest of this machine's interfaces; undefined when the system does not say @param there the same of the peer's */
  constructor(here: number | undefined, there: number | undefined) {
    this.#bytes = Math.max(ANY_PATH_MTU, Math.min(here ?? ANY_PATH_MTU, there ?? ANY_PATH_MTU, ETHERNET_MTU));
  }

  /** IP headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the path has to show that it carries them. */
  get doubtful(): boolean {
    return this.#bytes > ANY_PATH_MTU;
  }

  /** They did not get through. */
  refused(): void {
    this.#bytes = ANY_PATH_MTU;
  }
}

/** @returns the smallest MTU of these interfaces, bytes; undefined when the system does not say: only Linux does */
export function smallestMtu(interfaces: readonly string[]): number | undefined {
  const known = interfaces.map(mtuOf).filter((bytes) => bytes > 0);
  return known.length === 0 ? undefined : Math.min(...known);
}

function mtuOf(name: string): number {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/mtu`, 'latin1'));
  } catch {
    return 0;
  }
}
