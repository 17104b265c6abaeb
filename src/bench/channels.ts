// `hotlink bench channels`: many channels between two daemons, first all idle with a live session each, then all busy at once.
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchOptions, type BenchResult, endWith, runInScene } from './bench-run.js';
import { mibPerSecond } from './burst-result.js';
import { startFleet } from './fleet-application.js';
import { framesFor } from './frame-source.js';
import { type ProcessUsage, usageOfAll } from './process-usage.js';
import type { Sandbox } from './sandbox.js';

export interface ChannelsOptions extends BenchOptions {
  channels: number;
  /** Payload over all channels, bytes; shared evenly. */
  totalBytes: number;
}

interface ChannelsFigures {
  channels: number;
  mibPerSecond: number;
  bytes: number;
  seconds: number;
  /** Memory that one idle channel with a live session takes, in one daemon. */
  idleRssBytesPerChannel: number;
  /** The same without a session: only its port is open. */
  listeningRssBytesPerChannel: number;
  /** Of one core, over both daemons, while every channel is idle. */
  idleCpuPercent: number;
  /** Processor seconds of both daemons per GiB carried. */
  cpuSecondsPerGib: number;
  /** Of one daemon, busy. */
  threads: number;
}

export type ChannelsResult = BenchResult & ChannelsFigures;

/** One byte each is enough for a session; this many make it a stream that is checked. */
const TOUCH_BYTES = 64;
/** From the last byte until handshakes and garbage are over, ms; then nothing happens for the other time while the processes' clocks are watched. */
const SETTLE_MS = 1000;
const IDLE_MS = 3000;

/** With this many channels every thread of a daemon has its WebRTC addon loaded: what more of them take is theirs alone. */
const BASE_CHANNELS = 4;

/** @throws only the signal's reason when aborted */
export async function runChannels(options: ChannelsOptions, signal: AbortSignal): Promise<ChannelsResult> {
  const { channels } = options;
  const base = channels > BASE_CHANNELS ? await idleOnly({ ...options, channels: BASE_CHANNELS }, signal) : undefined;
  const empty: ChannelsFigures = {
    channels,
    mibPerSecond: 0,
    bytes: 0,
    seconds: 0,
    idleRssBytesPerChannel: 0,
    listeningRssBytesPerChannel: 0,
    idleCpuPercent: 0,
    cpuSecondsPerGib: 0,
    threads: 0,
  };
  const result = await runInScene(
    'channels',
    options,
    channels,
    empty,
    async (sandbox, failures, ending) => {
      const idle = await idlePass(sandbox, options, failures, ending);
      if (failures.length > 0) return empty;
      const pids = pidsOf(sandbox);
      const before = usageOfAll(pids);
      let busy = before;
      const frames = framesFor(options.totalBytes / channels);
      const seconds = await pass(sandbox, { ...options, link: 'busy', frames, hold: false }, failures, ending, async () => {
        busy = usageOfAll(pids);
      });
      const bytes = failures.length === 0 ? frames.frameCount * frames.frameBytes * channels : 0;
      const perChannel = (now: number, then: number, more: number): number => Math.max(0, Math.round((now - then) / pids.length / more));
      const [first, more] = base === undefined ? [idle.listening, channels] : [base.live, channels - BASE_CHANNELS];
      return {
        ...empty,
        bytes,
        seconds: Math.round(seconds * 1000) / 1000,
        mibPerSecond: mibPerSecond(bytes, seconds),
        idleRssBytesPerChannel: perChannel(idle.live.rssBytes, first.rssBytes, more),
        listeningRssBytesPerChannel: base === undefined ? 0 : perChannel(idle.listening.rssBytes, base.listening.rssBytes, more),
        idleCpuPercent: Math.round((idle.cpuMs / IDLE_MS) * 1000) / 10,
        cpuSecondsPerGib: bytes === 0 ? 0 : Math.round((busy.cpuMs - before.cpuMs) / (bytes / 2 ** 30)) / 1000,
        threads: Math.round(busy.threads / pids.length),
      };
    },
    signal,
  );
  if (base !== undefined && !base.ok) result.failures.push(...base.failures);
  return { ...result, ok: result.failures.length === 0, exitCode: base?.ok === false && result.ok ? base.exitCode : result.exitCode };
}

interface Idle {
  /** Every port is open, nothing was carried. */
  listening: ProcessUsage;
  /** Every channel has a live session and carries nothing. */
  live: ProcessUsage;
  /** Processor time of both daemons within {@link IDLE_MS}. */
  cpuMs: number;
}

const NOTHING: ProcessUsage = { cpuMs: 0, rssBytes: 0, threads: 0 };

function idleOnly(options: ChannelsOptions, signal: AbortSignal): Promise<BenchResult & Idle> {
  const empty: Idle = { listening: NOTHING, live: NOTHING, cpuMs: 0 };
  return runInScene(
    'channels',
    options,
    options.channels,
    empty,
    (sandbox, failures, ending) => idlePass(sandbox, options, failures, ending),
    signal,
  );
}

async function idlePass(sandbox: Sandbox, options: ChannelsOptions, failures: string[], ending: AbortSignal): Promise<Idle> {
  const pids = pidsOf(sandbox);
  const idle: Idle = { listening: usageOfAll(pids), live: NOTHING, cpuMs: 0 };
  await pass(sandbox, { ...options, link: 'touch', frames: framesFor(TOUCH_BYTES), hold: true }, failures, ending, async () => {
    await delay(SETTLE_MS, undefined, { signal: ending });
    const before = usageOfAll(pids);
    await delay(IDLE_MS, undefined, { signal: ending });
    idle.live = usageOfAll(pids);
    idle.cpuMs = idle.live.cpuMs - before.cpuMs;
  });
  return idle;
}

const pidsOf = (sandbox: Sandbox): number[] => sandbox.parties.flatMap(({ pid }) => pid ?? []);

interface Pass {
  link: string;
  frames: ReturnType<typeof framesFor>;
  hold: boolean;
  channels: number;
  timeoutMs: number;
}

/** Every channel carries one stream. @returns seconds from the first write to the last verified byte */
async function pass(
  sandbox: Sandbox,
  { link, frames, hold, channels, timeoutMs }: Pass,
  failures: string[],
  ending: AbortSignal,
  arrived: () => Promise<void>,
): Promise<number> {
  const common = { host: '127.0.0.1', streams: channels, link, ...frames, hold, timeoutMs };
  const receiver = startFleet({ ...common, role: 'receive', ports: sandbox.links.map(({ to }) => to.port) });
  await receiver.ready;
  const sender = startFleet({ ...common, role: 'send', ports: sandbox.links.map(({ from }) => from.port) });
  const undo = endWith(ending, [receiver.child, sender.child]);
  try {
    const received = await receiver.report;
    if (!received.ok) await sender.child.stop();
    const sent = await sender.report;
    if (!sent.ok) failures.push(`sending: ${sent.error}`);
    if (!received.ok) failures.push(`receiving: ${received.error}`);
    if (!('endedMs' in sent) || !('endedMs' in received) || failures.length > 0) return 0;
    await arrived();
    return (received.endedMs - sent.startedMs) / 1000;
  } finally {
    for (const { child } of [sender, receiver]) child.endInput();
    await Promise.all([sender.child.exited, receiver.child.exited]);
    undo();
  }
}
