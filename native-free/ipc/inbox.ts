// How far one sender's frames were delivered here, per run of its daemon: a frame that comes again, after a new start of the channel or in a
// file, is known by its number. Invariant: within a run every number is delivered at most once, in order. Bounded in runs. Pure.

export type InboxVerdict = 'deliver' | 'duplicate' | 'early';

/** Runs remembered of one sender; an older one's frames were delivered or dropped long ago. */
const MAX_RUNS = 16;

export class Inbox {
  /** Next number by run, in the order they were heard of. */
  readonly #next = new Map<string, number>();

  /** The sender says with which number of a run it begins: everything below it was acknowledged. */
  begin(run: string, base: number): void {
    const next = this.#next.get(run);
    if (next !== undefined && next >= base) return;
    this.#next.set(run, base);
    for (const oldest of this.#next.keys()) {
      if (this.#next.size <= MAX_RUNS) break;
      this.#next.delete(oldest);
    }
  }

  /** Whether anything is known of a run. */
  knows(run: string): boolean {
    return this.#next.has(run);
  }

  /** Looks only. `early`: frames in front of it are missing. */
  look(run: string, number: number): InboxVerdict {
    const next = this.#next.get(run) ?? 1;
    if (number < next) return 'duplicate';
    return number === next ? 'deliver' : 'early';
  }

  /** The frame is delivered now. */
  delivered(run: string, number: number): void {
    this.#next.set(run, number + 1);
  }
}
