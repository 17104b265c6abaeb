// The metrics of a daemon in OpenMetrics text: one table says name, meaning and value of each, and docs/metrics.md is generated from it.
// Labels: `peer` and `channel` name a channel as status does, `lane` a lane, `thread` a thread. Main thread.
import { LANE_KINDS } from '../../native-free/index.js';
import type { ChannelStatus, Status, ThreadStatus } from '../status.js';

export const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** @typeParam S what its samples are taken from */
export interface Metric<S = Status> {
  /** Without the `_total` that a counter's samples end with. */
  name: string;
  type: 'counter' | 'gauge' | 'info';
  unit?: 'bytes' | 'seconds' | 'ratio';
  help: string;
  labels: readonly string[];
  samples: (source: S) => Sample[];
}

const CHANNEL = ['peer', 'channel'] as const;

const ofChannel = ({ peer, name }: ChannelStatus): Labels => ({ peer, channel: name });
const perChannel =
  (value: (channel: ChannelStatus) => number | undefined) =>
  ({ channels }: Status): Sample[] =>
    channels.flatMap((channel) => {
      const number = value(channel);
      return number === undefined ? [] : [[ofChannel(channel), number] as const];
    });
const perThread =
  (value: (thread: ThreadStatus) => number) =>
  ({ threads }: Status): Sample[] =>
    threads.map((thread) => [{ thread: thread.name }, value(thread)] as const);
const once =
  (value: (status: Status) => number) =>
  (status: Status): Sample[] => [[{}, value(status)]];

function channelCounter(name: string, help: string, value: (channel: ChannelStatus) => number, unit?: Metric['unit']): Metric {
  return { name, type: 'counter', help, labels: CHANNEL, samples: perChannel(value), ...(unit === undefined ? {} : { unit }) };
}

function channelGauge(name: string, help: string, value: (channel: ChannelStatus) => number | undefined, unit?: Metric['unit']): Metric {
  return { name, type: 'gauge', help, labels: CHANNEL, samples: perChannel(value), ...(unit === undefined ? {} : { unit }) };
}

export const metrics: readonly Metric[] = [
  {
    name: 'hotlink_relay_up',
    type: 'gauge',
    help: '1 while the WebSocket to the relay is up.',
    labels: [],
    samples: once(({ relay }) => (relay.state === 'up' ? 1 : 0)),
  },
  {
    name: 'hotlink_channels',
    type: 'gauge',
    help: 'Channels there are.',
    labels: [],
    samples: once(({ channels }) => channels.length),
  },
  {
    name: 'hotlink_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Unix time at which the data plane was started.',
    labels: [],
    samples: once(({ startedMs }) => startedMs / 1000),
  },
  channelCounter('hotlink_tx_bytes', 'Payload sent, each byte once, without repeats.', ({ counters }) => counters.txBytes, 'bytes'),
  channelCounter('hotlink_rx_bytes', 'Payload received and delivered in order.', ({ counters }) => counters.rxBytes, 'bytes'),
  {
    name: 'hotlink_tx_frames',
    type: 'counter',
    help: 'Frames sent for the first time, by the lane that took them.',
    labels: [...CHANNEL, 'lane'],
    samples: ({ channels }) =>
      channels.flatMap((channel) => [
        [{ ...ofChannel(channel), lane: 'direct' }, channel.counters.txDirectPackets] as const,
        [{ ...ofChannel(channel), lane: 'webrtc' }, channel.counters.txP2pPackets - channel.counters.txDirectPackets] as const,
        [{ ...ofChannel(channel), lane: 'relay' }, channel.counters.txWsPackets] as const,
      ]),
  },
  channelCounter('hotlink_rx_frames', 'Frames received and delivered in order.', ({ counters }) => counters.rxPackets),
  {
    name: 'hotlink_lane_carries',
    type: 'gauge',
    help: '1 for the lane that carries the channel now, 0 for the others.',
    labels: [...CHANNEL, 'lane'],
    samples: ({ channels }) =>
      channels.flatMap((channel) => LANE_KINDS.map((lane) => [{ ...ofChannel(channel), lane }, channel.lane === lane ? 1 : 0] as const)),
  },
  channelCounter(
    'hotlink_fallbacks',
    'Times the relay had to carry because WebRTC did not come up in time.',
    ({ counters }) => counters.wsFallbacks,
  ),
  channelCounter('hotlink_strict_violations', 'Times strict mode found a fallback necessary.', ({ counters }) => counters.strictViolations),
  channelCounter('hotlink_retransmissions', 'Frames sent again because a lane lost them or died.', ({ counters }) => counters.retransmits),
  channelCounter('hotlink_duplicates', 'Frames received that were there already; dropped.', ({ counters }) => counters.duplicates),
  channelGauge(
    'hotlink_gap_frames',
    'Frames held because one before them is missing. Above 0 for long: a hole.',
    ({ counters }) => counters.heldFrames,
  ),
  channelCounter(
    'hotlink_refused_frames',
    'Frames that could not be used: damaged, foreign, or more than there is room for.',
    ({ counters }) => counters.framesRefused,
  ),
  channelCounter(
    'hotlink_broken_seals',
    'Sealed frames that were changed or forged on their way through the relay; each ends its session.',
    ({ counters }) => counters.sealBroken,
  ),
  channelCounter(
    'hotlink_sealed_repeats',
    'Sealed frames that the relay delivered again, or too late to tell; dropped.',
    ({ counters }) => counters.sealRepeats,
  ),
  channelCounter(
    'hotlink_stalls',
    'Times the lane was above its high watermark and the local socket was not read.',
    ({ counters }) => counters.gateStalls,
  ),
  channelCounter(
    'hotlink_chunk_steps',
    'Times a lane refused a frame as too large and frames were cut smaller.',
    ({ counters }) => counters.chunkSteps,
  ),
  channelCounter('hotlink_connections', 'Application connections that carried bytes.', ({ counters }) => counters.connections),
  channelCounter('hotlink_probes', 'Application connections that came and went without a byte.', ({ counters }) => counters.probes),
  channelCounter('hotlink_resets', 'Streams that were ended by a reset from this side.', ({ counters }) => counters.resets),
  channelCounter('hotlink_pings', 'Times the peer was asked where it stands.', ({ counters }) => counters.pings),
  channelCounter(
    'hotlink_hole_reports',
    'Times the peer was told of frames missing in the middle.',
    ({ counters }) => counters.holeReports,
  ),
  channelCounter(
    'hotlink_datagrams',
    'Small frames sent beside the data channel, as RTP packets of its connection.',
    ({ counters }) => counters.txDatagrams,
  ),
  channelCounter(
    'hotlink_datagrams_lost',
    'Of them, those that were sent again over the data channel.',
    ({ counters }) => counters.datagramsLost,
  ),
  channelCounter(
    'hotlink_lanes_suspected',
    'Times a lane was passed over because it had fallen silent.',
    ({ counters }) => counters.lanesSuspected,
  ),
  channelCounter(
    'hotlink_credit_breaches',
    'Times the peer sent more than its credit allowed, which costs it the stream.',
    ({ counters }) => counters.creditBreaches,
  ),
  channelCounter(
    'hotlink_direct_refused',
    'Connections to the direct lane’s port that were turned away.',
    ({ counters }) => counters.directRefused,
  ),
  channelGauge('hotlink_live_connections', 'Application connections open now.', ({ connections }) => connections),
  channelGauge('hotlink_open_streams', 'Streams open now, with or without an application.', ({ streams }) => streams),
  channelGauge('hotlink_in_flight_frames', 'Frames sent and not acknowledged.', ({ inFlightFrames }) => inFlightFrames),
  channelGauge('hotlink_window_bytes', 'Memory of the send windows.', ({ counters }) => counters.windowBytes, 'bytes'),
  channelGauge(
    'hotlink_lane_buffered_bytes',
    'Taken by the lane and not yet given to the network.',
    ({ laneBufferedBytes }) => laneBufferedBytes,
    'bytes',
  ),
  channelGauge(
    'hotlink_backlog_bytes',
    'Delivered and not taken by applications: they read too slowly.',
    ({ backlogBytes }) => backlogBytes,
    'bytes',
  ),
  channelGauge(
    'hotlink_round_trip_seconds',
    'Last measured round trip through the data path, queues included. Between hotlinks only.',
    ({ rttMs }) => (rttMs === undefined ? undefined : rttMs / 1000),
    'seconds',
  ),
  {
    name: 'hotlink_ring_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Bytes waiting in the ring between the channel’s thread and the relay worker.',
    labels: [...CHANNEL, 'direction'],
    samples: ({ channels }) =>
      channels.flatMap((channel) =>
        channel.ringBytes === undefined
          ? []
          : [
              [{ ...ofChannel(channel), direction: 'out' }, channel.ringBytes.out] as const,
              [{ ...ofChannel(channel), direction: 'in' }, channel.ringBytes.in] as const,
            ],
      ),
  },
  {
    name: 'hotlink_sessions',
    type: 'gauge',
    help: 'Sessions there are, by direction and by the state of their WebRTC connection.',
    labels: [...CHANNEL, 'direction', 'webrtc'],
    samples: ({ channels }) =>
      channels.flatMap((channel) => {
        const counts = new Map<string, [Labels, number]>();
        for (const { direction, webrtc } of channel.sessions) {
          const entry = counts.get(`${direction} ${webrtc}`) ?? [{ ...ofChannel(channel), direction, webrtc }, 0];
          entry[1] += 1;
          counts.set(`${direction} ${webrtc}`, entry);
        }
        return [...counts.values()];
      }),
  },
  {
    name: 'hotlink_webrtc_offers',
    type: 'counter',
    help: 'WebRTC offers sent.',
    labels: [],
    samples: once(({ totals }) => totals.p2pOffers),
  },
  {
    name: 'hotlink_refused_opens',
    type: 'counter',
    help: 'Sessions of peers that were refused.',
    labels: [],
    samples: once(({ totals }) => totals.opensRefused),
  },
  {
    name: 'hotlink_refused_markers',
    type: 'counter',
    help: 'Marker files that could not be used.',
    labels: [],
    samples: once(({ totals }) => totals.markersRefused),
  },
  {
    name: 'hotlink_event_loop_delay_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'By how much timers of the thread came late in the last second: mean, 99th percentile, worst.',
    labels: ['thread', 'value'],
    samples: ({ threads }) =>
      threads.flatMap(({ name, delayMeanMs, delayP99Ms, delayMaxMs }) => [
        [{ thread: name, value: 'mean' }, delayMeanMs / 1000] as const,
        [{ thread: name, value: 'p99' }, delayP99Ms / 1000] as const,
        [{ thread: name, value: 'max' }, delayMaxMs / 1000] as const,
      ]),
  },
  {
    name: 'hotlink_event_loop_utilization_ratio',
    type: 'gauge',
    unit: 'ratio',
    help: 'Share of the last second in which the event loop of the thread was busy.',
    labels: ['thread'],
    samples: perThread(({ utilization }) => utilization),
  },
  {
    name: 'hotlink_thread_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Age of what the thread last said of itself. Several seconds: it stands still.',
    labels: ['thread'],
    samples: perThread(({ ageMs }) => ageMs / 1000),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Resident memory of the process.',
    labels: [],
    samples: once(() => process.memoryUsage.rss()),
  },
  {
    name: 'process_cpu_seconds',
    type: 'counter',
    unit: 'seconds',
    help: 'Processor time of the process, all threads.',
    labels: [],
    samples: once(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
  },
];

/** @returns the exposition of every metric, ending with `# EOF` */
export function metricsText(status: Status): string {
  return exposition(metrics, status);
}

/** The exposition of any table of metrics. */
export function exposition<S>(table: readonly Metric<S>[], source: S): string {
  const lines: string[] = [];
  for (const { name, type, unit, help, samples } of table) {
    lines.push(`# TYPE ${name} ${type}`);
    if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`);
    lines.push(`# HELP ${name} ${escapeText(help)}`);
    const suffix = type === 'counter' ? '_total' : '';
    for (const [labels, value] of samples(source)) lines.push(`${name}${suffix}${labelText(labels)} ${numberText(value)}`);
  }
  lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

/** The table for the documentation. */
export function metricsMarkdown(table: readonly Pick<Metric, 'name' | 'type' | 'unit' | 'help' | 'labels'>[] = metrics): string {
  const rows = table.map(({ name, type, unit, help, labels }) => [
    `\`${name}${type === 'counter' ? '_total' : ''}\``,
    type,
    unit ?? '–',
    labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  const head = ['name', 'type', 'unit', 'labels', 'meaning'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeText(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)));
}
