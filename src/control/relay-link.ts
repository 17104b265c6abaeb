// The main thread's handle on the relay worker: starts it, sends control messages, binds sessions to shared rings. Main thread.

import { type MessagePort, Worker } from 'node:worker_threads';
import { HotlinkError, type HotlinkMessage, ownId } from '../../native-free/index.js';
import { RELAY_ENTRY } from '../../workers/entries.js';
import type { FromRelay, RelayWorkerData, ToRelay } from '../../workers/messages.js';
import type { RelayPort, RelayPortEvents } from './relay-port.js';

/**
 * What the relay worker needs to reach the event endpoint in our name (wire.md 1.1).
 * @param idStem constant part of our message ids
 * @param health where the thread says how it is doing
 * @throws HotlinkError `ERR_HLNK_CONFIG` when `server` is not an address
 */
export function relayWorkerData(
  server: string,
  email: string,
  token: string | undefined,
  idStem: string,
  health: SharedArrayBuffer,
): RelayWorkerData {
  return {
    url: eventsUrl(server, email),
    idStem,
    health,
    headers: {
      'X-Syft-WS-Encodings': 'msgpack,json',
      'X-Syft-User': email,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
  };
}

function eventsUrl(server: string, email: string): string {
  // Not repeated in the message: the log is no place for a password.
  if (/^\w+:\/\/[^/]*@/.test(server))
    throw new HotlinkError('ERR_HLNK_CONFIG', 'the relay address holds a user name or password; give a token in HOTLINK_TOKEN instead');
  const unusable = (cause?: unknown): HotlinkError =>
    new HotlinkError('ERR_HLNK_CONFIG', `"${server}" is not a relay address; give http://host:port`, cause === undefined ? {} : { cause });
  try {
    const url = new URL(server);
    // `localhost:8080` is a URL too, of the scheme `localhost`.
    if (!/^(?:https?|wss?):$/.test(url.protocol)) throw unusable();
    url.protocol = url.protocol.replace(/^http/, 'ws');
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/events`;
    url.search = '';
    url.searchParams.set('user', email);
    return url.href;
  } catch (error) {
    throw error instanceof HotlinkError ? error : unusable(error);
  }
}

export class RelayLink implements RelayPort {
  readonly #worker: Worker;
  readonly #gone: Promise<void>;
  #randomId = Math.floor(Math.random() * 0x1_0000_0000);
  #stopping = false;

  /** @param entry where the worker's module lies; undefined: where it lies in this package */
  constructor(data: RelayWorkerData, entry: URL | undefined, events: RelayPortEvents) {
    this.#worker = new Worker(entry ?? RELAY_ENTRY, { workerData: data, name: 'relay' });
    this.#worker.on('message', (message: FromRelay) => events.message(message));
    this.#worker.on('error', (error) => events.died(error));
    this.#gone = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        resolve();
        if (!this.#stopping) events.died(new Error(`the relay worker exited with code ${code}`));
      });
    });
  }

  /** @param idStem constant part of the sender's message ids: names the channel's epoch */
  send(idStem: string, message: HotlinkMessage): void {
    this.#randomId += 1;
    this.post({ t: 'send', id: ownId(idStem, this.#randomId), message });
  }

  post(message: ToRelay): void {
    this.#worker.postMessage(message);
  }

  /** Gives the thread a profile port (profiling.ts). @returns false when it is stopping */
  profile(port: MessagePort, intervalUs: number): boolean {
    if (!this.#stopping) this.#worker.postMessage({ t: 'profile', port, intervalUs } satisfies ToRelay, [port]);
    return !this.#stopping;
  }

  /** Closes the WebSocket behind what was sent and ends the thread. One that died is gone already. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ t: 'stop' });
    await this.#gone;
  }
}
