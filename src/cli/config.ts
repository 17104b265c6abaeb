// `hotlink config show` says where each value came from; `hotlink config check` only whether the sources can be used. Secrets are masked.
import type { Command } from 'commander';
import { table } from '../bench/text-table.js';
import { configJsonSchema, settings } from '../config/index.js';
import { EXIT_OK } from './exit-code.js';
import { loadSettings } from './setting-flags.js';

/** @returns the exit code */
export function configShow(command: Command): number {
  const { values, origins, warnings } = loadSettings(command);
  const shown = settings.map((row) => {
    const value = values[row.key];
    return { key: row.key, value: row.secret && value !== undefined ? 'MASKED' : withoutPassword(value), ...origins[row.key] };
  });
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (command.opts<{ json?: boolean }>().json) {
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  } else {
    const rows = shown.map(({ key, value, from, name }) => [key, valueText(value), name === undefined ? from : `${from} (${name})`]);
    process.stdout.write(`${table(['setting', 'value', 'from'], rows, [])}\n`);
  }
  return EXIT_OK;
}

/** The schema of a configuration file. @returns the exit code */
export function configSchema(): number {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return EXIT_OK;
}

/** @returns the exit code */
export function configCheck(command: Command): number {
  const { warnings } = loadSettings(command);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(command.opts<{ json?: boolean }>().json ? `${JSON.stringify({ ok: true, warnings })}\n` : 'ok\n');
  return EXIT_OK;
}

/** An address may have been given with a password in it. */
function withoutPassword(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPassword);
  return typeof value === 'string' ? value.replace(/(?<=:\/\/)[^\s/?#]*@/, 'MASKED@') : value;
}

function valueText(value: unknown): string {
  if (value === undefined) return '–';
  if (!Array.isArray(value)) return String(value);
  return value.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(',') || 'none';
}
