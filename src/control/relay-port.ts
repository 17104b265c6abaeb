// What the data plane needs of whoever carries its control messages: the relay worker (relay-link.ts), or the embedding program's own
// signaling (signaling-link.ts). Types only; main thread.

import type { MessagePort } from 'node:worker_threads';
import type { HotlinkMessage } from '../../native-free/index.js';
import type { FromRelay, ToRelay } from '../../workers/messages.js';

export interface RelayPort {
  /** @param idStem constant part of the sender's message ids: names the channel's epoch */
  send(idStem: string, message: HotlinkMessage): void;
  post(message: ToRelay): void;
  /** Gives its thread a profile port (profiling.ts). @returns false when it is stopping, or has no thread */
  profile(port: MessagePort, intervalUs: number): boolean;
  /** Ends it, behind what was sent. */
  stop(): Promise<void>;
}

export interface RelayPortEvents {
  message(message: FromRelay): void;
  /** Nothing can be sent any more. */
  died(error: Error): void;
}
