// Where one channel listens, and who waits for it. The port is 0 until the worker names it; a waiter is told once. Main thread.

import { HotlinkError } from '../../native-free/index.js';
import { abortError, onAbort } from '../abort.js';

export class Listening {
  readonly #waiters = new Set<(problem: HotlinkError | undefined) => void>();
  #port = 0;
  #over = false;

  get port(): number {
    return this.#port;
  }

  /**
   * Resolves when the channel listens.
   * @throws HotlinkError `ERR_HLNK_PORT_BUSY` when it cannot, `ERR_HLNK_CLOSED` when `signal` aborts or the channel ends first
   */
  async wait(signal?: AbortSignal): Promise<void> {
    if (this.#port !== 0) return;
    let unwatch = (): void => {};
    const listening = new Promise<void>((resolve, reject) => {
      const tell = (problem: HotlinkError | undefined): void => (problem === undefined ? resolve() : reject(problem));
      this.#waiters.add(tell);
      unwatch = onAbort(signal, () => {
        this.#waiters.delete(tell);
        reject(abortError(signal));
      });
      if (this.#over) this.ended();
    });
    try {
      await listening;
    } finally {
      unwatch();
    }
  }

  /** The worker listens. */
  began(port: number): void {
    this.#port = port;
    this.#tell(undefined);
  }

  /** The worker cannot listen. */
  failed(problem: string): void {
    this.#tell(new HotlinkError('ERR_HLNK_PORT_BUSY', problem));
  }

  /** The channel is on its way out. */
  ended(): void {
    this.#over = true;
    this.#tell(new HotlinkError('ERR_HLNK_CLOSED', 'the channel was closed before it listened'));
  }

  #tell(problem: HotlinkError | undefined): void {
    for (const tell of this.#waiters) tell(problem);
    this.#waiters.clear();
  }
}
