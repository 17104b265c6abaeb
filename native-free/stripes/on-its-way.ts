// Which frames are on their way on which member of a striped lane, by sequence number, as far as that is known: one by one once messages are watched, and
// before that as the run that the first member took while it was alone. Single thread.

import { SEQ_AT } from '../hlnk/constants.js';
import type { Carried, Member } from './member.js';

export class OnItsWay {
  /** In the order they were given. */
  readonly #on = new Map<number, Carried>();
  /** The run: from the first one up to, not including, the last one's successor. */
  #runFrom = 0;
  #runEnd = 0;
  /** Which member has the run; undefined when it is gone, or messages are not watched yet. */
  #runOn: Member | undefined;

  /** The first member, alone and not watched, took a frame. */
  tookAlone(seq: number): void {
    // What was sent again, or on another lane in between, is not of the run.
    if (seq !== this.#runEnd) this.#runFrom = seq;
    this.#runEnd = seq + 1;
  }

  /** From now on messages are watched; the run is on this member. */
  watch(first: Member | undefined): void {
    this.#runOn = first;
  }

  took(carried: Carried): void {
    this.#on.set(carried.seq, carried);
  }

  arrived(seq: number, member: Member): void {
    if (this.#on.get(seq)?.member === member) this.#on.delete(seq);
  }

  has(seq: number): boolean {
    return this.#on.has(seq) || (this.#runOn?.inTheDark === true && seq >= this.#runFrom && seq < this.#runEnd);
  }

  /** A member is gone. @returns the range in which its frames lie; nothing that {@link has} still says is lost */
  lostWith(member: Member): readonly [from: number, end: number] | undefined {
    let from = Number.POSITIVE_INFINITY;
    let end = 0;
    member.eachCarried((seq) => {
      if (this.#on.get(seq)?.member !== member) return;
      this.#on.delete(seq);
      from = Math.min(from, seq);
      end = Math.max(end, seq + 1);
    });
    if (this.#runOn === member) {
      if (member.inTheDark && this.#runEnd > this.#runFrom) {
        from = Math.min(from, this.#runFrom);
        end = Math.max(end, this.#runEnd);
      }
      this.#runOn = undefined;
    }
    return from < end ? [from, end] : undefined;
  }

  /** Those frames are to go out once more. */
  forget(seqs: readonly number[]): void {
    for (const seq of seqs) this.#on.delete(seq);
  }

  clear(): void {
    this.#on.clear();
    this.#runOn = undefined;
  }

  [Symbol.iterator](): Iterator<[number, Carried]> {
    return this.#on[Symbol.iterator]();
  }
}

/** Sequence number of a whole frame, which the core made. */
export function seqOf(frame: Uint8Array): number {
  return word(frame, SEQ_AT) * 0x1_0000_0000 + word(frame, SEQ_AT + 4);
}

function word(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return high * 0x1_0000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}
