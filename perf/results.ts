// What a benchmark found, and where it is kept: every run's JSON below perf/results, named by benchmark and time, with machine and commit, so that a
// figure can be traced. The report is made from these files.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Machine, machine } from '../src/bench/machine.js';
import type { Series } from './series.js';

export interface PerfResult {
  bench: string;
  at: string;
  machine: Machine;
  /** Of the source that was measured; `+` when the work tree had changes. */
  commit?: string;
  parameters: Record<string, unknown>;
  series: Series[];
  /** Figures that compare series of this same run. */
  ratios: Record<string, number>;
  /** What did not take part, and why. */
  skipped?: Record<string, string>;
}

const root = new URL('../../', import.meta.url);
const folder = fileURLToPath(new URL('perf/results/', root));

/** A result of this moment on this machine. */
export function result(
  bench: string,
  parameters: Record<string, unknown>,
  found: Pick<PerfResult, 'series' | 'ratios' | 'skipped'>,
): PerfResult {
  return { bench, at: new Date().toISOString(), machine: machine(), commit: commit(), parameters, ...found };
}

/** @returns path of the file */
export async function keepResult(kept: PerfResult): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = `${folder}${kept.bench}-${kept.at.replaceAll(/[:.]/g, '-')}.json`;
  await writeFile(path, `${JSON.stringify(kept, null, 1)}\n`);
  return path;
}

/** Everything that was kept, in no order. */
export async function keptResults(): Promise<PerfResult[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((one) => one.endsWith('.json'));
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(`${folder}${name}`, 'utf8')) as PerfResult));
}

/** The newest result of each benchmark. */
export function newestOf(results: readonly PerfResult[]): PerfResult[] {
  const newest = new Map<string, PerfResult>();
  for (const one of results) {
    const known = newest.get(one.bench);
    if (known === undefined || known.at < one.at) newest.set(one.bench, one);
  }
  return [...newest.values()];
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: fileURLToPath(root), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
