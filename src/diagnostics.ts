// The names on `node:diagnostics_channel`, for monitoring that did not make the data plane. Nothing is built or published on a channel that
// nobody subscribes to. Main thread.

import diagnosticsChannel from 'node:diagnostics_channel';
import type { HotlinkError } from '../native-free/index.js';
import type { HotlinkEvent } from './events.js';

/**
 * Names of the diagnostics channels; part of the API. Each message names the identity it is about (`email`).
 *
 * - `hotlink:start` `{ email }`: `start()` was called
 * - `hotlink:stop` `{ email }`: everything of it is gone
 * - `hotlink:event` `{ email, event }`: one {@link HotlinkEvent}
 * - `hotlink:fatal` `{ email, error }`: as the `fatal` event
 */
export const DIAGNOSTICS_CHANNELS = {
  start: 'hotlink:start',
  stop: 'hotlink:stop',
  event: 'hotlink:event',
  fatal: 'hotlink:fatal',
} as const;

/** What is published, by channel name. */
export interface DiagnosticsMessages {
  /** `start()` was called. */
  'hotlink:start': { email: string };
  /** Everything of it is gone. */
  'hotlink:stop': { email: string };
  /** Something happened. */
  'hotlink:event': { email: string; event: HotlinkEvent };
  /** As the `fatal` event. */
  'hotlink:fatal': { email: string; error: HotlinkError };
}

/** @param message made only when somebody listens */
export function publish<N extends keyof DiagnosticsMessages>(name: N, message: () => DiagnosticsMessages[N]): void {
  const channel = diagnosticsChannel.channel(name);
  if (channel.hasSubscribers) channel.publish(message());
}
