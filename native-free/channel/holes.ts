// Holes in a received sequence: which frames are held beyond one, how many are missing in front of them, and when the sender is told.
// A hole that closes by itself (two lanes, a relay that reorders) is never reported; one that lasts is, again and again, more and more
// seldom. The frames themselves are held by the reorder window. Works only while there is a hole. Any thread.

import { HOLE_REPORT_MAX_MS, HOLE_REPORT_MS, NEXT_HOLE_MS } from './limits.js';

export class HoleWatch {
  readonly #held = new Set<number>();
  #holeAt = 0;
  #dueMs: number | undefined;
  #waitMs = HOLE_REPORT_MS;

  /** When the present hole is to be reported, ms; undefined without one. */
  get dueMs(): number | undefined {
    return this.#dueMs;
  }

  /** A frame ahead of the hole at `nextSeq` is held. */
  held(seq: number, nextSeq: number, nowMs: number): void {
    this.#held.add(seq);
    this.#look(nextSeq, nowMs);
  }

  /** A held frame was delivered. */
  delivered(seq: number): void {
    this.#held.delete(seq);
  }

  /** Frames were delivered up to `nextSeq`. @param sinceMs when the hole that is left was first seen; undefined when none is */
  moved(nextSeq: number, sinceMs: number | undefined, nowMs: number): void {
    if (sinceMs === undefined) this.#dueMs = undefined;
    // Older than a new hole, but what closes it may be right behind what closed the one before.
    else this.#look(nextSeq, Math.max(sinceMs, nowMs - HOLE_REPORT_MS + NEXT_HOLE_MS));
  }

  /** Marks the hole as reported. @returns how many frames are missing from `nextSeq` on, 0 without a hole */
  report(nextSeq: number, nowMs: number): number {
    const missing = this.missing(nextSeq);
    if (missing === 0) return 0;
    this.#waitMs = Math.min(HOLE_REPORT_MAX_MS, this.#waitMs * 2);
    this.#dueMs = nowMs + this.#waitMs;
    return missing;
  }

  /** @returns how many frames are missing from `nextSeq` on, 0 without a hole */
  missing(nextSeq: number): number {
    if (this.#held.size === 0) return 0;
    let first = Number.POSITIVE_INFINITY;
    for (const seq of this.#held) if (seq < first) first = seq;
    return first - nextSeq;
  }

  clear(): void {
    this.#held.clear();
    this.#dueMs = undefined;
    this.#holeAt = 0;
  }

  #look(nextSeq: number, sinceMs: number): void {
    if (this.#dueMs !== undefined && this.#holeAt === nextSeq) return;
    this.#holeAt = nextSeq;
    this.#waitMs = HOLE_REPORT_MS;
    this.#dueMs = sinceMs + HOLE_REPORT_MS;
  }
}
