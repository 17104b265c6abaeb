// The package in a program's directory, outside of the repository and in a path with a blank: the documents' embedding example as it stands there, the
// same from CommonJS, the command, and a transfer; flat as npm lays packages out, and as pnpm does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embeddingExample } from '../support/embedding-example.js';
import { Installed, type Layout, packTree, type Tarball } from '../support/packed.js';

const example = embeddingExample();

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
    const { code, stdout, stderr } = await installed.runProgram('program.mjs', example.module);
    expect({ code, stderr, unsaid: example.unsaid(stdout) }).toEqual({ code: 0, stderr: '', unsaid: [] });
  });

  it('runs it as CommonJS', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await installed.runProgram('program.cjs', example.commonJs);
    expect({ code, stderr, unsaid: example.unsaid(stdout) }).toEqual({ code: 0, stderr: '', unsaid: [] });
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
