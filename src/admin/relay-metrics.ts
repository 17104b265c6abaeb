// The metrics of a relay in OpenMetrics text; docs/relay-metrics.md is generated from this table. Main thread.
import type { RelayStats } from '../relay/index.js';
import { exposition, type Metric, type Sample } from './metrics.js';

/** What a scrape sees. */
export interface RelayFigures {
  readonly stats: RelayStats;
  readonly startedMs: number;
  /** By how much timers came late in the last second, ms, and the share of it that the event loop was busy. */
  readonly delayP99Ms: number;
  readonly utilization: number;
}

type RelayMetric = Metric<RelayFigures>;

function counter(name: string, help: string, value: (stats: RelayStats) => number, unit?: Metric['unit']): RelayMetric {
  const samples = ({ stats }: RelayFigures): Sample[] => [[{}, value(stats)]];
  return { name: `hotlink_relay_${name}`, type: 'counter', help, labels: [], samples, ...(unit === undefined ? {} : { unit }) };
}

function gauge(name: string, help: string, value: (figures: RelayFigures) => number, unit?: Metric['unit']): RelayMetric {
  const samples = (figures: RelayFigures): Sample[] => [[{}, value(figures)]];
  return { name: `hotlink_relay_${name}`, type: 'gauge', help, labels: [], samples, ...(unit === undefined ? {} : { unit }) };
}

/** One counter with a label. */
function counters(name: string, label: string, help: string, values: (stats: RelayStats) => Record<string, number>): RelayMetric {
  const samples = ({ stats }: RelayFigures): Sample[] => Object.entries(values(stats)).map(([word, value]) => [{ [label]: word }, value]);
  return { name: `hotlink_relay_${name}`, type: 'counter', help, labels: [label], samples };
}

/** Only a process of a cluster has it. */
function ofCluster(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  value: (cluster: ClusterFigures) => number,
  unit?: Metric['unit'],
): RelayMetric {
  const samples = ({ stats: { cluster } }: RelayFigures): Sample[] => (cluster === undefined ? [] : [[{}, value(cluster)]]);
  return { name: `hotlink_relay_cluster_${name}`, type, help, labels: [], samples, ...(unit === undefined ? {} : { unit }) };
}

type ClusterFigures = NonNullable<RelayStats['cluster']>;

export const relayMetrics: readonly RelayMetric[] = [
  gauge('start_time_seconds', 'Unix time at which the relay was started.', ({ startedMs }) => startedMs / 1000, 'seconds'),
  gauge('draining', '1 while the relay sends its clients away.', ({ stats }) => (stats.draining ? 1 : 0)),
  gauge('connections', 'WebSocket connections there are.', ({ stats }) => stats.connections),
  gauge('users', 'Users with a connection.', ({ stats }) => stats.users),
  gauge('sessions', 'Sessions there are.', ({ stats }) => stats.sessions),
  gauge('acl_files', 'ACL files in force.', ({ stats }) => stats.aclRulesets),
  gauge('queued_bytes', 'Waiting for all recipients.', ({ stats }) => stats.bufferedBytes, 'bytes'),
  gauge('longest_queue_bytes', 'Waiting for the recipient with the most.', ({ stats }) => stats.maxBufferedBytes, 'bytes'),
  gauge('paused_connections', 'Connections not read because a recipient has too much waiting.', ({ stats }) => stats.pausedConnections),
  gauge('throttled_connections', 'Connections not read because their user has sent too much.', ({ stats }) => stats.throttledConnections),
  counter('accepted_connections', 'WebSocket connections let in.', (stats) => stats.connectionsTotal),
  counters(
    'refused_connections',
    'reason',
    'Connections refused for want of room, by the limit; or because the relay is drained.',
    (stats) => ({
      total: stats.refusedTotal,
      user: stats.refusedUser,
      address: stats.refusedAddress,
      draining: stats.refusedDraining,
    }),
  ),
  counter('auth_failures', 'Requests refused: no or a bad token, a foreign page.', (stats) => stats.authFailures),
  counter('auth_errors', 'Times authentication failed on this side or took too long.', (stats) => stats.authErrors),
  counter('slow_requests', 'Requests that took too long to come.', (stats) => stats.slowRequests),
  counter('bad_requests', 'Requests that are no HTTP or have too large a head; TLS that fails.', (stats) => stats.badRequests),
  counter('large_bodies', 'Requests with too large a body.', (stats) => stats.largeBodies),
  counter('throttled_requests', 'Requests refused for their user’s rate.', (stats) => stats.requestsThrottled),
  counter('received_messages', 'Messages received.', (stats) => stats.messagesIn),
  counter('received_bytes', 'Bytes in them.', (stats) => stats.bytesIn, 'bytes'),
  counter('sent_messages', 'Messages sent.', (stats) => stats.messagesOut),
  counter('sent_bytes', 'Bytes in them.', (stats) => stats.bytesOut, 'bytes'),
  counters(
    'bad_messages',
    'code',
    'Messages that cost their connection, by close code: 1009 too large, 1008 too many fragments, 1002 no WebSocket.',
    (stats) => ({
      1009: stats.messagesTooLarge,
      1008: stats.messagesTooFragmented,
      1002: stats.protocolErrors,
    }),
  ),
  counter('bad_envelopes', 'Messages that could not be decoded; passed over.', (stats) => stats.badEnvelopes),
  counter('ignored_messages', 'Messages of a kind that no client has any business sending; passed over.', (stats) => stats.ignoredMessages),
  counter('throttled', 'Times a connection was not read on because its user had sent too much.', (stats) => stats.throttled),
  counter('rate_disconnects', 'Connections closed because that went on for too long.', (stats) => stats.rateDisconnects),
  counter('pauses', 'Times a sender was not read on because a recipient had too much waiting.', (stats) => stats.pauses),
  counter('stuck_disconnects', 'Recipients closed because they took nothing.', (stats) => stats.stuckDisconnects),
  counter('overflow_disconnects', 'Recipients closed because all queues together were full.', (stats) => stats.overflowDisconnects),
  counter('silent_disconnects', 'Connections cut off because nothing was heard of them.', (stats) => stats.silentDisconnects),
  counter(
    'cut_off_disconnects',
    'Clients disconnected because this process was cut off from its cluster.',
    (stats) => stats.cutOffDisconnects,
  ),
  counter('expired_disconnects', 'Connections closed because their token expired or was taken away.', (stats) => stats.expiredDisconnects),
  counter('opens', 'Sessions opened.', (stats) => stats.opens),
  counters('refused_opens', 'reason', 'Sessions refused.', (stats) => ({
    denied: stats.opensDenied,
    'bad-path': stats.opensBadPath,
    'bad-sid': stats.opensBadSid,
    'sid-taken': stats.opensSidTaken,
    'over-limit': stats.opensOverLimit,
  })),
  counter('accepts', 'Sessions accepted.', (stats) => stats.accepts),
  counter('refused_accepts', 'Accepts refused.', (stats) => stats.acceptsRefused),
  counter('forwarded_data', 'Data handed to recipients.', (stats) => stats.dataForwarded),
  counter('forwarded_data_unchanged', 'Of these, handed on as the very bytes that came.', (stats) => stats.dataForwardedRaw),
  counters(
    'dropped_data',
    'reason',
    'Data that no rule lets through: no such session, not its opener, not its path, nobody accepted, the recipient may not read.',
    (stats) => ({
      'unknown-session': stats.dataUnknownSession,
      'not-opener': stats.dataNotOpener,
      'foreign-path': stats.dataForeignPath,
      'not-accepted': stats.dataNotAccepted,
      denied: stats.dataDenied,
    }),
  ),
  counter('strangers', 'Rejects, Closes and Signals from who has no part in the session; passed over.', (stats) => stats.strangers),
  counter('sessions_expired', 'Sessions forgotten because their opener stayed away.', (stats) => stats.sessionsExpired),
  counter('sessions_evicted', 'Sessions that nobody had accepted, forgotten to make room.', (stats) => stats.sessionsEvicted),
  counter('acl_updates', 'ACL files replaced by upload.', (stats) => stats.aclUpdates),
  counter('acl_refused', 'Uploads of ACL files refused.', (stats) => stats.aclRefused),
  counter('stun_requests', 'STUN questions answered.', (stats) => stats.stunRequests),
  counter('stun_ignored', 'Datagrams to the STUN port that are none.', (stats) => stats.stunIgnored),
  ofCluster('processes', 'gauge', 'Processes of the cluster, this one included.', ({ processes }) => processes),
  ofCluster('remote_clients', 'gauge', 'Clients at other processes of the cluster.', ({ remoteClients }) => remoteClients),
  ofCluster(
    'outstanding_bytes',
    'gauge',
    'Bytes for other processes that they have not acknowledged.',
    ({ outstandingBytes }) => outstandingBytes,
    'bytes',
  ),
  ofCluster('resent', 'counter', 'Messages between processes that were sent again.', ({ resent }) => resent),
  ofCluster('gaps', 'counter', 'Gaps seen between processes; repaired.', ({ gaps }) => gaps),
  gauge(
    'event_loop_delay_seconds',
    'By how much timers came late in the last second, 99th percentile.',
    ({ delayP99Ms }) => delayP99Ms / 1000,
    'seconds',
  ),
  gauge(
    'event_loop_utilization_ratio',
    'Share of the last second in which the relay was busy; at 1 it can carry no more.',
    ({ utilization }) => utilization,
    'ratio',
  ),
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Resident memory of the process.',
    labels: [],
    samples: () => [[{}, process.memoryUsage.rss()]],
  },
  {
    name: 'process_cpu_seconds',
    type: 'counter',
    unit: 'seconds',
    help: 'Processor time of the process.',
    labels: [],
    samples: () => {
      const { user, system } = process.cpuUsage();
      return [[{}, (user + system) / 1e6]];
    },
  },
];

/** @returns the exposition of every metric of a relay, ending with `# EOF` */
export function relayMetricsText(figures: RelayFigures): string {
  return exposition(relayMetrics, figures);
}
