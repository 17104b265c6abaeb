// The inputs that a decoder's fuzzing begins with besides its seeds: one file per decoder in test/fuzz/corpus, one input per line, base64.
// Found by earlier runs (`--keep`) because they reached code that nothing before them had reached.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = join(import.meta.dirname, '../../../test/fuzz/corpus');
/** Kept per decoder: the shortest ones. */
const MAX_KEPT = 48;
const MAX_KEPT_BYTES = 512;

export function readCorpus(decoder: string): Uint8Array[] {
  const file = join(DIRECTORY, `${decoder}.txt`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'base64'));
}

export function keepCorpus(decoder: string, inputs: readonly Uint8Array[]): number {
  const kept = inputs
    .filter(({ length }) => length <= MAX_KEPT_BYTES)
    .sort((a, b) => a.length - b.length)
    .slice(0, MAX_KEPT);
  if (kept.length === 0) return 0;
  const lines = [...new Set(kept.map((input) => Buffer.from(input).toString('base64')))];
  writeFileSync(join(DIRECTORY, `${decoder}.txt`), `${lines.join('\n')}\n`);
  return lines.length;
}
