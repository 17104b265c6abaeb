// The main thread's handle on one channel's part in a worker thread: its port, both ways. Nothing is told to a part that was told to stop.
// Its port closes when its connections are gone; the thread itself is the supervisor's. Main thread.

import type { MessagePort } from 'node:worker_threads';
import type { ChannelTask, FromChannel, ToChannel } from '../../workers/messages.js';
import type { Place } from './supervisor.js';

export interface ChannelWorkerEvents {
  message(message: FromChannel): void;
  /** It ended without having been told to. */
  died(error: Error): void;
}

export class ChannelWorker {
  /** Resolves when its port and its connections are gone. */
  readonly stopped: Promise<void>;
  readonly #port: MessagePort;
  #stopping = false;

  constructor(task: Omit<ChannelTask, 'port' | 'health'>, place: Place, events: ChannelWorkerEvents) {
    this.#port = place.start(task, (error) => {
      if (!this.#stopping) events.died(error);
    });
    this.stopped = new Promise((resolve) => this.#port.once('close', () => resolve()));
    this.#port.on('message', (message: FromChannel) => events.message(message));
  }

  /** Whether it was told to stop. */
  get stopping(): boolean {
    return this.#stopping;
  }

  tell(message: ToChannel): void {
    if (!this.#stopping) this.#port.postMessage(message);
  }

  /** Gives its thread a profile port. @returns false when it was told to stop */
  profile(port: MessagePort, intervalUs: number): boolean {
    if (!this.#stopping) this.#port.postMessage({ t: 'profile', port, intervalUs } satisfies ToChannel, [port]);
    return !this.#stopping;
  }

  /** Tells it to drain and end; the last thing it is told. @returns {@link stopped} */
  stop(): Promise<void> {
    this.tell({ t: 'stop' });
    this.#stopping = true;
    return this.stopped;
  }
}
