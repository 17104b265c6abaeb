// The settings table as commander options, and the three sources of a command line put together: flags, environment, configuration file.
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { type Resolved, type Row, resolveSettings, type Sources, settings } from '../config/index.js';

/**
 * Adds a flag for every setting that has one, and `--config`. A switch can also be turned off (`--no-strict`).
 * @param configEnv variable that names the configuration file
 */
export function addSettingFlags(command: Command, rows: readonly Row[] = settings, configEnv = 'HOTLINK_CONFIG'): Command {
  for (const row of rows) {
    if (row.flag === undefined) continue;
    command.addOption(new Option(row.flag, describe(row)));
    if (row.unit === 'switch') command.addOption(new Option(row.flag.replace('--', '--no-')).hideHelp());
  }
  return command.option('--config <file>', `configuration file, YAML or JSON (env: ${configEnv})`);
}

/**
 * Resolves the settings of a command that {@link addSettingFlags} prepared.
 * @throws HotlinkError ERR_HLNK_USAGE, ERR_HLNK_CONFIG
 */
export function loadSettings(command: Command): Resolved {
  return resolveSettings(sourcesOf(command, settings));
}

/**
 * What the command line, the environment and the configuration file say.
 * @throws HotlinkError ERR_HLNK_CONFIG for a file that cannot be read
 */
export function sourcesOf(command: Command, rows: readonly Row[], configEnv = 'HOTLINK_CONFIG'): Sources {
  const given = command.opts<Record<string, unknown>>();
  const flags = Object.fromEntries(
    rows.filter((row) => row.flag !== undefined).map((row) => [row.key, given[new Option(row.flag!).attributeName()]]),
  );
  const path = configPath(command, configEnv);
  return { flags, env: process.env, ...(path ? { file: { path, text: readConfig(path) } } : {}) };
}

/** @returns the configuration file that was named, if any */
export function configPath(command: Command, configEnv = 'HOTLINK_CONFIG'): string | undefined {
  return command.opts<{ config?: string }>().config ?? (process.env[configEnv] || undefined);
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_CONFIG', `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
}

function describe(row: Row): string {
  const facts = [row.range, row.env.length > 0 ? `env: ${row.env.map((name) => name.name).join(', ')}` : undefined].filter(Boolean);
  return `${row.meaning} (${facts.join('; ')})`;
}
