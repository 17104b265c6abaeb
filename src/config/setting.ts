// One row of the settings table: where a value may come from, how its text is read, what it bounds, and what it means.
import { z } from 'zod';
import { type Parsed, parseInteger } from './parse.js';
import type { ValueKey, Values } from './values.js';

/** An environment variable and, where its format differs from the row's own, its parser. */
export interface EnvName<T> {
  name: string;
  parse?: (text: string) => Parsed<T>;
}

/** A row as those see it who only read, document and show settings, whichever table it stands in. */
export interface Row {
  readonly key: string;
  readonly env: readonly EnvName<unknown>[];
  readonly flag?: string;
  readonly unit: string;
  readonly default?: unknown;
  readonly defaultWords?: string;
  readonly range?: string;
  readonly memory?: string;
  readonly meaning: string;
  readonly secret?: boolean;
  readonly parse: (text: string) => Parsed<unknown>;
  readonly schema: z.ZodType;
}

export interface Setting<K extends ValueKey = ValueKey> {
  key: K;
  /** Upstream's names first; the first one that is set and can be read wins. */
  env: readonly EnvName<Values[K]>[];
  /** Command-line flag as commander writes it; none for what does not belong on a command line. */
  flag?: string;
  unit: string;
  default?: Values[K];
  /** The default in words, where a value alone would not tell. */
  defaultWords?: string;
  range?: string;
  /** The memory this number bounds. */
  memory?: string;
  meaning: string;
  /** Shown as `MASKED`, never logged. */
  secret?: boolean;
  parse: (text: string) => Parsed<Values[K]>;
  /** How the value looks in a configuration file, where a bad one is refused instead of replaced. */
  schema: z.ZodType;
}

/** Rows that differ only in what they say share these builders. */
export function setting<K extends ValueKey>(row: Setting<K>): Setting {
  return row as unknown as Setting;
}

type IntegerKey = { [K in ValueKey]: NonNullable<Values[K]> extends number ? K : never }[ValueKey];

export interface IntegerRow<K extends IntegerKey> extends Omit<Setting<K>, 'parse' | 'schema' | 'range' | 'env'> {
  env: readonly string[];
  min: number;
  max: number;
}

export function integerSetting<K extends IntegerKey>(row: IntegerRow<K>): Setting {
  const { min, max, env, ...rest } = row;
  return setting<K>({
    ...rest,
    env: env.map((name) => ({ name })),
    range: max === Number.MAX_SAFE_INTEGER ? `${min}…` : `${min}…${max}`,
    parse: (text) => parseInteger(text, { min, max, unit: row.unit }) as Parsed<Values[K]>,
    schema: z.int().min(min).max(max),
  });
}

type SwitchKey = { [K in ValueKey]: NonNullable<Values[K]> extends boolean ? K : never }[ValueKey];

export interface SwitchRow<K extends SwitchKey> extends Omit<Setting<K>, 'schema' | 'unit' | 'env'> {
  env: readonly string[];
}

export function switchSetting<K extends SwitchKey>(row: SwitchRow<K>): Setting {
  const { env, ...rest } = row;
  return setting<K>({ ...rest, unit: 'switch', env: env.map((name) => ({ name })), schema: z.boolean() });
}
