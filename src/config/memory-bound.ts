// What a daemon may hold in memory, as docs/memory.md states it: the fault matrix measures against these numbers, and the documents are checked
// against them.

const MiB = 1_048_576;

/**
 * Resident memory of a daemon with one busy channel, beyond its send window, bytes: Node, its threads and the addon (about 80 MiB idle),
 * credit, rings, lane and SCTP buffers, and what the collectors of four threads leave lying about under full load.
 */
export const RESIDENT_CONSTANT_BYTES = 252 * MiB;

/** How much of it may come on top while a receiver is stalled for a minute and the other direction runs at full speed, bytes. */
export const STALL_GROWTH_BYTES = 64 * MiB;

/** @returns the most that a daemon with one busy channel holds, bytes */
export function residentBoundBytes(windowBytes: number): number {
  return windowBytes + RESIDENT_CONSTANT_BYTES;
}
