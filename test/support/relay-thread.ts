// A relay on a thread of its own, so that what a test does to it, and what others have of it meanwhile, do not wait for each other.
// Ends with `close`.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type RelayOptions, type RelayServer, type RelayStats, startRelay } from '../../src/relay/index.js';

/** What can be handed to a thread. */
export type ThreadOptions = Omit<RelayOptions, 'listen' | 'log' | 'authenticate'>;

export class RelayThread {
  readonly url: string;
  readonly port: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, url: string, port: number) {
    this.#worker = worker;
    this.url = url;
    this.port = port;
  }

  static async start(options: ThreadOptions = {}): Promise<RelayThread> {
    const worker = new Worker(new URL(import.meta.url), { workerData: { relay: options } });
    const [{ url, port }] = (await once(worker, 'message')) as [{ url: string; port: number }];
    return new RelayThread(worker, url, port);
  }

  async stats(): Promise<RelayStats> {
    this.#worker.postMessage('stats');
    const [stats] = (await once(this.#worker, 'message')) as [RelayStats];
    return stats;
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close');
    await once(this.#worker, 'exit');
  }
}

async function serve(options: ThreadOptions): Promise<void> {
  const relay: RelayServer = await startRelay({ listen: '127.0.0.1:0', ...options });
  parentPort?.on('message', (what) => {
    if (what === 'stats') parentPort?.postMessage(relay.stats());
    else void relay.close().then(() => parentPort?.close());
  });
  parentPort?.postMessage({ url: relay.url, port: relay.port });
}

if (!isMainThread && (workerData as { relay?: ThreadOptions } | undefined)?.relay !== undefined)
  await serve((workerData as { relay: ThreadOptions }).relay);
