// How things look to a person: colours where the terminal shows them (NO_COLOR turns them off), sparklines.

export { bytesText, durationText, rateText } from '../quantities.js';

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
