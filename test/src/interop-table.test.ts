// docs/interop.md names a test for every row; here each of those tests is looked up, so that no row outlives its proof. The rows of upstream's
// defects name exactly the tests that were seen to fail without their defence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../mutations/index.js';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docs/interop.md'), 'utf8');
const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (#|rule|defect) \|/.test(line));
const ids = (letter: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);

describe('the interoperability table', () => {
  it('has every divergence of the protocol notes, and every rule', () => {
    expect(rows.map((row) => /^\| (\d+) \|/.exec(row)?.[1]).filter((number) => number !== undefined)).toEqual(
      Array.from({ length: 24 }, (_, i) => String(i + 1)),
    );
    const rules = rows.map((row) => /^\| (13\.\d)/.exec(row)?.[1]).filter((number) => number !== undefined);
    expect([...new Set(rules)]).toEqual(['13.1', '13.2', '13.3', '13.4', '13.5', '13.6', '13.7']);
  });

  it('has every defect, either with the tests that fail without its defence, or with why it does not reach us', () => {
    const table = new Map(rows.map((row) => [/^\| ([SGR]\d+) \|/.exec(row)?.[1], row]));
    const reasons = /The others stay inside[\s\S]*?\n(?=## )/.exec(text)?.[0] ?? '';
    for (const id of [...ids('S', 11), ...ids('G', 10), ...ids('R', 18)]) {
      const proofs = MUTATIONS.filter(({ row }) => row === id).map(({ test, name }) => `\`${test}\`: “${name}”`);
      expect([id, [...(table.get(id) ?? '').matchAll(/`test\/[\w/.-]+`: “[^”]+”/g)].map(String)]).toEqual([id, [...new Set(proofs)]]);
      expect([id, table.has(id) || new RegExp(`\\b${id}\\b`).test(reasons)]).toEqual([id, true]);
    }
  });

  it.each(rows.map((row) => [row.split(' | ').slice(0, 2).join(' ').slice(0, 60), row] as const))('%s names tests that exist', (_, row) => {
    const tests = [...row.matchAll(/`(test\/[\w/-]+\.test\.ts)`: “([^”]+)”/g)];
    expect(tests.length).toBeGreaterThan(0);
    for (const [, file, name] of tests) {
      const source = readFileSync(join(root, file as string), 'utf8');
      // As a story's name: `it('…'`, or the last argument of an `it.each`.
      expect([name, [`('${name}'`, `("${name}"`].some((call) => source.includes(call))]).toEqual([name, true]);
    }
  });
});
