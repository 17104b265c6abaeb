// The snapshot of a data plane that `status()` answers with, put together from what its parts know at this moment. Main thread.

import { readThreadHealth } from '../../native-free/index.js';
import type { ResolvedOptions } from '../resolved-options.js';
import type { Status, ThreadStatus } from '../status.js';
import type { Channels } from './channels.js';

export interface DataPlaneParts {
  options: ResolvedOptions;
  /** Unix ms. */
  startedMs: number;
  relay: Status['relay'];
  channels: Channels;
  /** Fingerprint of our key. */
  identity: string | undefined;
  ipc: Status['ipc'];
  /** Counters that no channel keeps. */
  totals: Pick<Status['totals'], 'markersRefused' | 'envelopesRefused' | 'opensRefused'>;
  events: Status['events'];
  /** Shared memory in which the threads say how they are. */
  health: SharedArrayBuffer;
}

export function dataPlaneSnapshot({ options, startedMs, relay, channels, identity, ipc, totals, events, health }: DataPlaneParts): Status {
  const statuses = [...channels.all()].map((channel) => channel.status());
  const { offers, answersOk, strictViolations, framesRefused, badSignals } = channels.totals();
  const timings = [...channels.all()].find((channel) => channel.timings.offerToDcOpenMs !== undefined)?.timings ?? {};
  return {
    email: options.email,
    server: options.server,
    ...(identity === undefined ? {} : { identity }),
    startedMs,
    nowMs: options.clock.unixMs(),
    mode: options.strict ? 'hotlink_p2p_strict' : 'hotlink_p2p',
    strict: options.strict,
    relay,
    channels: statuses,
    ipc,
    totals: {
      ...totals,
      p2pOffers: offers,
      p2pAnswersOk: answersOk,
      p2pAnswersErr: 0,
      strictViolations,
      framesRefused,
      badSignals,
    },
    threads: threadStatuses(health),
    timings,
    events,
  };
}

function threadStatuses(health: SharedArrayBuffer): ThreadStatus[] {
  const threads = readThreadHealth(health).sort((a, b) => a.threadId - b.threadId);
  const now = Date.now();
  let channels = 0;
  return threads.map(({ role, atMs, ...figures }) => {
    if (role === 'channel') channels += 1;
    return { name: role === 'channel' ? `channel-${channels}` : role, role, ...figures, ageMs: Math.max(0, now - atMs) };
  });
}
