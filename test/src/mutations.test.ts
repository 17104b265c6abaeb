// The table of mutations against the compiled tree and the tests' sources, so that no proof goes stale. The proofs themselves run by
// `node dist/test/mutations/run.js`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../mutations/index.js';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('a defence that a mutation takes away', () => {
  it.each(MUTATIONS.map((mutation) => [mutation.row, mutation.without, mutation] as const))(
    '%s, %s: is in the compiled tree',
    (...[, , { edits }]) => {
      for (const { file, find, put } of edits) {
        expect([file, find, read(`dist/${file}.js`).split(find).length - 1]).toEqual([file, find, 1]);
        expect(put).not.toBe(find);
      }
    },
  );

  it.each(MUTATIONS.map((mutation) => [mutation.row, mutation.without, mutation] as const))(
    '%s, %s: has a test of that name',
    (...[, , { test, name }]) => {
      const source = read(test);
      expect([name, [`('${name}'`, `("${name}"`].some((call) => source.includes(call))]).toEqual([name, true]);
    },
  );
});
