// How every thread of one data plane is doing, in shared memory: each thread writes its own row about once a second, main reads whenever
// it likes, so that a thread that stands still is seen by a row that grows old.
//
//   byte 0          8                72               136
//   ┌───────────────┬────────────────┬────────────────┬─ … MAX_THREADS rows
//   │ rows  unused  │ row 0          │ row 1          │
//   └───────────────┴────────────────┴────────────────┴─
//     Int32 ×2        8 doubles per row, in the order of Word; written by the thread that claimed it, by nobody else
//
// `rows` counts claims and only grows (Atomics.add), so no two threads share a row.

/** A data plane has at most 64 channel workers, main and the relay worker; the rest is room for threads that were replaced. */
const MAX_THREADS = 128;
const HEAD_BYTES = 8;
const ROW_WORDS = 8;

const Word = { threadId: 0, role: 1, atMs: 2, utilization: 3, delayMeanMs: 4, delayP99Ms: 5, delayMaxMs: 6 } as const;

/** What a thread of a data plane does. */
export type ThreadRole = 'main' | 'relay' | 'channel';
export const THREAD_ROLES: readonly ThreadRole[] = ['main', 'relay', 'channel'];

/** One thread at about this moment. */
export interface ThreadHealth {
  role: ThreadRole;
  /** As `node:worker_threads` numbers them; 0 is main. */
  threadId: number;
  /** Unix ms of the last look; old when the thread stands still. */
  atMs: number;
  /** Share of the last second that the event loop was busy, 0…1. */
  utilization: number;
  /** By how much timers came late in the last second, ms. */
  delayMeanMs: number;
  delayP99Ms: number;
  delayMaxMs: number;
}

/** @returns zeroed shared memory for the threads of one data plane */
export function createThreadHealth(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + MAX_THREADS * ROW_WORDS * 8);
}

/** The writing side: one row, claimed for good. */
export class ThreadHealthWriter {
  readonly #row: Float64Array | undefined;
  readonly #role: number;
  readonly #threadId: number;

  constructor(memory: SharedArrayBuffer, role: ThreadRole, threadId: number) {
    const index = Atomics.add(new Int32Array(memory, 0, 1), 0, 1);
    // Past the last row a thread goes unseen, which is better than a thread that fails for the sake of being seen.
    this.#row = index < MAX_THREADS ? new Float64Array(memory, HEAD_BYTES + index * ROW_WORDS * 8, ROW_WORDS) : undefined;
    this.#role = THREAD_ROLES.indexOf(role);
    this.#threadId = threadId;
  }

  write(health: Omit<ThreadHealth, 'role' | 'threadId'>): void {
    const row = this.#row;
    if (row === undefined) return;
    row[Word.threadId] = this.#threadId;
    row[Word.role] = this.#role;
    row[Word.utilization] = health.utilization;
    row[Word.delayMeanMs] = health.delayMeanMs;
    row[Word.delayP99Ms] = health.delayP99Ms;
    row[Word.delayMaxMs] = health.delayMaxMs;
    // Last: a reader takes a row only when it has a time.
    row[Word.atMs] = health.atMs;
  }
}

/** @returns every thread that has reported, in the order they began */
export function readThreadHealth(memory: SharedArrayBuffer): ThreadHealth[] {
  const rows = Math.min(MAX_THREADS, Atomics.load(new Int32Array(memory, 0, 1), 0));
  const found: ThreadHealth[] = [];
  for (let index = 0; index < rows; index += 1) {
    const row = new Float64Array(memory, HEAD_BYTES + index * ROW_WORDS * 8, ROW_WORDS);
    if (row[Word.atMs] === 0) continue;
    found.push({
      role: THREAD_ROLES[row[Word.role] as number] ?? 'channel',
      threadId: row[Word.threadId] as number,
      atMs: row[Word.atMs] as number,
      utilization: row[Word.utilization] as number,
      delayMeanMs: row[Word.delayMeanMs] as number,
      delayP99Ms: row[Word.delayP99Ms] as number,
      delayMaxMs: row[Word.delayMaxMs] as number,
    });
  }
  return found;
}
