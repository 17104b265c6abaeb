// The settings table as Markdown, for the documentation. Generated, so that what is written cannot drift from what is read.
import type { Row } from './setting.js';
import { settings } from './table.js';

/** One Markdown table of every setting: key, flag, environment, default, range, memory, meaning. */
export function settingsMarkdown(of: readonly Row[] = settings): string {
  const rows = of.map((row) => [
    `\`${row.key}\``,
    row.flag ? `\`${row.flag}\`` : '–',
    row.env.map((name) => `\`${name.name}\``).join(', ') || '–',
    defaultText(row),
    row.range ?? '–',
    row.unit,
    row.memory ?? '–',
    row.meaning + (row.secret ? ' Secret: shown as MASKED.' : ''),
  ]);
  const head = ['key in a file', 'flag', 'environment', 'default', 'range', 'unit', 'memory it bounds', 'meaning'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n');
}

function defaultText(row: Row): string {
  if (row.defaultWords !== undefined) return row.defaultWords;
  if (row.default === undefined) return '–';
  return Array.isArray(row.default) ? row.default.join(',') : String(row.default);
}

/** A pipe inside a cell would end it. */
function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
