// Takes each defence away in a copy of the compiled tree, one after the other, and runs the test that is to notice:
//   node dist/test/mutations/run.js [row …]      for example `S3 G7`; all without a row
// Exits 0 when every test passes as it is and fails without its defence. Not part of `npm test`: it takes half an hour, most of it waiting for what does not come.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { MUTATIONS } from './index.js';
import type { Mutation } from './mutation.js';

interface Outcome {
  passed: number;
  failed: number;
  /** Of the first failure. */
  why: string;
}

const project = join(import.meta.dirname, '../../..');
const rows = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ row }) => rows.length === 0 || rows.includes(row));
const copy = mkdtempSync(join(tmpdir(), 'hotlink-mutations-'));
/** How the tests do as they are. */
const untouched = new Map<string, Outcome>();
let wrong = 0;
try {
  for (const name of ['dist', 'test', 'docs', 'package.json', 'vitest.config.js'])
    cpSync(join(project, name), join(copy, name), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  for (const mutation of chosen) {
    const verdict = await judge(mutation);
    if (!verdict.startsWith('noticed')) wrong += 1;
    console.log(`${mutation.row.padEnd(5)} without ${mutation.without}: ${verdict}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - wrong} of ${chosen.length} noticed`);
process.exitCode = wrong === 0 ? 0 : 1;

async function judge(mutation: Mutation): Promise<string> {
  const proof = `${mutation.test}: ${mutation.name}`;
  const before = untouched.get(proof) ?? (await run(mutation));
  untouched.set(proof, before);
  if (before.passed === 0 || before.failed > 0) return `BROKEN as it is: ${before.passed} passed, ${before.failed} failed (${before.why})`;
  const undo: (() => void)[] = [];
  try {
    for (const { file, find, put } of mutation.edits) {
      const path = join(copy, 'dist', `${file}.js`);
      const text = readFileSync(path, 'utf8');
      undo.push(() => writeFileSync(path, text));
      if (text.split(find).length !== 2) return `STALE: ${file} has ${JSON.stringify(find)} ${text.split(find).length - 1} times`;
      writeFileSync(
        path,
        text.replace(find, () => put),
      );
    }
    const after = await run(mutation);
    return after.failed > 0 ? `noticed (${after.why})` : `MISSED by ${proof}`;
  } finally {
    for (const restore of undo.reverse()) restore();
  }
}

async function run({ test, name }: Mutation): Promise<Outcome> {
  const file = join('dist', test.replace(/\.ts$/, '.js'));
  const pattern = `${name.replace(/%[a-z]/g, '*').replace(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '.*' : `\\${char}`))}$`;
  const child = spawn(process.execPath, [join(copy, 'node_modules/vitest/vitest.mjs'), 'run', file, '-t', pattern], { cwd: copy });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  await new Promise((resolve) => child.once('close', resolve));
  const [, passed, failed] = /^(\d+) passed, (\d+) failed/m.exec(said) ?? [];
  if (passed === undefined) throw new Error(`vitest said:\n${said}`);
  const why = /^(?:\w*Error|Caused by|Error): .*/m.exec(stripVTControlCharacters(said))?.[0] ?? '';
  return { passed: Number(passed), failed: Number(failed), why };
}
