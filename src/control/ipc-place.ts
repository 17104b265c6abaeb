// Where the channels of an IPC directory run: on the thread of its host, which starts them when it is told. Stands where the supervisor
// stands for other channels. Main thread.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ToIpcHost } from '../../workers/messages.js';
import type { Place, Supervisor } from './supervisor.js';

export class IpcPlace implements Place {
  readonly #host: MessagePort;
  readonly #supervisor: Supervisor;

  constructor(host: MessagePort, supervisor: Supervisor) {
    this.#host = host;
    this.#supervisor = supervisor;
  }

  /** The channel dies with its host, which is noticed there. */
  start(task: Parameters<Place['start']>[0]): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const message: ToIpcHost = { t: 'channel', task: { ...task, port: port2, health: this.#supervisor.health } };
    this.#host.postMessage(message, [port2]);
    return port1;
  }
}
