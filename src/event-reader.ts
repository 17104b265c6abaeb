// One reader of a data plane's events, by async iteration. What it has not read waits in a bounded queue; beyond the bound the oldest is
// dropped, which the reader sees as a gap in the ids, and nothing else is ever held up. Main thread.

import type { HotlinkEvent } from './events.js';
import type { Hotlink } from './hotlink.js';
import { type NamesOf, refuseUnknown } from './unknown-options.js';

/** Events that wait for a reader unless it says otherwise: some 200 KB, and minutes of a busy data plane. */
const WAITING_EVENTS = 1024;

/** Aborting ends the iteration, without an error. */
export type EventsOptions = NonNullable<Parameters<Hotlink['events']>[0]>;
const NAMES: NamesOf<EventsOptions> = { signal: 1, limit: 1 };

export class EventReader implements AsyncIterableIterator<HotlinkEvent> {
  readonly #limit: number;
  readonly #signal: AbortSignal | undefined;
  readonly #left: (reader: EventReader) => void;
  readonly #waiting: HotlinkEvent[] = [];
  readonly #asking: ((result: IteratorResult<HotlinkEvent>) => void)[] = [];
  #over = false;

  /** @param left called once, when nothing more is wanted @throws HotlinkError `ERR_HLNK_USAGE` for an option that there is not */
  constructor(options: EventsOptions, left: (reader: EventReader) => void) {
    refuseUnknown('events', options, NAMES, 'ERR_HLNK_USAGE');
    const { signal, limit } = options;
    this.#limit = Math.min(65_536, Math.max(1, Math.floor(limit ?? WAITING_EVENTS)));
    this.#signal = signal;
    this.#left = left;
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  /** Something happened. */
  put(event: HotlinkEvent): void {
    const asking = this.#asking.shift();
    if (asking !== undefined) asking({ done: false, value: event });
    else {
      if (this.#waiting.length >= this.#limit) this.#waiting.shift();
      this.#waiting.push(event);
    }
  }

  /** There will be no more events; those that wait can still be read. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#aborted);
    for (const asking of this.#asking.splice(0)) asking({ done: true, value: undefined });
    this.#left(this);
  }

  next(): Promise<IteratorResult<HotlinkEvent>> {
    const event = this.#waiting.shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#asking.push(resolve));
  }

  return(): Promise<IteratorResult<HotlinkEvent>> {
    this.#aborted();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #aborted = (): void => {
    this.#waiting.length = 0;
    this.end();
  };
}
