// What a person does with a release: packs and installs it with npm in a fresh directory outside of the repository, pastes the documents' embedding
// example and runs it, as a module and as CommonJS, and exchanges messages over each lane; with this Node and with others. Then installs it as on a
// platform for which nobody has built the addon. Needs a registry, so it is no test of vitest's: `.ci/run` runs it, `node dist/test/fresh-install.js
// 22 24`. Says what it did; exit 1 when something failed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddingExample, embeddingExample } from './support/embedding-example.js';
import { runIn } from './support/packed.js';

const root = join(import.meta.dirname, '../..');
const QUIET = ['--silent', '--no-audit', '--no-fund', '--no-update-notifier'];

const top = mkdtempSync(join(tmpdir(), 'hotlink-fresh-'));
try {
  const name = execFileSync('npm', ['pack', ...QUIET, '--pack-destination', top], { cwd: root, encoding: 'utf8' }).trim();
  const home = install('a program', join(top, name));
  const example = embeddingExample();
  for (const node of [process.execPath, ...process.argv.slice(2).map(nodeOf)]) await tryWith(node, home, example);
  await tryElsewhere(install('elsewhere', join(top, name), '--os=freebsd', '--cpu=x64'));
} finally {
  rmSync(top, { recursive: true, force: true });
}

/** @returns the directory of a program that has nothing but the package */
function install(program: string, tarball: string, ...flags: readonly string[]): string {
  const home = join(top, program);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', ...QUIET, ...flags, tarball], { cwd: home, stdio: 'inherit' });
  return home;
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
  for (const lane of ['direct', 'webrtc', 'relay']) await run(lane, pingpong(lane), (stdout) => isOver(stdout, lane));
  process.stdout.write(`Node ${version}: ${done.join(', ')}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
}

/** The install has gone well although there is no addon for that platform; the lanes that need none carry. */
async function tryElsewhere(home: string): Promise<void> {
  if (existsSync(join(home, 'node_modules/@node-datachannel'))) throw new Error('there is an addon for a platform that had none');
  for (const lane of ['direct', 'relay']) {
    const { code, stdout, stderr } = await runIn(home, process.execPath, pingpong(lane));
    if (code !== 0 || !isOver(stdout, lane)) throw new Error(`${lane} without the addon: exit ${code}\n${stdout}${stderr}`);
  }
  process.stdout.write('installed as on a platform without the addon: direct, relay\n');
}

function pingpong(lane: string): string[] {
  const command = 'node_modules/hotlink/dist/src/cli/main.js';
  return [command, 'bench', 'pingpong', '--lane', lane, '--rounds', '200', '--json'];
}

function isOver(stdout: string, lane: string): boolean {
  const { ok, carriedBy } = JSON.parse(stdout) as { ok: boolean; carriedBy: string };
  return ok && carriedBy === lane;
}
