// The package in a program's directory, outside of the repository and in a path with a blank: the documents' embedding example as it stands there, the
// same from CommonJS, the command, and a transfer; flat as npm lays packages out, and as pnpm does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installed, type Layout, packTree, type Tarball } from '../support/packed.js';
import { missing, storiesIn } from '../support/story.js';

const library = readFileSync(join(import.meta.dirname, '../../../docs/library.md'), 'utf8');
const example = storiesIn(library).find(({ name }) => name === 'program')?.steps[0];
if (example === undefined) throw new Error('docs/library.md has no story named program');

/** The same program as a CommonJS one: imports become dynamic, and what awaits at the top stands in a function. */
function asCommonJs(module: string): string {
  const body = module.replaceAll(/^import (\{[^}]*\}) from '([^']+)';$/gm, (_, names: string, from: string) => {
    return `const ${names.replaceAll(' as ', ': ')} = await import('${from}');`;
  });
  if (/^import /m.test(body)) throw new Error('an import of another form');
  return `(async () => {\n${body}\n})().catch((error) => { console.error(error); process.exitCode = 1; });\n`;
}

let tarball: Tarball;
beforeAll(() => {
  tarball = packTree();
});
afterAll(() => tarball.remove());

describe.each<Layout>(['flat', 'pnpm'])('installed %s', (layout) => {
  let installed: Installed;
  beforeAll(() => {
    installed = new Installed(tarball, layout);
  });
  afterAll(() => installed.remove());

  it('runs the embedding example of the documents as it stands there', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await installed.runProgram('program.mjs', example.code);
    expect({ code, stderr, missing: missing(example.shown, stdout) }).toEqual({ code: 0, stderr: '', missing: [] });
  });

  it('runs it as CommonJS', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await installed.runProgram('program.cjs', asCommonJs(example.code));
    expect({ code, stderr, missing: missing(example.shown, stdout) }).toEqual({ code: 0, stderr: '', missing: [] });
  });

  it('can be required, every entry of it, where Node can require modules', async () => {
    const entries = Object.keys(tarball.manifest.exports).map((entry) => entry.replace(/^\./, tarball.manifest.name));
    expect(entries.length).toBeGreaterThan(3);
    const program = `for (const entry of ${JSON.stringify(entries)}) console.log(entry, Object.keys(require(entry)).length > 0);`;
    const { code, stdout, stderr } = await installed.runProgram('require.cjs', program);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: entries.map((entry) => `${entry} true\n`).join('') });
  });

  it('shows nothing but its entries', async () => {
    const program = "import('hotlink/dist/src/index.js').catch((error) => console.log(error.code));";
    expect((await installed.runProgram('inside.mjs', program)).stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  it('has the command', async () => {
    expect(await installed.hotlink('--version')).toEqual({ code: 0, stdout: `${tarball.manifest.version}\n`, stderr: '' });
  });

  // Where packages lie matters to the addon alone.
  it.each(layout === 'flat' ? ['direct', 'webrtc', 'relay'] : ['webrtc'])(
    'exchanges messages over the lane %s',
    { timeout: 90_000 },
    async (lane) => {
      const { code, stdout, stderr } = await installed.hotlink('bench', 'pingpong', '--lane', lane, '--rounds', '50', '--json');
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, lane, rounds: 50 });
    },
  );
});
