// The snapshot of a data plane that `status()` answers with, put together from what its parts know at this moment. Main thread.

import type { ResolvedOptions } from '../resolved-options.js';
import type { Status } from '../status.js';
import type { Channels } from './channels.js';

export interface DataPlaneParts {
  options: ResolvedOptions;
  /** Unix ms. */
  startedMs: number;
  relay: Status['relay'];
  channels: Channels;
  /** Counters that no channel keeps. */
  totals: Pick<Status['totals'], 'markersRefused' | 'envelopesRefused' | 'opensRefused'>;
  events: Status['events'];
}

export function dataPlaneSnapshot({ options, startedMs, relay, channels, totals, events }: DataPlaneParts): Status {
  const statuses = [...channels.all()].map((channel) => channel.status());
  const timings = [...channels.all()].find((channel) => channel.timings.offerToDcOpenMs !== undefined)?.timings ?? {};
  return {
    email: options.email,
    server: options.server,
    startedMs,
    nowMs: Date.now(),
    mode: options.strict ? 'hotlink_p2p_strict' : 'hotlink_p2p',
    strict: options.strict,
    relay,
    channels: statuses,
    totals: {
      ...totals,
      p2pOffers: channels.total('offers'),
      p2pAnswersOk: channels.total('answersOk'),
      p2pAnswersErr: 0,
      strictViolations: channels.total('strictViolations'),
      framesRefused: channels.total('framesRefused'),
      badSignals: channels.total('badSignals'),
    },
    timings,
    events,
  };
}
