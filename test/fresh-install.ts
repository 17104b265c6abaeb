// What a person does with a release: packs and installs it with npm in a fresh directory outside of the repository, pastes the documents' embedding
// example and runs it, as a module and as CommonJS, and exchanges messages over each lane; with this Node and with others. Needs a registry, so it is no
// test of vitest's: `.ci/run` runs it, `node dist/test/fresh-install.js 22 24`. Says what it did; exit 1 when something failed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddingExample, embeddingExample } from './support/embedding-example.js';
import { runIn } from './support/packed.js';

const root = join(import.meta.dirname, '../..');
const QUIET = ['--silent', '--no-audit', '--no-fund', '--no-update-notifier'];

const top = mkdtempSync(join(tmpdir(), 'hotlink-fresh-'));
try {
  const home = join(top, 'a program');
  mkdirSync(home);
  const name = execFileSync('npm', ['pack', ...QUIET, '--pack-destination', top], { cwd: root, encoding: 'utf8' }).trim();
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', ...QUIET, join(top, name)], { cwd: home, stdio: 'inherit' });
  const example = embeddingExample();
  for (const node of [process.execPath, ...process.argv.slice(2).map(nodeOf)]) await tryWith(node, home, example);
} finally {
  rmSync(top, { recursive: true, force: true });
}

/** @param version as npm's `node` package has it, for example 22 @returns path of its binary */
function nodeOf(version: string): string {
  const ask = ['exec', ...QUIET, '--yes', `--package=node@${version}`, '-c', 'node -p process.execPath'];
  return execFileSync('npm', ask, { cwd: top, encoding: 'utf8' }).trim();
}

async function tryWith(node: string, home: string, example: EmbeddingExample): Promise<void> {
  const began = performance.now();
  const done: string[] = [];
  const run = async (what: string, args: readonly string[], right: (stdout: string) => boolean): Promise<void> => {
    const { code, stdout, stderr } = await runIn(home, node, args, node);
    if (code !== 0 || !right(stdout)) throw new Error(`${what}: exit ${code}\n${stdout}${stderr}`);
    done.push(what);
  };
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  for (const [file, text] of [
    ['program.mjs', example.module],
    ['program.cjs', example.commonJs],
  ] as const) {
    writeFileSync(join(home, file), text);
    await run(file, [file], (stdout) => example.unsaid(stdout).length === 0);
  }
  for (const lane of ['direct', 'webrtc', 'relay']) {
    const args = ['node_modules/hotlink/dist/src/cli/main.js', 'bench', 'pingpong', '--lane', lane, '--rounds', '200', '--json'];
    await run(lane, args, (stdout) => (JSON.parse(stdout) as { ok: boolean; lane: string }).lane === lane);
  }
  process.stdout.write(`Node ${version}: ${done.join(', ')}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
}
