// `npm run flame -- NAME`: one run of ours with a CPU profile of every thread of both ends, drawn by 0x: perf/results/flame/NAME/near-channel-1.html and
// so on. Where Linux's `perf` is installed, also one of every native thread (the addon's, libuv's), which no JavaScript profile shows.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { burstDefaults } from '../src/bench/burst-options.js';
import { BENCH_LANE_NAMES, type BenchLane } from '../src/bench/lanes.js';
import { threadCpuMs } from '../src/bench/process-usage.js';
import { table } from '../src/bench/text-table.js';
import { onInterruption } from '../src/cli/interruption.js';
import { warmUp } from './benches/burst.js';
import { hotlink } from './contenders/hotlink.js';
import { NativeProfile, nativeProfileUnavailable } from './native-profile.js';
import { LOOPBACK } from './place.js';
import { exchange, fleet, type OpenRoute, rounds, transfer, withRoute } from './runs.js';

const FRAMES = 300;
const { frameBytes } = burstDefaults;
const folder = fileURLToPath(new URL('../../perf/results/flame/', import.meta.url));

const RUNS: Readonly<Record<string, (route: OpenRoute) => Promise<unknown>>> = {
  burst: (route) => transfer(route, { link: 'flame', frameCount: FRAMES, frameBytes }),
  'both-ways': (route) => exchange(route, { link: 'flame', frameCount: FRAMES / 2, frameBytes }),
  keyswap: (route) => rounds(route, { messageBytes: 5 * 1_572_924, rounds: 30, warmUp: 1, lengthFirst: false }),
  pingpong: (route) => rounds(route, { messageBytes: 64, rounds: 10_000, warmUp: 500, lengthFirst: false }),
  nagle: (route) => rounds(route, { messageBytes: 1024, rounds: 3000, warmUp: 100, lengthFirst: true }, false),
  fleet: (route) => fleet(route, 64, { link: 'flame', frameCount: 1, frameBytes: 8_000_000 }),
};

const program = new Command('flame')
  .description('the same run with a flame graph per thread, named main, relay and channel-N')
  .argument('<name>', Object.keys(RUNS).join(', '))
  .addOption(new Option('--lane <lane>', 'what carries').choices([...BENCH_LANE_NAMES]).default('webrtc'))
  .action((name: string, flags: { lane: BenchLane }) => flame(name, flags.lane));
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
await program.parseAsync();

async function flame(name: string, lane: BenchLane): Promise<void> {
  const run = RUNS[name];
  if (run === undefined) {
    process.stderr.write(`flame: "${name}" is none of ${Object.keys(RUNS).join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  using interruption = onInterruption();
  const dir = join(folder, `${name}-${lane}`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const why = nativeProfileUnavailable();
  if (why !== undefined) process.stderr.write(`no native threads: ${why}\n`);
  const roles = new Map<number, string>();
  const spent: Spent[] = [];
  const contender = hotlink({
    lane,
    profileDir: dir,
    onProfiled: (end, threads) => {
      for (const { role, tid } of threads) if (tid !== undefined) roles.set(tid, `${end} ${role}`);
    },
  });
  try {
    let native: NativeProfile | undefined;
    await withRoute(contender, LOOPBACK, interruption.signal, async (route) => {
      await warmUp(route);
      // The relay's process first, then the far end, which was started before the near one.
      const ends = { far: route.pids[1] as number, near: route.pids[2] as number };
      const before = { near: threadCpuMs(ends.near), far: threadCpuMs(ends.far) };
      if (why === undefined) native = NativeProfile.start(ends, dir);
      await run(route);
      for (const end of ['near', 'far'] as const) {
        for (const [tid, ms] of threadCpuMs(ends[end])) spent.push({ end, tid, ms: ms - (before[end].get(tid) ?? 0) });
      }
      await native?.stop();
    });
    native?.write(roles);
    draw(dir);
    process.stdout.write(`${table(['end', 'thread', 'ms', '% of its process'], shares(spent, roles), [2, 3])}\n\n`);
    const pages = readdirSync(dir).filter((file) => file.endsWith('.html'));
    process.stdout.write(`${pages.map((file) => join(dir, file)).join('\n')}\n`);
  } catch (error) {
    process.stderr.write(`flame: ${(error as Error).message}\n`);
    process.exitCode = interruption.exitCode ?? 1;
  }
}

interface Spent {
  end: 'near' | 'far';
  tid: number;
  ms: number;
}

/** Processor time of each thread, most first; those that did next to nothing are left out. */
function shares(spent: readonly Spent[], roles: ReadonlyMap<number, string>): string[][] {
  return (['near', 'far'] as const).flatMap((end) => {
    const own = spent.filter((one) => one.end === end).sort((a, b) => b.ms - a.ms);
    const totalMs = own.reduce((sum, { ms }) => sum + ms, 0);
    return own
      .filter(({ ms }) => ms >= totalMs / 100)
      .map(({ tid, ms }) => [
        end,
        roles.get(tid)?.slice(end.length + 1) ?? `native thread ${tid}`,
        String(ms),
        ((ms / totalMs) * 100).toFixed(1),
      ]);
  });
}

/** Every .cpuprofile becomes a page beside it. 0x draws into a folder of its own. */
function draw(dir: string): void {
  const script = join(dirname(createRequire(import.meta.url).resolve('0x/package.json')), 'cmd.js');
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.cpuprofile'))) {
    const page = file.replace(/\.cpuprofile$/, '');
    const args = [script, '--silent', '--visualize-cpu-profile', file, '--output-dir', '.', '--output-html', `${page}.html`];
    execFileSync(process.execPath, args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
    if (!existsSync(join(dir, `${page}.html`))) throw new Error(`0x drew nothing of ${file}`);
  }
}
