// Keeps every run's JSON below perf/results (not in version control), named by benchmark and time, so that a figure can be traced to its machine.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../src/bench/machine.js';
import type { Series } from './series.js';

export interface PerfResult {
  bench: string;
  at: string;
  machine: Machine;
  parameters: Record<string, unknown>;
  series: Series[];
  /** Figures that compare series of this same run. */
  ratios: Record<string, number>;
}

/** @returns path of the file */
export async function keepResult(result: PerfResult): Promise<string> {
  const dir = fileURLToPath(new URL('../../perf/results/', import.meta.url));
  await mkdir(dir, { recursive: true });
  const path = `${dir}${result.bench}-${result.at.replaceAll(/[:.]/g, '-')}.json`;
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}
