// A relay's report as a person reads it: who is there, what flows, what waits, and what was refused.
import type { RelayReport } from '../admin/index.js';
import { bytesText, durationText, rateText, type Style } from './terminal.js';

type Paint = (style: Style, text: string) => string;

/** What is worth a line as soon as it has happened once, and what it means. */
const TROUBLES: readonly (readonly [keyof RelayReport['stats'], string])[] = [
  ['refusedTotal', 'connections refused: the relay was full'],
  ['refusedUser', 'connections refused: their user had too many'],
  ['refusedAddress', 'connections refused: their address had too many'],
  ['authFailures', 'requests without a good token, or from foreign pages'],
  ['authErrors', 'times authentication failed on this side'],
  ['slowRequests', 'requests that took too long to come'],
  ['badRequests', 'requests that were no HTTP, or TLS that failed'],
  ['largeBodies', 'requests with too large a body'],
  ['throttled', 'times a user was read no faster than it may send'],
  ['rateDisconnects', 'connections closed for sending too much for too long'],
  ['stuckDisconnects', 'recipients closed because they took nothing'],
  ['overflowDisconnects', 'recipients closed because all queues were full'],
  ['silentDisconnects', 'connections cut off because nothing was heard of them'],
  ['expiredDisconnects', 'connections closed because their token expired or was taken away'],
  ['messagesTooLarge', 'messages that were too large'],
  ['messagesTooFragmented', 'messages of too many fragments'],
  ['opensDenied', 'sessions refused by an ACL'],
  ['opensOverLimit', 'sessions refused: too many'],
  ['aclRefused', 'uploads of ACL files refused'],
];

export function relayLines({ relayServer, stats, rates, loop, nowMs, rssBytes }: RelayReport, paint: Paint): string[] {
  const { url, pid, version, dataDir, startedMs } = relayServer;
  const troubles = TROUBLES.filter(([key]) => Number(stats[key]) > 0).map(
    ([key, what]) => `${paint('yellow', '·')} ${Number(stats[key])} ${what}`,
  );
  return [
    `${paint('bold', `relay ${url}`)}  running for ${durationText(nowMs - startedMs)}, process ${pid}, hotlink ${version}, ${bytesText(rssBytes)}${stats.draining ? paint('red', ', draining') : ''}`,
    `data ${dataDir}`,
    '',
    `${count(stats.connections, 'connection')} of ${count(stats.users, 'user')}, ${count(stats.sessions, 'session')}, ${count(stats.aclRulesets, 'ACL file')}`,
    ...(stats.cluster === undefined ? [] : [clusterLine(stats.cluster, paint)]),
    `in ${rateText(rates.bytesIn)} (${rates.messagesIn} messages a second), out ${rateText(rates.bytesOut)} (${rates.messagesOut})`,
    `waiting ${bytesText(stats.bufferedBytes)}, at most ${bytesText(stats.maxBufferedBytes)} for one; not read: ${stats.pausedConnections} for slow recipients, ${stats.throttledConnections} for their rate`,
    `busy ${Math.round(loop.utilization * 100)} %, late p99 ${durationText(loop.delayP99Ms)}`,
    ...(troubles.length === 0 ? [] : ['', ...troubles]),
  ];
}

function clusterLine({ isServing, processes, remoteClients }: NonNullable<RelayReport['stats']['cluster']>, paint: Paint): string {
  if (!isServing) return paint('red', 'cut off from its cluster: clients are sent away until NATS is back');
  return `cluster of ${processes} ${processes === 1 ? 'process' : 'processes'}, ${count(remoteClients, 'connection')} at the others`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** One line, for logs and pipes. */
export function relayLine({ stats, rates, nowMs }: RelayReport): string {
  const clock = new Date(nowMs).toISOString().slice(11, 19);
  return `${clock} ${count(stats.connections, 'connection')}, ${count(stats.sessions, 'session')}, in ${rateText(rates.bytesIn)}, out ${rateText(rates.bytesOut)}, waiting ${bytesText(stats.bufferedBytes)}`;
}
