// What a bundler makes of programs that use a part of `hotlink/native-free`: no Node in it, and nothing of what is not used.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installed, packTree, type Tarball } from '../support/packed.js';

let tarball: Tarball;
let installed: Installed;
beforeAll(() => {
  tarball = packTree();
  installed = new Installed(tarball, 'flat');
});
afterAll(() => {
  installed.remove();
  tarball.remove();
});

interface Bundle {
  readonly code: string;
  /** What it asks of its host. */
  readonly imports: readonly string[];
  /** Modules of which something is left, relative to the package. */
  readonly modules: readonly string[];
}

/** As for a browser. */
async function bundle(program: string): Promise<Bundle> {
  const input = join(installed.home, 'page.mjs');
  writeFileSync(input, program);
  const build = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  try {
    const { output } = await build.generate({ format: 'esm', minify: true });
    expect(output.length).toBe(1);
    const [chunk] = output;
    const modules = Object.entries(chunk.modules).filter(([, { renderedLength }]) => renderedLength > 0);
    return {
      code: chunk.code,
      imports: [...chunk.imports, ...chunk.dynamicImports],
      modules: modules.map(([id]) => relative(installed.packageDir, id)).filter((id) => id.startsWith('dist/')),
    };
  } finally {
    await build.close();
  }
}

const folders = ({ modules }: Bundle): string[] =>
  [...new Set(modules.map((id) => id.replace(/^dist\/native-free\//, '').replace(/\/.*$/, '')))].sort();

const FRAMES = `
import { encodeFrame, FrameDecoder } from 'hotlink/native-free';
const decoder = new FrameDecoder();
decoder.push(encodeFrame('alice@example.com/app/stream.tcp.request', 'tag', 7, new Uint8Array([1, 2, 3])));
for (const frame of decoder) globalThis.seen = frame.path() + ' ' + frame.seq + ' ' + frame.payload();
`;
const EVERYTHING = `import * as all from 'hotlink/native-free'; globalThis.all = all;`;

describe('hotlink/native-free in a bundle', () => {
  it('is the frames alone for a program that uses frames', async () => {
    const frames = await bundle(FRAMES);
    expect(frames.imports).toEqual([]);
    expect(folders(frames)).toEqual(['errors.js', 'hlnk', 'public.js']);
    // 4.9 kB when this was written; much more can only belong to something that is not used.
    expect(frames.code.length).toBeLessThan(6000);
  });

  it('runs where there is nothing of Node', async () => {
    const { code } = await bundle(FRAMES);
    const names = ['process', 'Buffer', 'require', 'global', 'setImmediate'];
    new Function(...names, `'use strict';${code}`)();
    expect((globalThis as { seen?: string }).seen).toBe('alice@example.com/app/stream.tcp.request 7 1,2,3');
  });

  it('is as a whole small, and asks nothing of its host', async () => {
    const whole = await bundle(EVERYTHING);
    expect(whole.imports).toEqual([]);
    expect(whole.code).not.toMatch(/\bnode:|\brequire\(/);
    expect(folders(whole)).toEqual([
      'acl',
      'channel-keys.js',
      'envelope',
      'errors.js',
      'hlnk',
      'marker.js',
      'path.js',
      'public.js',
      'session',
    ]);
    // 29 kB, 11 kB compressed, when this was written.
    expect(gzipSync(whole.code).length).toBeLessThan(15_000);
  });
});
