// Places channels on worker threads and notices when one dies. A channel is one never-ending Piscina task. Main thread.
//
// Piscina is told not to block the worker's event loop while it waits for tasks (`atomics: 'disabled'`, or every socket of the thread
// would stand still), never to retire an idle thread, and gets no abort signal: aborting terminates a thread, which aborts the process
// while the addon is live. Channels are stopped by message first; only then are the threads, one after the other in the whole process:
// each thread has a pool of its own, because Piscina ends all threads of a pool at once, and two that end at once can take the process
// with them (workers/README.md, "The addon").

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CHANNEL_ENTRY } from '../../workers/entries.js';
import type { ChannelTask, IpcHostTask } from '../../workers/messages.js';

/** Far more than anyone has: placing must never queue, since a queued channel would never start. */
const CHANNELS_PER_THREAD = 4096;

interface Thread {
  pool: Piscina;
  running: Set<Promise<void>>;
}
/** Where a channel can be started. */
export interface Place {
  /**
   * @param died called when the channel ended without having been told to
   * @returns main's end of the channel's port
   */
  start(task: Omit<ChannelTask, 'port' | 'health'>, died: (error: Error) => void): MessagePort;
}

/** Threads of every data plane in this process end in turn. */
let ending: Promise<void> = Promise.resolve();

export class Supervisor implements Place {
  readonly #most: number;
  /** Where each thread says how it is doing. */
  readonly health: SharedArrayBuffer;
  readonly #entry: URL;
  readonly #threads: Thread[] = [];

  /**
   * @param threads the most there will be; each starts when a channel finds no idle one
   * @param health where each thread says how it is doing
   * @param entry where the threads' module lies; undefined: where it lies in this package
   */
  constructor(threads: number, health: SharedArrayBuffer, entry: URL = CHANNEL_ENTRY) {
    this.#most = threads;
    this.health = health;
    this.#entry = entry;
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
    const { pool, running } = this.#place();
    const { port1, port2 } = new MessageChannel();
    const run = pool
      .run({ ...task, port: port2 } satisfies ChannelTask | IpcHostTask, { transferList: [port2] })
      .catch((error: Error) => died(error));
    running.add(run);
    void run.finally(() => running.delete(run));
    return port1;
  }

  /** Ends the threads. Every channel must have stopped. */
  async stop(): Promise<void> {
    const threads = this.#threads.splice(0);
    // A task's last act is to end its thread's addon: a thread that is terminated before that takes the process with it.
    await Promise.all(threads.flatMap(({ running }) => [...running]));
    ending = threads.reduce((before, { pool }) => before.then(() => pool.destroy()), ending);
    await ending;
  }

  #place(): Thread {
    const [first, ...others] = this.#threads;
    const idlest = others.reduce((best, one) => (best === undefined || one.running.size < best.running.size ? one : best), first);
    if (idlest !== undefined && (idlest.running.size === 0 || this.#threads.length >= this.#most)) return idlest;
    const pool = new Piscina({
      filename: this.#entry.href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: CHANNELS_PER_THREAD,
      idleTimeout: Number.POSITIVE_INFINITY,
      atomics: 'disabled',
    });
    // The tasks of a thread that dies are rejected one by one; without a listener the pool's own word would end the process.
    pool.on('error', () => {});
    const thread: Thread = { pool, running: new Set() };
    this.#threads.push(thread);
    return thread;
  }
}
