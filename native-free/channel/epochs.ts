// Which start of the peer's channel we talk to. Each has an epoch of its own, and knows nothing of the streams and numbers of the one before.
// A session of an epoch that is over may still be heard of late; it must not bring that epoch back. Any thread.

/** Epochs that are over and remembered. A late word is a matter of seconds, and a peer restarts less often. */
const PAST_EPOCHS = 8;

export class Epochs {
  readonly #past: string[] = [];
  #present = '';

  /**
   * A session names its epoch.
   * @param connected the present epoch still has a session: only then is an older one a late word. Without one it may as well be the
   *   present that was the late word, since nothing says which of two starts came first
   * @returns whether this is the peer we know (or the first we meet), a new start of it, or a late word of one that is over
   */
  meet(epoch: string, connected: boolean): 'same' | 'restarted' | 'past' {
    const before = this.#present;
    if (before === '' || before === epoch) {
      this.#present = epoch;
      return 'same';
    }
    const at = this.#past.indexOf(epoch);
    if (at >= 0 && connected) return 'past';
    if (at >= 0) this.#past.splice(at, 1);
    this.#past.push(before);
    if (this.#past.length > PAST_EPOCHS) this.#past.shift();
    this.#present = epoch;
    return 'restarted';
  }
}
