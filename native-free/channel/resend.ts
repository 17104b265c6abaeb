// Which frames in flight are to be offered to a lane again: one range of sequence numbers, since what is lost lies together (a lane that
// died, a hole, a tail). Requests that overlap are joined; what they cover twice the receiver drops. Single thread.

export class Resend {
  #from = 1;
  #end = 1;

  get waiting(): boolean {
    return this.#from < this.#end;
  }
  /** The next frame to offer. Only while {@link waiting}. */
  get nextSeq(): number {
    return this.#from;
  }
  get frames(): number {
    return Math.max(0, this.#end - this.#from);
  }

  /** Asks for the frames from `from` up to, not including, `end`. */
  ask(from: number, end: number): void {
    if (from >= end) return;
    if (!this.waiting) {
      this.#from = from;
      this.#end = end;
      return;
    }
    this.#from = Math.min(this.#from, from);
    this.#end = Math.max(this.#end, end);
  }

  /** The lane took the next frame. */
  taken(): void {
    this.#from += 1;
  }

  /** The peer has everything below `seq`. */
  acknowledged(seq: number): void {
    if (this.#from < seq) this.#from = seq;
  }

  clear(): void {
    this.#from = 1;
    this.#end = 1;
  }
}
