// `hotlink bench burst` and `hotlink demo`: the same run with different sizes. Progress on stderr, the result on stdout as a table or as the contract's JSON.
import type { Command } from 'commander';
import { runBurst } from '../bench/burst.js';
import { type BurstOptions, burstDefaults } from '../bench/burst-options.js';
import { BENCH_LANES } from '../bench/lanes.js';
import { Progress } from '../bench/progress.js';
import { burstReport } from '../bench/report.js';
import type { BurstFlags } from './burst-flags.js';
import { onInterruption } from './interruption.js';

/** @returns the exit code */
export async function burst(command: Command): Promise<number> {
  const flags = command.opts<BurstFlags>();
  const refuseWebrtc = flags.refuseWebrtc === true;
  return run(flags, {
    ...commonOptions(flags),
    lane: flags.lane,
    strict: flags.strict ?? (BENCH_LANES[flags.lane].strict && !refuseWebrtc),
    refuseWebrtc,
    frameBytes: flags.size,
    links: flags.links,
    bothWays: flags.bothWays === true,
    phases: [flags.concurrent ? 'concurrent' : 'sequential'],
    sha256: flags.sha256,
    timeoutMs: flags.timeout * 1000,
  });
}

/** @returns the exit code */
export async function demo(command: Command): Promise<number> {
  const flags = command.opts<BurstFlags>();
  return run(flags, { ...commonOptions(flags), phases: ['sequential', 'concurrent'], timeoutMs: 60_000 });
}

async function run(flags: BurstFlags, options: BurstOptions): Promise<number> {
  using interruption = onInterruption();
  const progress = new Progress(process.stderr);
  try {
    const result = await runBurst(options, progress.event, interruption.signal);
    progress.clear();
    const { exitCode, ...value } = result;
    process.stdout.write(`${flags.json ? JSON.stringify(value) : burstReport(result)}\n`);
    return exitCode;
  } catch (error) {
    progress.clear();
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    throw error;
  }
}

function commonOptions(flags: BurstFlags): BurstOptions {
  return {
    ...burstDefaults,
    frameCount: flags.count,
    ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
    ...(flags.chunk === undefined ? {} : { chunkBytes: flags.chunk }),
    ...(flags.partyLog === undefined ? {} : { partyLogDir: flags.partyLog }),
  };
}
