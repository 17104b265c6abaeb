// A result as tables: one per group, a row for each that took part, a column for each thing measured. For a terminal here, for the page in report.ts.
import { table } from '../src/bench/text-table.js';
import type { PerfResult } from './results.js';
import type { Series } from './series.js';

export interface Table {
  title: string;
  columns: { metric: string; unit: string }[];
  rows: { name: string; cells: (Series | undefined)[] }[];
}

export function tablesOf({ series, bench }: PerfResult): Table[] {
  const groups = new Map<string, Series[]>();
  for (const one of series) groups.set(one.group ?? bench, [...(groups.get(one.group ?? bench) ?? []), one]);
  return [...groups].map(([title, members]) => {
    const columns = distinct(members.map(({ metric, unit }) => ({ metric: metric ?? '', unit })));
    const rows = [...new Set(members.map(({ name }) => name))].map((name) => ({
      name,
      cells: columns.map(({ metric }) => members.find((one) => one.name === name && (one.metric ?? '') === metric)),
    }));
    return { title, columns, rows };
  });
}

/** Tables of medians with their spread, what compares them, what is missing, and where and when it was. */
export function text(result: PerfResult): string {
  const parts = tablesOf(result).map(({ title, columns, rows }) => {
    const head = [title, ...columns.map(({ metric, unit }) => (metric === '' || metric === unit ? unit : `${metric}, ${unit}`))];
    const lines = rows.map(({ name, cells }) => [name, ...cells.map((cell) => (cell === undefined ? '' : spread(cell)))]);
    return table(
      head,
      lines,
      columns.map((_, index) => index + 1),
    );
  });
  const ratios = Object.entries(result.ratios).map(([name, value]) => `${name}: ${value.toFixed(2)}`);
  if (ratios.length > 0) parts.push(ratios.join('\n'));
  const skipped = Object.entries(result.skipped ?? {}).map(([name, why]) => `not measured: ${name}: ${why}`);
  if (skipped.length > 0) parts.push(skipped.join('\n'));
  parts.push(provenance(result));
  return parts.join('\n\n');
}

export function provenance({ machine, at, commit, series }: PerfResult): string {
  const { cores, model, node, platform } = machine;
  const samples = Math.max(1, ...series.map((one) => one.samples.length));
  return `medians of ${samples} (lowest–highest); ${cores} cores of ${model}, Node ${node}, ${platform}; ${at.slice(0, 16).replace('T', ' ')} UTC, commit ${commit ?? 'unknown'}`;
}

/** Median, and between which values the samples lie when there are several. */
export function spread({ median, min, max, samples }: Series): string {
  return samples.length < 2 ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

/** Three digits that say something. */
export function number(value: number): string {
  if (value === 0) return '0';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
