// A daemon's report as a person reads it: what runs, which lane carries each channel and why, and what stands in the way of a better one.

import { type ChannelReport, channelTroubles, type DaemonReport } from '../admin/index.js';
import type { ThreadStatus } from '../status.js';
import { bytesText, columns, durationText, rateText, type Style, sparkline } from './terminal.js';

export type Paint = (style: Style, text: string) => string;

/** A loop this late is felt by people and by protocols, ms. */
const LATE_MS = 100;
/** A thread that has said nothing for this long stands still, ms. */
const STILL_MS = 4000;
const SPARK_CELLS = 20;

export interface TextOptions {
  paint: Paint;
  /** With sparklines. */
  sparks: boolean;
  /** How many recent events to show. */
  events: number;
}

export function reportLines(report: DaemonReport, options: TextOptions): string[] {
  const { paint } = options;
  return [
    ...headLines(report, paint),
    '',
    ...channelLines(report, options),
    ...ipcLines(report, paint),
    ...troubleLines(report, paint),
    '',
    ...threadLines(report.threads, paint),
    ...eventLines(report, options),
  ];
}

/** One line per channel without a table: for logs and pipes. */
export function plainLines(report: DaemonReport): string[] {
  const clock = new Date(report.nowMs).toISOString().slice(11, 19);
  const head = `${clock} relay ${report.relay.state}`;
  if (report.channels.length === 0) return [`${head}, no channels`];
  return report.channels.map((channel) => {
    const { rates, rttMs } = channel;
    const rtt = rttMs === undefined ? '' : `, round trip ${durationText(rttMs)}`;
    return `${head}, ${channel.name} with ${channel.peer}: ${laneWord(channel)}, out ${rateText(rates?.txBytesPerSecond ?? 0)}, in ${rateText(rates?.rxBytesPerSecond ?? 0)}${rtt}`;
  });
}

function headLines({ email, server, startedMs, nowMs, strict, relay, identity, daemon }: DaemonReport, paint: Paint): string[] {
  const state = relay.state === 'up' ? paint('green', 'up') : paint('red', relay.state);
  const why = relay.lastError === undefined || relay.state === 'up' ? '' : ` (${relay.lastError})`;
  return [
    `${paint('bold', email)}  running for ${durationText(nowMs - startedMs)}, process ${daemon.pid}, hotlink ${daemon.version}, ${bytesText(daemon.rssBytes)}${strict ? ', strict' : ''}`,
    `relay ${server}  ${state} for ${durationText(nowMs - relay.since)}${why}`,
    `data ${daemon.dataDir}`,
    ...(identity === undefined ? [] : [`identity ${identity}`]),
  ];
}

function channelLines({ channels, nowMs }: DaemonReport, { paint, sparks }: TextOptions): string[] {
  if (channels.length === 0) return [paint('yellow', 'no channels: no stream.tcp marker names this identity, and none was configured')];
  const head = [
    'channel',
    'peer',
    'shape',
    'address',
    'lane',
    'for',
    'streams',
    'sent',
    'received',
    'out',
    'in',
    'round trip',
    'in flight',
    'idle',
  ];
  if (sparks) head.push('last minute, out and in');
  const rows = channels.map((channel) => {
    const { rates, counters } = channel;
    const cells = [
      channel.name,
      channel.peer,
      channel.shape,
      channel.shape === 'dial' ? `→ ${channel.address}` : channel.listening ? channel.address : paint('red', channel.address),
      paintedLane(channel, paint),
      channel.laneSinceMs === undefined ? '' : durationText(nowMs - channel.laneSinceMs),
      String(channel.streams),
      bytesText(counters.txBytes),
      bytesText(counters.rxBytes),
      rateText(rates?.txBytesPerSecond ?? 0),
      rateText(rates?.rxBytesPerSecond ?? 0),
      channel.rttMs === undefined ? '–' : durationText(channel.rttMs),
      framesText(channel.inFlightFrames),
      durationText(nowMs - (rates?.idleSinceMs ?? channel.addedMs)),
    ];
    if (sparks)
      cells.push(
        `${sparkline(rates?.history.txBytesPerSecond ?? [], SPARK_CELLS)}│${sparkline(rates?.history.rxBytesPerSecond ?? [], SPARK_CELLS)}`,
      );
    return cells;
  });
  return columns([head.map((title) => paint('dim', title)), ...rows], [6, 7, 8, 9, 10, 11, 12, 13]);
}

function framesText(count: number): string {
  if (count === 0) return '–';
  return count === 1 ? '1 frame' : `${count} frames`;
}

function laneWord({ lane, sessions }: ChannelReport): string {
  if (lane === undefined) return sessions.some(({ state }) => state === 'opening') ? 'asking the peer' : 'no lane';
  const candidates = sessions.find((session) => session.lane === lane)?.candidates;
  return lane === 'webrtc' && candidates !== undefined ? `webrtc (${candidates.local}/${candidates.remote})` : lane;
}

function paintedLane(channel: ChannelReport, paint: Paint): string {
  const word = laneWord(channel);
  if (channel.lane === undefined) return paint('dim', word);
  return paint(channel.lane === 'relay' ? 'yellow' : 'green', word);
}

/** The directories where applications exchange frames; their peers' channels are above. */
function ipcLines({ ipc }: DaemonReport, paint: Paint): string[] {
  if (ipc.length === 0) return [];
  const head = ['directory', 'endpoint', 'consent', 'application', 'waiting', 'from it', 'to it', 'files'];
  const rows = ipc.map(({ directory, address, listening, problem, consent, counters }) => [
    directory,
    listening ? address : paint('red', problem ?? 'does not listen yet'),
    consent ? 'given' : paint('yellow', 'not given'),
    counters.applications > 0 ? 'connected' : paint('dim', 'away'),
    framesText(counters.waitingFrames),
    String(counters.framesFromApplication),
    String(counters.framesToApplication),
    `${counters.filesWritten} written, ${counters.filesReplayed} replayed`,
  ]);
  return ['', ...columns([head.map((title) => paint('dim', title)), ...rows], [4, 5, 6])];
}

/** Whatever keeps a channel from working, or from a better lane than it has. */
function troubleLines({ channels, relay }: DaemonReport, paint: Paint): string[] {
  const lines = channels
    .flatMap(channelTroubles)
    .map(({ tone, where, text }) => `${tone === 'bad' ? paint('red', '!') : paint('yellow', '·')} ${where}: ${text}`);
  if (relay.state === 'down')
    lines.unshift(`${paint('red', '!')} the relay is away: what goes peer to peer goes on, nothing new can be set up; it is dialled again`);
  return lines.length === 0 ? [] : ['', ...lines];
}

function threadLines(threads: readonly ThreadStatus[], paint: Paint): string[] {
  const rows = threads.map(({ name, utilization, delayP99Ms, delayMaxMs, ageMs }) => [
    name,
    `${Math.round(utilization * 100)} %`,
    delayP99Ms > LATE_MS ? paint('yellow', durationText(delayP99Ms)) : durationText(delayP99Ms),
    durationText(delayMaxMs),
    ageMs > STILL_MS ? paint('red', `silent for ${durationText(ageMs)}`) : '',
  ]);
  return columns([['thread', 'busy', 'late p99', 'worst', ''].map((title) => paint('dim', title)), ...rows], [1, 2, 3]);
}

function eventLines({ events }: DaemonReport, { events: count, paint }: TextOptions): string[] {
  if (count === 0 || events.length === 0) return [];
  const lines = events.slice(-count).map(({ atMs, what, fields }) => {
    const rest = Object.entries(fields).flatMap(([key, value]) => (value === undefined || value === '' ? [] : [`${key}=${String(value)}`]));
    return `${paint('dim', new Date(atMs).toISOString().slice(11, 19))} ${what} ${paint('dim', rest.join(' '))}`;
  });
  return ['', ...lines];
}
