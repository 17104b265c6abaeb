// What keeps this daemon from working, or from working better, worst first, each in a sentence with the names to look for. Pure; runs in
// the browser.
import { bytesText, durationText } from '../../../quantities.js';
import type { ChannelReport, DaemonReport } from '../../report.js';
import { betterLanes } from './lanes.js';

export interface Trouble {
  tone: 'bad' | 'fair';
  /** `relay`, a thread, or a channel as `name with peer`. */
  where: string;
  text: string;
}

/** A loop this late is felt by people and by protocols, ms. */
export const LATE_MS = 100;
/** A thread that has said nothing for this long stands still, ms: it speaks every second. */
export const STILL_MS = 4000;
/** An application that has not taken this much reads more slowly than its peer sends, bytes: the first credit of a stream. */
const BACKLOG_BYTES = 1_048_576;

export function troubles(report: DaemonReport): Trouble[] {
  const found = [
    ...relayTrouble(report),
    ...report.threads.flatMap(threadTrouble),
    ...report.channels.flatMap(channelTroubles),
    ...ipcTroubles(report),
  ];
  return [...found.filter(({ tone }) => tone === 'bad'), ...found.filter(({ tone }) => tone === 'fair')];
}

function relayTrouble({ relay, nowMs }: DaemonReport): Trouble[] {
  if (relay.state === 'up') return [];
  const why = relay.lastError === undefined ? '' : `: ${relay.lastError}`;
  return [
    {
      tone: relay.state === 'connecting' ? 'fair' : 'bad',
      where: 'relay',
      text: `${relay.state} for ${durationText(nowMs - relay.since)}${why}`,
    },
  ];
}

function threadTrouble({ name, ageMs, delayP99Ms }: DaemonReport['threads'][number]): Trouble[] {
  if (ageMs > STILL_MS) return [{ tone: 'bad', where: `thread ${name}`, text: `stands still: silent for ${durationText(ageMs)}` }];
  if (delayP99Ms > LATE_MS)
    return [{ tone: 'fair', where: `thread ${name}`, text: `overloaded: timers come ${durationText(delayP99Ms)} late` }];
  return [];
}

/** Of one channel; `hotlink status` says the same. */
export function channelTroubles(channel: ChannelReport): Trouble[] {
  const { name, peer, problem, backlogBytes, counters } = channel;
  const where = `${name} with ${peer}`;
  const found: Trouble[] = [];
  if (problem !== undefined) found.push({ tone: 'bad', where, text: problem });
  else if (channel.lane === undefined && channel.sessions.some(({ state }) => state === 'opening'))
    found.push({ tone: 'fair', where, text: 'the peer has not accepted a session yet; is it running, and does it have this channel?' });
  for (const { lane, reason } of betterLanes(channel)) found.push({ tone: 'fair', where, text: `not over ${lane}: ${reason}` });
  if (counters.heldFrames > 0) found.push({ tone: 'fair', where, text: `${counters.heldFrames} frames wait for one that is missing` });
  if (backlogBytes > BACKLOG_BYTES)
    found.push({ tone: 'fair', where, text: `the local application has not taken ${bytesText(backlogBytes)}: it reads too slowly` });
  return found;
}

function ipcTroubles({ ipc }: DaemonReport): Trouble[] {
  return ipc.flatMap(({ directory, problem }) =>
    problem === undefined ? [] : [{ tone: 'bad', where: `ipc ${directory}`, text: problem }],
  );
}
