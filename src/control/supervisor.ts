// Places channels on worker threads and notices when one dies. A channel is one never-ending Piscina task. Main thread.
//
// Piscina is told not to block the worker's event loop while it waits for tasks (`atomics: 'disabled'`, or every socket of the thread
// would stand still), never to retire an idle thread, and gets no abort signal: aborting terminates a thread, which aborts the process
// while the addon is live. Channels are stopped by message first; only then are the threads.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CHANNEL_ENTRY } from '../../workers/entries.js';
import type { ChannelTask, IpcHostTask } from '../../workers/messages.js';

/** Far more than anyone has: placing must never queue, since a queued channel would never start. */
const CHANNELS_PER_THREAD = 4096;

/** Where a channel can be started. */
export interface Place {
  /**
   * @param died called when the channel ended without having been told to
   * @returns main's end of the channel's port
   */
  start(task: Omit<ChannelTask, 'port' | 'health'>, died: (error: Error) => void): MessagePort;
}

export class Supervisor implements Place {
  readonly #threads: number;
  /** Where each thread says how it is doing. */
  readonly health: SharedArrayBuffer;
  #pool: Piscina | undefined;
  readonly #running = new Set<Promise<void>>();

  /** @param health where each thread says how it is doing */
  constructor(threads: number, health: SharedArrayBuffer) {
    this.#threads = threads;
    this.health = health;
  }

  /**
   * Starts a channel on the least busy thread.
   * @param died called when the task ended without having been told to
   * @returns main's end of the channel's port
   */
  start(task: Omit<ChannelTask, 'port' | 'health'>, died: (error: Error) => void): MessagePort {
    return this.#launch({ ...task, health: this.health }, died);
  }

  /** The same for an IPC directory, whose channels are then started through its host. */
  startHost(task: Omit<IpcHostTask, 'port'>, died: (error: Error) => void): MessagePort {
    return this.#launch(task, died);
  }

  #launch(task: Omit<ChannelTask, 'port'> | Omit<IpcHostTask, 'port'>, died: (error: Error) => void): MessagePort {
    this.#pool ??= new Piscina({
      filename: CHANNEL_ENTRY.href,
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: CHANNELS_PER_THREAD,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: 'disabled',
    });
    const { port1, port2 } = new MessageChannel();
    const run = this.#pool
      .run({ ...task, port: port2 } satisfies ChannelTask | IpcHostTask, { transferList: [port2] })
      .catch((error: Error) => died(error));
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    return port1;
  }

  /** Ends the threads. Every channel must have stopped. */
  async stop(): Promise<void> {
    // A task's last act is to end its thread's addon: a thread that is terminated before that takes the process with it.
    await Promise.all(this.#running);
    await this.#pool?.destroy();
    this.#pool = undefined;
  }
}
