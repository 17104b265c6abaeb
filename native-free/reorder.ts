// A bounded window that puts the frames of one stream direction back in order. Sequence numbers start at 1 and never skip (wire §13.4).
// Invariant: each sequence number is delivered at most once, in order, and what is held never exceeds either limit.
// A frame that arrives in order is never stored: it costs two comparisons and no allocation.

export interface ReorderLimits {
  /** Most payload bytes held at a time: the memory this window may cost. */
  readonly maxBytes: number;
  /** Most frames held at a time: bounds what many tiny frames cost beside their bytes. */
  readonly maxFrames: number;
  /** First sequence number expected; 1 unless a session goes on where another stopped. */
  readonly firstSeq?: number;
}

/**
 * - `deliver`: the next in order; handle the item, then drain {@link ReorderWindow.next}.
 * - `held`: ahead of a hole; kept.
 * - `duplicate`: delivered or held before; drop it.
 * - `full`: ahead of a hole and over a limit; not kept, so the stream cannot be repaired: fail the session.
 * - `invalid`: not a sequence number (not a safe integer, or below 1); refuse it.
 */
export type ReorderVerdict = 'deliver' | 'held' | 'duplicate' | 'full' | 'invalid';

interface HeldFrame<T> {
  readonly item: T;
  readonly bytes: number;
  readonly arrivedMs: number;
}

/** @typeParam T what is put in order; not `undefined`, which is how {@link ReorderWindow.next} ends a run */
export class ReorderWindow<T> {
  /** Duplicates seen since the beginning. */
  duplicates = 0;

  readonly #maxBytes: number;
  readonly #maxFrames: number;
  /** In order of arrival, as a Map keeps it: the first entry is the one that waits longest. */
  readonly #held = new Map<number, HeldFrame<T>>();
  #heldBytes = 0;
  #nextSeq: number;

  constructor({ maxBytes, maxFrames, firstSeq = 1 }: ReorderLimits) {
    this.#maxBytes = maxBytes;
    this.#maxFrames = maxFrames;
    this.#nextSeq = firstSeq;
  }

  /** The sequence number expected next. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  get heldFrames(): number {
    return this.#held.size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes one frame.
   *
   * @param bytes what holding the item costs, counted against `maxBytes`
   * @param nowMs time of arrival on any clock that does not go back
   * @returns what to do with the item; on `deliver` the caller handles it directly
   */
  accept(seq: number, bytes: number, item: T, nowMs: number): ReorderVerdict {
    if (seq === this.#nextSeq && this.#held.size === 0) {
      this.#nextSeq += 1;
      return 'deliver';
    }
    if (!Number.isSafeInteger(seq) || seq < 1) return 'invalid';
    if (seq < this.#nextSeq || this.#held.has(seq)) {
      this.duplicates += 1;
      return 'duplicate';
    }
    if (seq === this.#nextSeq) {
      this.#nextSeq += 1;
      return 'deliver';
    }
    if (this.#held.size >= this.#maxFrames || this.#heldBytes + bytes > this.#maxBytes) return 'full';
    this.#held.set(seq, { item, bytes, arrivedMs: nowMs });
    this.#heldBytes += bytes;
    return 'held';
  }

  /** @returns the next item of the run that a `deliver` made ready, and forgets it; undefined at the end of the run */
  next(): T | undefined {
    if (this.#held.size === 0) return undefined;
    const frame = this.#held.get(this.#nextSeq);
    if (frame === undefined) return undefined;
    this.#held.delete(this.#nextSeq);
    this.#heldBytes -= frame.bytes;
    this.#nextSeq += 1;
    return frame.item;
  }

  /**
   * Ask after draining {@link next}.
   *
   * @returns when the present hole was first seen: the arrival of the oldest frame that waits behind it; undefined without a hole
   */
  gapSinceMs(): number | undefined {
    if (this.#held.has(this.#nextSeq)) return undefined;
    for (const frame of this.#held.values()) return frame.arrivedMs;
    return undefined;
  }

  /** Forgets what is held, as when the session fails. The expected number and the count of duplicates stay. */
  clear(): void {
    this.#held.clear();
    this.#heldBytes = 0;
  }
}
