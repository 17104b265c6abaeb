// Which start of the peer's channel we talk to. Each has an epoch of its own, and knows nothing of the streams and numbers of the one before.
// A session of an epoch that is over may still be heard of late; it must not bring that epoch back. Any thread.

/** Epochs that are over and remembered. A late word is a matter of seconds, and a peer restarts less often. */
const PAST_EPOCHS = 64;

export class Epochs {
  readonly #past: string[] = [];
  #present = '';

  /**
   * A session names its epoch.
   * @returns whether this is the peer we know (or the first we meet), a new start of it, or one that had a successor already
   */
  meet(epoch: string): 'same' | 'restarted' | 'past' {
    const before = this.#present;
    if (this.#past.includes(epoch)) return 'past';
    this.#present = epoch;
    if (before === '' || before === epoch) return 'same';
    this.#past.push(before);
    if (this.#past.length > PAST_EPOCHS) this.#past.shift();
    return 'restarted';
  }
}
