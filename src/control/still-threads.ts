// Says when a thread of the data plane stands still, and when it goes on: it writes how it is doing every second, so a row that grows old
// is one whose event loop does not turn. Its streams stand still with it, and nothing on that thread can say so. Main thread.

import { readThreadHealth, type ThreadRole } from '../../native-free/index.js';

/** A thread says something every second; a busy machine delays it, seldom by this much, ms. */
export const STILL_MS = 5000;

export interface StillThread {
  role: ThreadRole;
  threadId: number;
  /** Since its last word, ms. */
  forMs: number;
}

export class StillThreads {
  readonly #health: SharedArrayBuffer;
  readonly #still = new Set<number>();
  /** Main's own last look, Unix ms. */
  #lookedMs = 0;

  constructor(health: SharedArrayBuffer) {
    this.#health = health;
  }

  /**
   * To be called about once a second. Each thread is reported once when it begins to stand still and once when it is over.
   * @param nowMs Unix ms
   */
  look(nowMs: number): { stopped: StillThread[]; went: StillThread[] } {
    // A main thread that was held up itself, or a machine that slept, knows nothing of the others until they had their turn.
    const heldUp = nowMs - this.#lookedMs > STILL_MS;
    this.#lookedMs = nowMs;
    const stopped: StillThread[] = [];
    const went: StillThread[] = [];
    if (heldUp) return { stopped, went };
    for (const { role, threadId, atMs } of readThreadHealth(this.#health)) {
      const forMs = nowMs - atMs;
      const known = this.#still.has(threadId);
      if (forMs >= STILL_MS && !known) {
        this.#still.add(threadId);
        stopped.push({ role, threadId, forMs });
      } else if (forMs < STILL_MS && known) {
        this.#still.delete(threadId);
        went.push({ role, threadId, forMs });
      }
    }
    return { stopped, went };
  }
}
