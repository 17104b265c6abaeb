// Where one channel listens, and who waits for it. The port is 0 until the worker names it; a waiter is told once. Main thread.

import { HotlinkError } from '../../native-free/index.js';

export class Listening {
  readonly #waiters: ((problem: string | undefined) => void)[] = [];
  #port = 0;

  get port(): number {
    return this.#port;
  }

  /**
   * Resolves when the channel listens.
   * @throws HotlinkError `ERR_HLNK_PORT_BUSY` when it cannot, `ERR_HLNK_CLOSED` when `signal` aborts first
   */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push((problem) => (problem === undefined ? resolve() : reject(new HotlinkError('ERR_HLNK_PORT_BUSY', problem))));
      signal?.addEventListener('abort', () => reject(new HotlinkError('ERR_HLNK_CLOSED', 'given up while opening')), { once: true });
      if (this.#port !== 0) this.#tell(undefined);
    });
  }

  /** The worker listens. */
  began(port: number): void {
    this.#port = port;
    this.#tell(undefined);
  }

  /** The worker cannot listen. */
  failed(problem: string): void {
    this.#tell(problem);
  }

  #tell(problem: string | undefined): void {
    for (const tell of this.#waiters.splice(0)) tell(problem);
  }
}
