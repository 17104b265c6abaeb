// docs/interop.md names a test for every row; here each of those tests is looked up, so that no row outlives its proof.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docs/interop.md'), 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (#|rule) \|/.test(line));

describe('the interoperability table', () => {
  it('has every divergence of the protocol notes, and every rule', () => {
    expect(rows.map((row) => /^\| (\d+) \|/.exec(row)?.[1]).filter((number) => number !== undefined)).toEqual(
      Array.from({ length: 24 }, (_, i) => String(i + 1)),
    );
    const rules = rows.map((row) => /^\| (13\.\d)/.exec(row)?.[1]).filter((number) => number !== undefined);
    expect([...new Set(rules)]).toEqual(['13.1', '13.2', '13.3', '13.4', '13.5', '13.6', '13.7']);
  });

  it.each(rows.map((row) => [row.split(' | ').slice(0, 2).join(' ').slice(0, 60), row] as const))('%s names tests that exist', (_, row) => {
    const tests = [...row.matchAll(/`(test\/[\w/-]+\.test\.ts)`: “([^”]+)”/g)];
    expect(tests.length).toBeGreaterThan(0);
    for (const [, file, name] of tests) {
      const source = readFileSync(join(root, file as string), 'utf8');
      // As a story's name: `it('…'`, or the last argument of an `it.each`.
      expect([name, source.includes(`it('${name}'`) || source.includes(`])('${name}'`)]).toEqual([name, true]);
    }
  });
});
