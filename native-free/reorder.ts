// A bounded window that puts the frames of one stream direction back in order. Sequence numbers start at 1 and never skip (wire §13.4).
// Invariant: each sequence number is delivered at most once, in order, and what is held never exceeds either limit.
// A frame that arrives in order is never stored: it costs two comparisons and no allocation. One that is ahead has a slot by its number, which
// costs no search either; only what is further ahead than there are slots is looked up by its number.

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

/** Slots to begin with, and at most: a frame further ahead than this, among thousands of tiny ones, is rare. Powers of two. */
const FIRST_SLOTS = 64;
const MOST_SLOTS = 4096;

interface FarFrame<T> {
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
  /** The frame with number n is at n modulo their count, if n is below the next number plus their count. */
  #items: (T | undefined)[] = [];
  #bytes = new Float64Array(0);
  #arrivedMs = new Float64Array(0);
  /** Frames that were further ahead than there are slots when they came, by number. */
  readonly #far = new Map<number, FarFrame<T>>();
  #heldFrames = 0;
  #heldBytes = 0;
  #nextSeq: number;
  /** Above every number in a slot. */
  #endSeq = 0;
  /** Arrival of the frame that waits longest; NaN when that has to be looked for. */
  #oldestMs = Number.NaN;

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
    return this.#heldFrames;
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
    if (seq === this.#nextSeq && this.#heldFrames === 0) {
      this.#nextSeq += 1;
      return 'deliver';
    }
    if (!Number.isSafeInteger(seq) || seq < 1) return 'invalid';
    if (seq < this.#nextSeq || this.#holds(seq)) {
      this.duplicates += 1;
      return 'duplicate';
    }
    if (seq === this.#nextSeq) {
      this.#nextSeq += 1;
      return 'deliver';
    }
    if (this.#heldFrames >= this.#maxFrames || this.#heldBytes + bytes > this.#maxBytes) return 'full';
    // What waits longest came first, and this one comes last.
    if (this.#heldFrames === 0) this.#oldestMs = nowMs;
    this.#hold(seq, bytes, item, nowMs);
    this.#heldFrames += 1;
    this.#heldBytes += bytes;
    return 'held';
  }

  /** @returns the next item of the run that a `deliver` made ready, and forgets it; undefined at the end of the run */
  next(): T | undefined {
    if (this.#heldFrames === 0) return undefined;
    const at = slotOf(this.#nextSeq, this.#items.length);
    let item = this.#items[at];
    let bytes = this.#bytes[at] as number;
    let arrivedMs = this.#arrivedMs[at] as number;
    if (item !== undefined) this.#items[at] = undefined;
    else {
      const far = this.#far.get(this.#nextSeq);
      if (far === undefined) return undefined;
      this.#far.delete(this.#nextSeq);
      ({ item, bytes, arrivedMs } = far);
    }
    if (arrivedMs === this.#oldestMs) this.#oldestMs = Number.NaN;
    this.#heldFrames -= 1;
    this.#heldBytes -= bytes;
    this.#nextSeq += 1;
    return item;
  }

  /**
   * Ask after draining {@link next}.
   *
   * @returns when the present hole was first seen: the arrival of the oldest frame that waits behind it; undefined without a hole
   */
  gapSinceMs(): number | undefined {
    if (this.#heldFrames === 0 || this.#holds(this.#nextSeq)) return undefined;
    if (Number.isNaN(this.#oldestMs)) this.#oldestMs = this.#findOldest();
    return this.#oldestMs;
  }

  /** Forgets what is held, as when the session fails. The expected number and the count of duplicates stay. */
  clear(): void {
    this.#items.fill(undefined);
    this.#far.clear();
    this.#heldFrames = 0;
    this.#heldBytes = 0;
  }

  /** @param seq not below the next number */
  #holds(seq: number): boolean {
    const slots = this.#items.length;
    if (seq - this.#nextSeq < slots && this.#items[slotOf(seq, slots)] !== undefined) return true;
    return this.#far.size > 0 && this.#far.has(seq);
  }

  #hold(seq: number, bytes: number, item: T, arrivedMs: number): void {
    const ahead = seq - this.#nextSeq;
    if (ahead >= MOST_SLOTS) {
      this.#far.set(seq, { item, bytes, arrivedMs });
      return;
    }
    if (ahead >= this.#items.length) this.#grow(ahead + 1);
    const at = slotOf(seq, this.#items.length);
    this.#items[at] = item;
    this.#bytes[at] = bytes;
    this.#arrivedMs[at] = arrivedMs;
    if (seq >= this.#endSeq) this.#endSeq = seq + 1;
  }

  #grow(needed: number): void {
    const [items, bytes, arrivedMs] = [this.#items, this.#bytes, this.#arrivedMs];
    let slots = Math.max(FIRST_SLOTS, items.length);
    while (slots < needed) slots *= 2;
    this.#items = new Array<T | undefined>(slots).fill(undefined);
    this.#bytes = new Float64Array(slots);
    this.#arrivedMs = new Float64Array(slots);
    for (let seq = this.#nextSeq; seq < this.#nextSeq + items.length; seq += 1) {
      const from = slotOf(seq, items.length);
      if (items[from] === undefined) continue;
      const to = slotOf(seq, slots);
      this.#items[to] = items[from];
      this.#bytes[to] = bytes[from] as number;
      this.#arrivedMs[to] = arrivedMs[from] as number;
    }
  }

  #findOldest(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (let seq = this.#nextSeq; seq < this.#endSeq; seq += 1) {
      const at = slotOf(seq, this.#items.length);
      if (this.#items[at] !== undefined) oldestMs = Math.min(oldestMs, this.#arrivedMs[at] as number);
    }
    for (const { arrivedMs } of this.#far.values()) oldestMs = Math.min(oldestMs, arrivedMs);
    return oldestMs;
  }
}

/** Sequence numbers go beyond 32 bits: `&` sees the lower ones of them, which is all that a power of two asks for. */
function slotOf(seq: number, slots: number): number {
  return seq & (slots - 1);
}
