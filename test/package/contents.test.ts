// What `npm pack` puts into the package: all that its entry points, its command and its threads reach, and nothing else.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packTree, type Tarball } from '../support/packed.js';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** Everything that is no code. Messages name pages of docs/, so those come along. */
const DOCUMENTS = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'deploy/systemd/hotlink-relay.service',
  'deploy/systemd/hotlink.sysusers',
  'deploy/systemd/hotlink@.service',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'docs/api')).map((name) => `docs/api/${name}`),
  'docs/hotlink.schema.json',
  'package.json',
];
/** Static and dynamic imports, URLs of threads and pages, and the programs that benches start. */
const REFERENCE = /(?:\bfrom |\bimport |\bimport\(|\bnew URL\(|\bentry: )['"](\.[^'"]+)['"]/g;

/** Those of them that are begun, not imported. */
const BEGINNING = /(?:\bnew URL\(|\bentry: )'(\.[^']+\.js)'/g;

let tarball: Tarball;
beforeAll(() => {
  tarball = packTree();
});
afterAll(() => tarball.remove());

/** Adds the file and everything it refers to. */
function reach(file: string, seen: Set<string>): void {
  if (seen.has(file)) return;
  seen.add(file);
  for (const [, target] of read(file).matchAll(REFERENCE)) {
    const path = normalize(join(dirname(file), target as string));
    if (path.endsWith('.js')) reach(file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path, seen);
  }
}

function reachable(): Set<string> {
  const { exports, bin } = tarball.manifest;
  const starts = [
    ...Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : Object.values(entry))),
    ...Object.values(bin),
  ];
  const seen = new Set<string>();
  for (const start of starts) reach(normalize(start), seen);
  return seen;
}

/** A module of types alone: nothing is left of it, but its declarations have it beside them. */
const isEmpty = (file: string): boolean => /^(?:\/\/.*\n|\s)*export \{\};\s*(?:\/\/.*)?$/.test(read(file));

/** Compiled from a source that is gone since: `prepack` begins with an empty dist. */
const isLeftOver = (file: string): boolean =>
  file.startsWith('dist/') && !existsSync(join(root, file.slice('dist/'.length).replace(/(?:\.d\.ts|\.js(?:\.map)?)$/, '.ts')));

describe('the package', () => {
  it('has everything that its entry points, its command and its threads reach', () => {
    const needed = [...reachable()];
    expect(needed.length).toBeGreaterThan(200);
    expect(needed.filter((path) => !tarball.paths.includes(path))).toEqual([]);
  });

  it('has nothing else', () => {
    const needed = reachable();
    const foldersWithTypes = new Set([...needed].filter((path) => path.endsWith('.d.ts')).map((path) => dirname(path)));
    const extra = tarball.paths.filter((path) => {
      if (needed.has(path) || DOCUMENTS.includes(path) || isLeftOver(path)) return false;
      if (path.endsWith('.js.map')) return !tarball.paths.includes(path.slice(0, -'.map'.length));
      // Declarations lie beside their modules; whole folders of them that no type leads to are left out.
      if (path.endsWith('.d.ts')) return !foldersWithTypes.has(dirname(path)) || !tarball.paths.includes(path.replace(/\.d\.ts$/, '.js'));
      return !isEmpty(path);
    });
    expect(extra).toEqual([]);
    expect(DOCUMENTS.filter((path) => !tarball.paths.includes(path))).toEqual([]);
  });

  it('has source maps that hold their sources, which are not in the package', () => {
    const maps = tarball.paths.filter((path) => path.endsWith('.map') && !isLeftOver(path));
    expect(maps.length).toBeGreaterThan(200);
    const hollow = maps.filter((path) => {
      const { sourcesContent = [] } = JSON.parse(read(path)) as { sourcesContent?: (string | null)[] };
      return sourcesContent.length === 0 || sourcesContent.some((text) => text === null);
    });
    expect(hollow).toEqual([]);
  });

  it('tells bundlers which files are begun, and that the others do nothing by being imported', () => {
    const { sideEffects } = JSON.parse(read('package.json')) as { sideEffects: string[] };
    const begun = tarball.paths
      .filter((path) => path.endsWith('.js'))
      .flatMap((path) => [...read(path).matchAll(BEGINNING)].map(([, target]) => normalize(join(dirname(path), target as string))));
    const all = [...new Set([...begun, ...Object.values(tarball.manifest.bin).map(normalize)])].sort();
    expect(all.length).toBeGreaterThan(5);
    expect(sideEffects.map(normalize).sort()).toEqual(all);
  });
});
