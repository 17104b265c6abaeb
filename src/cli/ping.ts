// `hotlink ping`: round trips through the data path and the lane each took. Over the channels of the running daemon where there is one;
// otherwise over a channel made for it, which a peer's daemon answers that has a channel with us.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { AdminClient, registered } from '../admin/index.js';
import { requireIdentity } from '../config/index.js';
import type { PingResult } from '../control/ping.js';
import { createHotlink } from '../hotlink.js';
import { EXIT_OK, EXIT_UNAVAILABLE } from './exit-code.js';
import { type Interruption, onInterruption } from './interruption.js';
import { createLog, logLevel } from './log.js';
import { loadSettings } from './setting-flags.js';
import { durationText } from './terminal.js';

interface Flags {
  peer: string;
  channel?: string;
  count: number;
  interval: number;
  timeout: number;
  json?: boolean;
}

interface Round {
  rttMs?: number;
  lane?: string;
  channel?: string;
  error?: string;
}

/** Pings once. @throws HotlinkError as `Hotlink.ping` */
type Ping = () => Promise<PingResult>;

/** @returns the exit code */
export async function ping(command: Command): Promise<number> {
  const flags = command.opts<Flags>();
  using interruption = onInterruption();
  const daemon = await daemonFor(command);
  return daemon === undefined
    ? await alone(command, flags, interruption)
    : await rounds(overDaemon(daemon, flags, interruption.signal), flags, interruption);
}

/** The daemon of the data directory that was named, or a running one of this identity at this relay. */
async function daemonFor(command: Command): Promise<AdminClient | undefined> {
  const { dataDir, email, server } = loadSettings(command).values;
  const daemons = await registered();
  const dir = dataDir ?? daemons.find((one) => email === undefined || one.email === email)?.dataDir;
  if (dir === undefined) return undefined;
  try {
    const daemon = await AdminClient.find(dir);
    const report = await daemon.status();
    const meant = (server === undefined || server === report.server) && (email === undefined || email === report.email);
    return meant ? daemon : undefined;
  } catch (error) {
    // Not running: ping without it.
    if (error instanceof HotlinkError && error.code === 'ERR_HLNK_RELAY_UNAVAILABLE') return undefined;
    throw error;
  }
}

function overDaemon(daemon: AdminClient, { peer, channel, timeout }: Flags, signal: AbortSignal): Ping {
  const query = new URLSearchParams({ peer, timeout: String(timeout), ...(channel === undefined ? {} : { channel }) });
  return () => daemon.json<PingResult>(`/ping?${query}`, { method: 'POST', patienceMs: timeout + 5000, signal });
}

async function alone(command: Command, flags: Flags, interruption: Interruption): Promise<number> {
  const resolved = loadSettings(command);
  // Markers are for the daemon; a key of ours is wanted all the same.
  const { dataDir, ...options } = requireIdentity(resolved);
  const identityDir = dataDir === undefined ? {} : { identityDir: join(dataDir, '.syftbox') };
  await using link = createHotlink({ ...options, ...identityDir, log: createLog(logLevel(resolved.values, 'error')), threads: 1 });
  const fatal = new Promise<never>((_resolve, reject) => link.on('fatal', reject));
  fatal.catch(() => undefined);
  await link.start();
  const { peer, channel, timeout } = flags;
  const once: Ping = () =>
    Promise.race([
      fatal,
      link.ping({ peer, timeoutMs: timeout, signal: interruption.signal, ...(channel === undefined ? {} : { name: channel }) }),
    ]);
  return await rounds(once, flags, interruption);
}

async function rounds(once: Ping, { peer, count, interval, json }: Flags, interruption: Interruption): Promise<number> {
  const done: Round[] = [];
  for (let round = 0; round < count && !interruption.signal.aborted; round += 1) {
    if (round > 0) await pause(interval, undefined, { signal: interruption.signal }).catch(() => undefined);
    if (interruption.signal.aborted) break;
    const result = await one(once);
    if (interruption.signal.aborted) break;
    done.push(result);
    if (!json) process.stdout.write(`${line(peer, result)}\n`);
  }
  const times = done.flatMap(({ rttMs }) => rttMs ?? []).sort((a, b) => a - b);
  const lanes = [...new Set(done.flatMap(({ lane }) => lane ?? []))];
  const middle = times[Math.floor((times.length - 1) / 2)];
  if (json) {
    const times3 = { minMs: times[0] ?? null, medianMs: middle ?? null, maxMs: times.at(-1) ?? null };
    process.stdout.write(`${JSON.stringify({ peer, sent: done.length, answered: times.length, lanes, ...times3, rounds: done })}\n`);
  } else if (times.length > 0) {
    const figures = `fastest ${durationText(times[0] ?? 0)}, median ${durationText(middle ?? 0)}, slowest ${durationText(times.at(-1) ?? 0)}`;
    process.stdout.write(`${times.length} of ${done.length} answered over ${lanes.join(' and ')}; ${figures}\n`);
  } else process.stdout.write(`none of ${done.length} answered\n`);
  return interruption.exitCode ?? (times.length > 0 ? EXIT_OK : EXIT_UNAVAILABLE);
}

async function one(once: Ping): Promise<Round> {
  try {
    const { rttMs, lane, channel } = await once();
    return { rttMs, lane, channel };
  } catch (error) {
    // What will not be better a second later ends the command with its own code.
    if (!(error instanceof HotlinkError) || (error.code !== 'ERR_HLNK_PEER_UNAVAILABLE' && error.code !== 'ERR_HLNK_CLOSED')) throw error;
    return { error: error.message };
  }
}

function line(peer: string, { rttMs, lane, channel, error }: Round): string {
  return rttMs === undefined ? `no answer: ${error}` : `${peer}: ${durationText(rttMs)} over ${lane} (channel ${channel})`;
}
