// How things look to a person: colours where the terminal shows them (NO_COLOR turns them off), numbers with units, ages, sparklines.

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof codes;

/** @returns a function that colours text, or leaves it alone where colours are not wanted */
export function painter(
  out: Output,
  env: Readonly<Record<string, string | undefined>> = process.env,
): (style: Style, text: string) => string {
  const colours = out.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return (style, text) => (colours ? `\x1b[${codes[style]}m${text}\x1b[0m` : text);
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 MiB` */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1.5 MiB/s`; a dash for nothing, so that what moves stands out. */
export function rateText(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '–' : `${bytesText(bytesPerSecond)}/s`;
}

/** `850 ms`, `3.2 s`, `4 m 10 s`, `2 h 5 m`, `3 d 4 h` */
export function durationText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

const bars = '▁▂▃▄▅▆▇█';

/** One character per value, scaled to the largest; a blank for zero. */
export function sparkline(values: readonly number[], cells: number): string {
  const shown = values.slice(-cells);
  const top = Math.max(...shown, 1);
  const line = shown.map((value) =>
    value <= 0 ? ' ' : (bars[Math.min(bars.length - 1, Math.floor((value / top) * bars.length))] as string),
  );
  return line.join('').padStart(cells);
}

/** How wide a text is once its colours are taken away. */
export function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
  return text.replaceAll(/\x1b\[\d+m/g, '').length;
}

/** Columns that line up whatever is coloured. @param rightAligned indices of the columns that hold numbers */
export function columns(rows: readonly (readonly string[])[], rightAligned: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - visibleLength(cell));
        return rightAligned.includes(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}
