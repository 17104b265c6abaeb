// Zero-byte connections, as launch barriers, prechecks and user interfaces make them all day: connect, see that it works, leave.
// A tunnel must not notice; so they keep coming during a burst.
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const PROBE_TIMEOUT_MS = 1000;

/** Connects and leaves. True when somebody listens. */
export function probe(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const timer = setTimeout(() => socket.destroy(), PROBE_TIMEOUT_MS);
    let connected = false;
    socket.once('connect', () => {
      connected = true;
      socket.destroy();
    });
    socket.once('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(connected);
    });
  });
}

/** Probes until every port answers. @returns the ports that still do not when time is up */
export async function probeUntilListening(ports: readonly number[], timeoutMs: number, signal: AbortSignal): Promise<number[]> {
  const giveUpMs = performance.now() + timeoutMs;
  let missing = [...ports];
  while (missing.length > 0 && performance.now() < giveUpMs) {
    signal.throwIfAborted();
    const answers = await Promise.all(missing.map(probe));
    missing = missing.filter((_, index) => !answers[index]);
    if (missing.length > 0) await delay(100, undefined, { signal });
  }
  return missing;
}

/** Probes all ports again and again until stopped. */
export class Prober {
  /** Connections made. */
  probes = 0;
  #stopped = false;
  readonly #loop: Promise<void>;

  constructor(ports: readonly number[], everyMs = 100) {
    this.#loop = this.#run(ports, everyMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(ports: readonly number[], everyMs: number): Promise<void> {
    while (!this.#stopped) {
      const answers = await Promise.all(ports.map(probe));
      this.probes += answers.filter(Boolean).length;
      await delay(everyMs);
    }
  }
}
