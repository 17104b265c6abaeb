// `hotlink bench stream`, `pingpong` and `channels`: the result on stdout, as a few lines or as the contract's JSON.
import type { Command } from 'commander';
import type { BenchOptions, BenchResult } from '../bench/bench-run.js';
import { runChannels } from '../bench/channels.js';
import { BENCH_LANES } from '../bench/lanes.js';
import { runPingpong } from '../bench/pingpong.js';
import { runStream } from '../bench/stream.js';
import type { BenchFlags, ChannelsFlags, PingpongFlags, StreamFlags } from './bench-flags.js';
import { onInterruption } from './interruption.js';

/** @returns the exit code */
export function stream(command: Command): Promise<number> {
  const flags = command.opts<StreamFlags>();
  const { count: frameCount, size: frameBytes, bothWays = false } = flags;
  return run(
    flags,
    (signal) => runStream({ ...commonOptions(flags), frameCount, frameBytes, bothWays }, signal),
    ({ mibPerSecond, seconds, bytes }) => [
      `${mibPerSecond.toFixed(1)} MiB/s${bothWays ? ', both directions together' : ''}: ${(bytes / 2 ** 20).toFixed(0)} MiB in ${seconds.toFixed(2)} s`,
    ],
  );
}

/** @returns the exit code */
export function pingpong(command: Command): Promise<number> {
  const flags = command.opts<PingpongFlags>();
  const { size: sizeBytes, rounds, nodelay } = flags;
  return run(
    flags,
    (signal) => runPingpong({ ...commonOptions(flags), sizeBytes, rounds, nagle: !nodelay }, signal),
    ({ p50Us, p90Us, p99Us, p999Us, maxUs, firstUs }) => [
      `${rounds} rounds of ${sizeBytes} bytes each way: p50 ${p50Us} µs, p90 ${p90Us}, p99 ${p99Us}, p99.9 ${p999Us}, longest ${maxUs}`,
      `the first round, which opened the session: ${(firstUs / 1000).toFixed(1)} ms`,
    ],
  );
}

/** @returns the exit code */
export function channels(command: Command): Promise<number> {
  const flags = command.opts<ChannelsFlags>();
  return run(
    flags,
    (signal) => runChannels({ ...commonOptions(flags), channels: flags.channels, totalBytes: flags.mib * 2 ** 20 }, signal),
    (result) => [
      `${result.channels} busy channels: ${result.mibPerSecond.toFixed(1)} MiB/s in all, ${result.cpuSecondsPerGib} processor seconds per GiB, ${result.threads} threads a daemon`,
      `idle with a live session: ${(result.idleRssBytesPerChannel / 2 ** 10).toFixed(0)} KiB a channel, ${result.idleCpuPercent} % of a core over both daemons`,
      `only listening: ${(result.listeningRssBytesPerChannel / 2 ** 10).toFixed(0)} KiB a channel`,
    ],
  );
}

async function run<R extends BenchResult>(
  flags: BenchFlags,
  work: (signal: AbortSignal) => Promise<R>,
  words: (result: R) => string[],
): Promise<number> {
  using interruption = onInterruption();
  try {
    const result = await work(interruption.signal);
    const { exitCode, ...value } = result;
    const text = result.ok
      ? [...words(result), `ok: every byte was right; carried by ${result.carriedBy}`].join('\n')
      : ['FAILED', ...result.failures.map((failure) => `  ${failure}`)].join('\n');
    process.stdout.write(`${flags.json ? JSON.stringify(value) : text}\n`);
    return exitCode;
  } catch (error) {
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    throw error;
  }
}

function commonOptions(flags: BenchFlags): BenchOptions {
  return {
    lane: flags.lane,
    strict: flags.strict ?? BENCH_LANES[flags.lane].strict,
    timeoutMs: flags.timeout * 1000,
    ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
    ...(flags.partyLog === undefined ? {} : { partyLogDir: flags.partyLog }),
  };
}
