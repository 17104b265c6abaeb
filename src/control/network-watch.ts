// Notices when this machine's addresses change: a laptop that moved, a link that came back. Looked at every few seconds, since no system tells a
// program in a portable way. Bridges of containers and link-local addresses do not count (they come and go without any meaning for peers), and a
// machine without any address is waited for. One timer; whoever makes it stops it. Main thread.

import { type InterfaceAddress, isLocalOnly } from '../../native-free/index.js';
import { type Clock, systemClock } from '../clock.js';
import { allAddresses } from './addresses.js';

/** A tenth of a millisecond of work each; a stream over a dead path notices by itself only after 2 to 30 s. */
const POLL_MS = 2000;

export interface NetworkChange {
  /** All addresses there are now, loopback included. */
  addresses: string[];
  gone: string[];
  came: string[];
}

export class NetworkWatch {
  readonly #changed: (change: NetworkChange) => void;
  readonly #list: () => InterfaceAddress[];
  readonly #clock: Clock;
  #cancelTimer: () => void = () => {};
  #known: Set<string>;

  constructor(changed: (change: NetworkChange) => void, list: () => InterfaceAddress[] = allAddresses, clock = systemClock) {
    this.#changed = changed;
    this.#list = list;
    this.#known = outward(list());
    this.#clock = clock;
    this.#arm();
  }

  /** Compares with the last time. */
  look(): void {
    const all = this.#list();
    const now = outward(all);
    // Between two networks there is none: what follows from the change can only be done on the next one.
    if (now.size === 0) return;
    const gone = [...this.#known].filter((address) => !now.has(address));
    const came = [...now].filter((address) => !this.#known.has(address));
    this.#known = now;
    if (gone.length + came.length > 0) this.#changed({ addresses: all.map(({ address }) => address), gone, came });
  }

  stop(): void {
    this.#cancelTimer();
  }

  #arm(): void {
    this.#cancelTimer = this.#clock.after(POLL_MS, () => {
      this.#arm();
      this.look();
    });
  }
}

function outward(all: readonly InterfaceAddress[]): Set<string> {
  return new Set(all.filter((one) => !one.internal && !isLocalOnly(one)).map(({ address }) => address));
}
