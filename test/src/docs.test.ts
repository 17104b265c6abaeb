// The documents: what is generated equals what the code says, and links within the repository lead somewhere.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../native-free/index.js';
import { metricsMarkdown, relayMetrics } from '../../src/admin/index.js';
import { configJsonSchema, relaySettings, settingsMarkdown } from '../../src/config/index.js';
import { RESIDENT_CONSTANT_BYTES, residentBoundBytes, STALL_GROWTH_BYTES } from '../../src/config/memory-bound.js';
import { limitsMarkdown } from '../../src/relay/limits.js';

const root = join(import.meta.dirname, '../../..');
const ROOMS = ['native-free', 'workers', 'src', 'perf', 'test'];
const FOLDERS = ['.', 'docs', 'docs/api', 'native-free', 'workers', 'src', 'perf', 'test', 'deploy', 'examples'];
/** Documents that end with a table the code generates. */
const GENERATED: readonly (readonly [file: string, table: () => string])[] = [
  ['docs/configuration.md', settingsMarkdown],
  ['docs/metrics.md', metricsMarkdown],
  ['docs/relay.md', limitsMarkdown],
  ['docs/relay-metrics.md', () => metricsMarkdown(relayMetrics)],
  ['docs/relay-configuration.md', () => settingsMarkdown(relaySettings)],
];

/** Everything up to the table is written by hand. */
function withTable(text: string, table: string): string {
  const at = text.indexOf(`${table.split('\n', 1)[0]}\n`);
  return at < 0 ? `${text.trimEnd()}\n\n${table}\n` : `${text.slice(0, at)}${table}\n`;
}

function documents(): string[] {
  return FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name))).filter((name) =>
    name.endsWith('.md'),
  );
}

/** As a reader of the rendered page would follow it: `## A byte's way` is `#a-bytes-way`. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function deadLinks(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
    const [path, anchor] = (target as string).split('#') as [string, string?];
    if (/^\w+:/.test(path)) return [];
    const file = path === '' ? join(root, document) : join(root, dirname(document), path);
    if (!existsSync(file)) return [`${document}: ${target}`];
    return anchor === undefined || anchors(readFileSync(file, 'utf8')).includes(anchor) ? [] : [`${document}: ${target}`];
  });
}

describe('docs/errors.md', () => {
  it('has every code, once, in the order of the code', () => {
    const listed = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `(ERR_HLNK_\w+)` \|/gm)].map(([, code]) => code);
    const known = [...readFileSync(join(root, 'native-free/errors.ts'), 'utf8').matchAll(/^ {2}\| '(ERR_HLNK_\w+)'/gm)].map(
      ([, code]) => code,
    );
    expect(known.length).toBeGreaterThan(15);
    expect(listed).toEqual(known);
  });
});

describe('the documents', () => {
  it.each(GENERATED)('list in %s what the table in the code has', (file, table) => {
    const path = join(root, file);
    if (process.env['HOTLINK_DOCS'] === 'write') writeFileSync(path, withTable(readFileSync(path, 'utf8'), table()));
    expect(
      readFileSync(path, 'utf8').endsWith(`\n\n${table()}\n`),
      `${file} is out of date: HOTLINK_DOCS=write npx vitest run dist/test/src/docs.test.js`,
    ).toBe(true);
  });

  it('state the memory bound that the fault matrix measures', () => {
    const [resident, growth, whole] = [RESIDENT_CONSTANT_BYTES, STALL_GROWTH_BYTES, residentBoundBytes(DEFAULT_LIMITS.windowBytes)].map(
      (bytes) => `${bytes / 1_048_576} MiB`,
    );
    const read = (name: string): string => readFileSync(join(root, name), 'utf8');
    expect(read('README.md')).toContain(`send window + ${resident}`);
    for (const words of [`send window + ${resident}`, `less than ${growth}`, `(${whole} with`])
      expect(read('docs/memory.md')).toContain(words);
  });

  it('publish the schema of a configuration file that the table in the code makes', () => {
    const path = join(root, 'docs/hotlink.schema.json');
    const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
    if (process.env['HOTLINK_DOCS'] === 'write') writeFileSync(path, text);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(text));
  });

  it('name only files that there are', () => {
    const files = ROOMS.flatMap((room) => readdirSync(join(root, room), { recursive: true }).map((name) => `/${room}/${String(name)}`));
    const gone = documents().flatMap((document) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/`([\w./-]+\.ts)`/g)]
        .map(([, name]) => (name as string).replace(/^(?:\.\.?\/)+/, ''))
        .filter((name) => !files.some((file) => file.endsWith(`/${name}`)))
        .map((name) => `${document}: ${name}`),
    );
    expect(gone).toEqual([]);
  });

  it('link only to what is there', () => {
    expect(documents().flatMap(deadLinks)).toEqual([]);
  });
});
