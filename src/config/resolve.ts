// Flag > environment > configuration file > default, for every row of the settings table, with the origin of each value kept.
// Pure: the environment and the file's text are arguments. Only the command line calls this; the library reads nothing by itself.
import { HotlinkError } from '../../native-free/errors.js';
import type { HotlinkSettings } from '../options.js';
import { parseConfigFile } from './file.js';
import type { Row } from './setting.js';
import { settings } from './table.js';
import type { ValueKey, Values } from './values.js';

export interface Sources {
  /** Flag values by setting key: text as typed, or a boolean for a switch. */
  flags?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string | undefined>>;
  file?: { path: string; text: string };
}

export interface Origin {
  from: 'flag' | 'environment' | 'file' | 'default';
  /** The flag, variable or file. */
  name?: string;
}

export interface Resolved {
  values: Values;
  /** Without `email` and `server` when nothing gave them; {@link requireIdentity} insists on them. */
  options: Partial<HotlinkSettings>;
  origins: Record<ValueKey, Origin>;
  /** What was not taken as written, one sentence each. */
  warnings: string[];
}

/**
 * Merges all sources.
 * @throws HotlinkError ERR_HLNK_USAGE for a flag that cannot be read, ERR_HLNK_CONFIG for a bad file
 */
export function resolveSettings(sources: Sources): Resolved {
  const file = sources.file ? parseConfigFile(sources.file.text, sources.file.path) : {};
  const resolved = resolveRows(settings, sources, file as Readonly<Record<string, unknown>>);
  const { values, warnings } = resolved;
  const origins = resolved.origins as Record<ValueKey, Origin>;
  // Who says how large frames are means all of them.
  if (origins.chunkBytes.from !== 'default' && origins.ownChunkBytes.from === 'default') {
    values.ownChunkBytes = values.chunkBytes;
    origins.ownChunkBytes = origins.chunkBytes;
  }
  return { values: values as unknown as Values, options: optionsOf(values as unknown as Values), origins, warnings };
}

/** What came of a table of settings. */
export interface ResolvedRows {
  values: Record<string, unknown>;
  origins: Record<string, Origin>;
  warnings: string[];
}

/**
 * Merges all sources of one table.
 * @param file what its parser made of the configuration file
 * @throws HotlinkError ERR_HLNK_USAGE for a flag that cannot be read
 */
export function resolveRows(rows: readonly Row[], sources: Sources, file: Readonly<Record<string, unknown>>): ResolvedRows {
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const row of rows) {
    const found = fromFlag(row, sources.flags ?? {}) ?? fromEnv(row, sources.env ?? {}, warnings);
    if (found) {
      values[row.key] = found.value;
      origins[row.key] = found.origin;
    } else if (file[row.key] !== undefined) {
      values[row.key] = file[row.key];
      origins[row.key] = { from: 'file', name: sources.file!.path };
    } else {
      if (row.default !== undefined) values[row.key] = row.default;
      origins[row.key] = { from: 'default' };
    }
  }
  return { values, origins, warnings };
}

/** @throws HotlinkError ERR_HLNK_USAGE when the identity or the relay is missing */
export function requireIdentity(resolved: Resolved): HotlinkSettings {
  const { email, server } = resolved.options;
  if (email === undefined) throw new HotlinkError('ERR_HLNK_USAGE', 'no identity: give --email (or HOTLINK_EMAIL)');
  if (server === undefined) throw new HotlinkError('ERR_HLNK_USAGE', 'no relay: give --server (or HOTLINK_SERVER)');
  return { ...resolved.options, email, server };
}

type Found = { value: unknown; origin: Origin } | undefined;

function fromFlag(row: Row, flags: Readonly<Record<string, unknown>>): Found {
  const given = flags[row.key];
  if (row.flag === undefined || given === undefined) return undefined;
  const name = row.flag.split(' ')[0]!;
  if (typeof given !== 'string') return { value: given, origin: { from: 'flag', name } };
  const parsed = row.parse(given);
  if (parsed.note !== undefined) throw new HotlinkError('ERR_HLNK_USAGE', `${name}: ${parsed.note}`);
  if (parsed.value === undefined) throw new HotlinkError('ERR_HLNK_USAGE', `${name}: a value is expected`);
  return { value: parsed.value, origin: { from: 'flag', name } };
}

function fromEnv(row: Row, env: Readonly<Record<string, string | undefined>>, warnings: string[]): Found {
  let fallback: Found;
  for (const { name, parse } of row.env) {
    const text = env[name];
    if (text === undefined) continue;
    const parsed = (parse ?? row.parse)(text);
    if (parsed.note !== undefined) warnings.push(`${name}: ${parsed.note}; ${outcome(parsed.value)}`);
    if (parsed.value === undefined) continue;
    const found = { value: parsed.value, origin: { from: 'environment', name } } as const;
    // Two names for one switch (p2p-only): either one turns it on.
    if (parsed.value !== false) return found;
    fallback ??= found;
  }
  return fallback;
}

function outcome(value: unknown): string {
  if (value === undefined) return 'not used';
  return typeof value === 'number' ? `${value} is used` : 'the rest is used';
}

const switches: readonly ValueKey[] = [
  ...(['enabled', 'debug', 'logLevel', 'channels', 'admin', 'quic', 'authEnabled', 'turnHost', 'turnPort'] as const),
  ...(['latencyTrace', 'bench', 'priorityDebounceMs', 'aclStagingGraceMs'] as const),
];

function optionsOf(values: Values): Partial<HotlinkSettings> {
  const withheld: readonly ValueKey[] = values.authEnabled === false ? [...switches, 'token'] : switches;
  return Object.fromEntries(Object.entries(values).filter(([key]) => !withheld.includes(key as ValueKey)));
}
