// The types as users get them: TypeScript programs compiled against the packed package, as strictly as it goes, by each way of resolving modules that
// can see `exports`; and the package under the two checkers of its form.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installed, type Outcome, packTree, type Tarball } from '../support/packed.js';

const root = join(import.meta.dirname, '../../..');
const STRICT = {
  target: 'ES2023',
  lib: ['ES2024', 'ESNext.Disposable'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  // What is inferred of our types can be named, or written out, in the declarations of who uses them.
  declaration: true,
  isolatedModules: true,
  // Our declarations are checked too, and what they refer to.
  skipLibCheck: false,
  types: ['node'],
  noEmit: true,
};

let tarball: Tarball;
let installed: Installed;
beforeAll(() => {
  tarball = packTree();
  installed = new Installed(tarball, 'pnpm');
  mkdirSync(join(installed.home, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@types/node'), join(installed.home, 'node_modules/@types/node'));
  cpSync(join(root, 'test/package/consumers'), installed.home, { recursive: true });
});
afterAll(() => {
  installed.remove();
  tarball.remove();
});

function compile(file: string, more: Readonly<Record<string, string>>): Promise<Outcome> {
  writeFileSync(join(installed.home, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...more }, files: [file] }));
  return installed.run(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '-p', '.']);
}

describe('a TypeScript program', () => {
  it.each([
    ['embedding.mts', { module: 'NodeNext', moduleResolution: 'NodeNext' }],
    ['embedding.mts', { module: 'ESNext', moduleResolution: 'Bundler' }],
    ['commonjs.cts', { module: 'NodeNext', moduleResolution: 'NodeNext' }],
  ])('compiles: %s with %o, each mistake in it noticed', { timeout: 60_000 }, async (file, more) => {
    expect(await compile(file, more)).toMatchObject({ code: 0, stdout: '' });
  });

  it('would not compile with another mistake', { timeout: 60_000 }, async () => {
    writeFileSync(join(installed.home, 'wrong.mts'), "import { createHotlink } from 'hotlink';\ncreateHotlink(1);\n");
    const { code, stdout } = await compile('wrong.mts', { module: 'NodeNext', moduleResolution: 'NodeNext' });
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining('wrong.mts(2,15): error TS2345') });
  });
});

describe('the form of the package', () => {
  it('is right by publint', { timeout: 60_000 }, async () => {
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(readFileSync(tarball.file)).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  // For CommonJS programs it is a module to be imported, which is meant (`esm-only`); resolution that knows no `exports` is not supported.
  it('has the types that are right by are-the-types-wrong', { timeout: 60_000 }, async () => {
    const attw = join(root, 'node_modules/.bin/attw');
    const { code, stdout } = await installed.run(attw, [tarball.file, '--profile', 'esm-only', '--format', 'json']);
    const { problems, analysis } = JSON.parse(stdout) as { problems?: unknown; analysis: { entrypoints: Record<string, unknown> } };
    expect({ code, problems }).toMatchObject({ code: 0 });
    expect(Object.keys(analysis.entrypoints)).toEqual(Object.keys(tarball.manifest.exports));
  });
});
