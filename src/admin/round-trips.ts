// Round trips measured while somebody looks: a ping a second on every channel with a stream open. A stream that flows asks for none by
// itself, and nobody wants an idle one to begin talking. Main thread.
import type { Hotlink } from '../hotlink.js';

const PING_MS = 1000;

export class RoundTrips {
  readonly #link: Hotlink;
  readonly #abort = new AbortController();
  /** Channels whose answer is still on its way are not asked again. */
  readonly #underWay = new Set<string>();
  #watchers = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(link: Hotlink) {
    this.#link = link;
  }

  /** Measures until what it returns is disposed of, as often as this is called. */
  watch(): Disposable {
    this.#watchers += 1;
    this.#timer ??= setInterval(() => this.#measure(), PING_MS).unref();
    return {
      [Symbol.dispose]: () => {
        this.#watchers -= 1;
        if (this.#watchers > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
  }

  #measure(): void {
    for (const { key, peer, name, lane, streams, sessions } of this.#link.status().channels) {
      // Upstream's clients answer no pings.
      const answers = sessions.some(({ client }) => client === 'hotlink');
      if (lane === undefined || streams === 0 || !answers || this.#underWay.has(key)) continue;
      this.#underWay.add(key);
      // What came of it stands in the channel's status; one that is not answered shows there as silence.
      this.#link
        .ping({ peer, name, signal: this.#abort.signal })
        .catch(() => undefined)
        .finally(() => this.#underWay.delete(key));
    }
  }
}
