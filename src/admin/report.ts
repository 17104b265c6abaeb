// What `GET /status` answers: the data plane's snapshot with what only the running daemon knows added (rates, the process). Other
// programs parse this: names stay, keys are only added. Main thread.
import type { ChannelStatus, Status } from '../status.js';
import type { ChannelRates, Rates } from './rates.js';

export interface DaemonFacts {
  pid: number;
  version: string;
  node: string;
  /** The verb: `up`, `forward`, `pipe`. */
  verb: string;
  dataDir: string;
  rssBytes: number;
  /** Processor time of the process so far, microseconds. */
  cpuUserUs: number;
  cpuSystemUs: number;
}

export interface ChannelReport extends ChannelStatus {
  rates: ChannelRates | undefined;
}

/** `hotlink status --json`. */
export interface DaemonReport extends Omit<Status, 'channels'> {
  daemon: DaemonFacts;
  channels: ChannelReport[];
}

export function daemonReport(status: Status, rates: Rates, facts: Pick<DaemonFacts, 'version' | 'verb' | 'dataDir'>): DaemonReport {
  const { user, system } = process.cpuUsage();
  return {
    ...status,
    daemon: {
      pid: process.pid,
      node: process.versions.node,
      ...facts,
      rssBytes: process.memoryUsage.rss(),
      cpuUserUs: user,
      cpuSystemUs: system,
    },
    channels: status.channels.map((channel) => ({ ...channel, rates: rates.of(channel.key) })),
  };
}

/** Whether the daemon can carry what comes: at the relay, and every channel that listens has its port. */
export function readiness(status: Status): { ready: boolean; reasons: string[] } {
  const reasons: string[] = [];
  if (status.relay.state !== 'up')
    reasons.push(`the relay is ${status.relay.state}${status.relay.lastError ? `: ${status.relay.lastError}` : ''}`);
  for (const channel of status.channels) {
    if ((channel.shape === 'rendezvous' || channel.shape === 'forward') && !channel.listening)
      reasons.push(`${channel.name} with ${channel.peer}: ${channel.problem ?? 'does not listen yet'}`);
  }
  return { ready: reasons.length === 0, reasons };
}
