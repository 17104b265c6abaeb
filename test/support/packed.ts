// The package as npm would publish it, put where a program would find it: packed, unpacked in a directory of its own outside of the repository, with a
// blank in its path, and its dependencies beside it, those of the repository. Nothing is asked of a registry. Gone when `remove` returns.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

export interface Tarball {
  readonly file: string;
  readonly manifest: Manifest;
  /** Paths in it, without the leading `package/`. */
  readonly paths: readonly string[];
  remove(): void;
}

/** `flat`: everything in one node_modules, as npm does it. `pnpm`: each package in a place of its own that shows it only what it asks for. */
export type Layout = 'flat' | 'pnpm';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npm pack` makes of the compiled tree. */
export function packTree(): Tarball {
  const home = mkdtempSync(join(tmpdir(), 'hotlink-pack-'));
  const npm = ['pack', '--silent', '--offline', '--ignore-scripts', '--pack-destination', home];
  const name = execFileSync('npm', npm, { cwd: root, encoding: 'utf8' }).trim();
  const file = join(home, name);
  const paths = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  return {
    file,
    manifest: JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' })) as Manifest,
    paths: paths.map((path) => path.replace(/^package\//, '')).sort(),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** A program's directory with the package installed. */
export class Installed {
  /** Where programs are written and run. */
  readonly home: string;
  /** The package itself, beyond all links. */
  readonly packageDir: string;
  readonly #top: string;

  /** @param without packages that are not there, by name; `@node-datachannel` stands for the addon's package of this platform */
  constructor({ file, manifest }: Tarball, layout: Layout, without: readonly string[] = []) {
    this.#top = mkdtempSync(join(tmpdir(), 'hotlink-app-'));
    this.home = join(this.#top, 'a program');
    const modules = join(this.home, 'node_modules');
    const { name, version, dependencies, optionalDependencies, peerDependencies } = manifest;
    const beside = layout === 'flat' ? modules : join(modules, `.pnpm/${name}@${version}/node_modules`);
    this.packageDir = join(beside, name);
    mkdirSync(this.packageDir, { recursive: true });
    execFileSync('tar', ['-xzf', file, '--strip-components=1', '-C', this.packageDir]);
    const names = [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...Object.keys(peerDependencies)];
    for (const dependency of names.filter((one) => !without.includes(one))) {
      if (dependency === 'node-datachannel') placeAddon(modules, beside, layout, without);
      else link(join(root, 'node_modules', dependency), join(beside, dependency));
    }
    if (layout === 'pnpm') link(this.packageDir, join(modules, name));
    const bin = join(modules, name, manifest.bin[name] as string);
    // As every package manager does.
    chmodSync(bin, 0o755);
    link(bin, join(modules, '.bin', name));
  }

  /** Writes a program and runs it to its end with this Node. @param name its extension says what kind it is */
  async runProgram(name: string, text: string): Promise<Outcome> {
    writeFileSync(join(this.home, name), text);
    return this.run(process.execPath, [name]);
  }

  /** Runs the installed command to its end. */
  hotlink(...args: string[]): Promise<Outcome> {
    return this.run(join(this.home, 'node_modules/.bin/hotlink'), args);
  }

  run(file: string, args: readonly string[]): Promise<Outcome> {
    return runIn(this.home, file, args);
  }

  remove(): void {
    rmSync(this.#top, { recursive: true, force: true });
  }
}

/** Runs a program to its end, with no settings, daemons or NODE_PATH of anybody else. @param node the Node that it finds on its path */
export async function runIn(home: string, file: string, args: readonly string[], node = process.execPath): Promise<Outcome> {
  const env = { PATH: `${dirname(node)}:${process.env['PATH']}`, HOME: home, XDG_RUNTIME_DIR: home };
  const child = spawn(file, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    said.stdout += data;
  });
  child.stderr.on('data', (data) => {
    said.stderr += data;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/**
 * The addon's library as a real copy, so that it finds its platform's package where this layout has it and not in the repository.
 * Under pnpm that is a place which the package itself cannot see.
 */
function placeAddon(modules: string, beside: string, layout: Layout, without: readonly string[]): void {
  const source = realpathSync(join(root, 'node_modules/node-datachannel'));
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string };
  const place = layout === 'flat' ? modules : join(modules, `.pnpm/node-datachannel@${version}/node_modules`);
  for (const part of ['package.json', 'dist']) cpSync(join(source, part), join(place, 'node-datachannel', part), { recursive: true });
  if (!without.includes('@node-datachannel')) link(join(root, 'node_modules/@node-datachannel'), join(place, '@node-datachannel'));
  if (layout === 'pnpm') link(join(place, 'node-datachannel'), join(beside, 'node-datachannel'));
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
