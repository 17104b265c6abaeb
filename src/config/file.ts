// A configuration file (YAML, and so JSON too) → checked values. Anything unknown or out of range is refused with the line it stands on:
// a file is written by hand and read once, so a typing error must not become a silent default.
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { HotlinkError } from '../../native-free/errors.js';
import { closest } from '../closest.js';
import type { Row } from './setting.js';
import { settings } from './table.js';
import type { Values } from './values.js';

/** Aliases let a kilobyte of YAML unfold into gigabytes. */
const MAX_ALIASES = 100;

/** The JSON Schema of a configuration file, for editors; `docs/hotlink.schema.json` is this. */
export function configJsonSchema(): object {
  const schema = schemaOf(settings);
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>;
  const properties = rest['properties'] as Record<string, object>;
  for (const { key, meaning, default: value, secret } of settings) {
    // What depends on the machine is no default to publish.
    const published = value === undefined || key === 'threads' ? {} : { default: value };
    properties[key] = { description: meaning + (secret ? ' Secret.' : ''), ...published, ...properties[key] };
  }
  return { $schema, title: 'hotlink configuration file', ...rest, properties };
}

/**
 * Checks the text of a configuration file against the settings table.
 * @param path only for messages
 * @throws HotlinkError ERR_HLNK_CONFIG naming the file, the line and what to write instead
 */
export function parseConfigFile(text: string, path: string): Partial<Values> {
  return parseRowsFile(text, path, settings) as Partial<Values>;
}

/** The same for any table of settings. */
export function parseRowsFile(text: string, path: string, rows: readonly Row[]): Readonly<Record<string, unknown>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, logLevel: 'error' });
  const broken = document.errors[0];
  if (broken) throw refusal(path, lines.linePos(broken.pos[0]).line, firstLine(broken.message));
  if (document.contents === null) return {};
  if (!isMap(document.contents)) throw refusal(path, 1, 'a map of settings is expected (key: value)');
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // An alias without its anchor, or aliases of aliases.
    throw refusal(path, 1, firstLine(error instanceof Error ? error.message : 'it cannot be read'));
  }
  const checked = schemaOf(rows).safeParse(value);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0]!;
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0]! : undefined;
  const where = [...issue.path.map(String), ...(unknown === undefined ? [] : [unknown])];
  const line = lines.linePos(offsetOf(document.contents, where)).line;
  if (unknown !== undefined)
    throw refusal(path, line, `unknown key '${where.join('.')}'${where.length === 1 ? suggestion(unknown, rows) : ''}`);
  throw refusal(path, line, `${where.join('.')}: ${issue.message}`);
}

function schemaOf(rows: readonly Row[]): z.ZodObject {
  return z.strictObject(Object.fromEntries(rows.map((row) => [row.key, row.schema.optional()])));
}

/** Where the last part of `path` that is there begins. */
function offsetOf(root: unknown, path: readonly string[]): number {
  let node = root;
  let offset = 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === part);
      if (pair === undefined) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset;
    } else break;
  }
  return offset;
}

function refusal(path: string, line: number, what: string): HotlinkError {
  return new HotlinkError('ERR_HLNK_CONFIG', `${path}:${line}: ${what}`);
}

/** The YAML parser appends a picture of the source, which may hold a secret. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

function suggestion(key: string, rows: readonly Row[]): string {
  const meant = closest(
    key,
    rows.map((row) => row.key),
  );
  return meant === undefined ? '' : ` (is '${meant}' meant?)`;
}
