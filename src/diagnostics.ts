// The names on `node:diagnostics_channel`, for monitoring that did not make the data plane. Nothing is built or published on a channel that
// nobody subscribes to. Main thread.

import diagnosticsChannel from 'node:diagnostics_channel';
import type { HotlinkError } from '../native-free/index.js';
import type { HotlinkEvent } from './events.js';

/** What is published on `node:diagnostics_channel`, by the name of the channel. */
export interface DiagnosticsMessages {
  /** `start()` was called. */
  'hotlink:start': { email: string };
  /** Everything of it is gone. */
  'hotlink:stop': { email: string };
  /** Something happened. */
  'hotlink:event': { email: string; event: HotlinkEvent };
  /** As {@link HotlinkEvents}' `fatal`. */
  'hotlink:fatal': { email: string; error: HotlinkError };
}

/** @param message made only when somebody listens */
export function publish<N extends keyof DiagnosticsMessages>(name: N, message: () => DiagnosticsMessages[N]): void {
  const channel = diagnosticsChannel.channel(name);
  if (channel.hasSubscribers) channel.publish(message());
}
