// What stands at the top of the page: who this is, the relay, sums over all channels, the process. Pure; runs in the browser.
import { bytesText, durationText, rateText } from '../../../quantities.js';
import type { ThreadStatus } from '../../../status.js';
import type { DaemonReport } from '../../report.js';
import type { Tone } from './tone.js';
import { LATE_MS, STILL_MS } from './troubles.js';

export interface Overview {
  email: string;
  relay: { state: string; tone: Tone; detail: string };
  out: string;
  in: string;
  /** `3: 2 direct, 1 relay` */
  channels: string;
  /** The slowest of the channels that have something under way, else of all. */
  roundTrip: string;
  memory: string;
  /** Share of one core since the report before, all threads; a dash on the first. */
  processor: string;
  /** Version, process, uptime, data directory, identity key. */
  about: string;
}

export function overview(report: DaemonReport, before: DaemonReport | undefined): Overview {
  const { email, server, relay, nowMs, startedMs, daemon, channels, strict, identity } = report;
  const [out, received] = totalRates(report);
  const waited = relay.lastError === undefined || relay.state === 'up' ? '' : `: ${relay.lastError}`;
  return {
    email,
    relay: {
      state: relay.state,
      tone: relay.state === 'up' ? 'good' : relay.state === 'connecting' ? 'fair' : 'bad',
      detail: `${server}, for ${durationText(nowMs - relay.since)}${waited}`,
    },
    out: rateText(out),
    in: rateText(received),
    channels: channelsText(report),
    roundTrip: slowest(channels.map(({ rttMs }) => rttMs)),
    memory: bytesText(daemon.rssBytes),
    processor: processorText(report, before),
    about: `${daemon.verb}${strict ? ', strict' : ''}, running for ${durationText(nowMs - startedMs)}, process ${daemon.pid}, hotlink ${daemon.version}, Node.js ${daemon.node}, data in ${daemon.dataDir}${identity === undefined ? '' : `, identity key ${identity}`}`,
  };
}

/** Payload per second over all channels, bytes. @returns out, in */
export function totalRates({ channels }: DaemonReport): [out: number, received: number] {
  let [out, received] = [0, 0];
  for (const { rates } of channels) {
    out += rates?.txBytesPerSecond ?? 0;
    received += rates?.rxBytesPerSecond ?? 0;
  }
  return [out, received];
}

function channelsText({ channels }: DaemonReport): string {
  if (channels.length === 0) return 'none';
  const counts = new Map<string, number>();
  for (const { lane, problem } of channels) {
    const word = lane ?? (problem === undefined ? 'waiting' : 'in trouble');
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return `${channels.length}: ${[...counts].map(([word, count]) => `${count} ${word}`).join(', ')}`;
}

function slowest(roundTripsMs: readonly (number | undefined)[]): string {
  const known = roundTripsMs.filter((value) => value !== undefined);
  return known.length === 0 ? '–' : durationText(Math.max(...known));
}

function processorText({ daemon, nowMs }: DaemonReport, before: DaemonReport | undefined): string {
  if (before === undefined || before.daemon.pid !== daemon.pid || nowMs <= before.nowMs) return '–';
  const usedUs = daemon.cpuUserUs + daemon.cpuSystemUs - before.daemon.cpuUserUs - before.daemon.cpuSystemUs;
  return `${Math.round(usedUs / (nowMs - before.nowMs) / 10)} %`;
}

export interface ThreadView {
  name: string;
  /** 0…1 */
  busy: number;
  busyText: string;
  mean: string;
  p99: string;
  worst: string;
  state: string;
  tone: Tone;
}

export function threadView({ name, utilization, delayMeanMs, delayP99Ms, delayMaxMs, ageMs }: ThreadStatus): ThreadView {
  const [state, tone]: [string, Tone] =
    ageMs > STILL_MS ? [`silent for ${durationText(ageMs)}`, 'bad'] : delayP99Ms > LATE_MS ? ['late', 'fair'] : ['well', 'good'];
  return {
    name,
    busy: Math.min(1, Math.max(0, utilization)),
    busyText: `${Math.round(utilization * 100)} %`,
    mean: durationText(delayMeanMs),
    p99: durationText(delayP99Ms),
    worst: durationText(delayMaxMs),
    state,
    tone,
  };
}
