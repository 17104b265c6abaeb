// Repeated walks of a real tree: what was written, changed, deleted or moved since shows in the next one, however soon after the last.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TreeWalk } from '../../src/control/tree-walk.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hotlink-walk-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text = 'x'): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};
const walkOf = (depth = 16): TreeWalk => new TreeWalk(root, depth, (name) => name === 'mark');
const paths = async (walk: TreeWalk): Promise<string[]> => (await walk.walk()).map(({ path }) => path).sort();

describe('a walk that is repeated', () => {
  it('sees what came, changed, moved and went in between, a thousand times without a pause', async () => {
    const walk = walkOf();
    const there = new Set<string>();
    for (let round = 0; round < 1000; round += 1) {
      const path = `d${round % 7}/e${round % 3}/mark`;
      if (there.delete(path)) rmSync(join(root, path));
      else {
        put(path);
        there.add(path);
      }
      expect(await paths(walk)).toEqual([...there].sort());
    }
  });

  it('lists a directory that has not changed for a while only when its time of change says so', async () => {
    const walk = walkOf();
    put('a/mark');
    await paths(walk);
    const old = new Date(Date.now() - 60_000);
    utimesSync(join(root, 'a'), old, old);
    expect(await paths(walk)).toEqual(['a/mark']);
    put('a/b/mark');
    renameSync(join(root, 'a/mark'), join(root, 'a/other'));
    expect(await paths(walk)).toEqual(['a/b/mark']);
    rmSync(join(root, 'a'), { recursive: true });
    expect(await paths(walk)).toEqual([]);
  });

  it('tells size and time of each file, also when the directory has not changed', async () => {
    const walk = walkOf();
    put('a/mark', 'one');
    expect((await walk.walk())[0]?.stats.size).toBe(3);
    put('a/mark', 'longer');
    expect((await walk.walk())[0]?.stats.size).toBe(6);
  });

  it('goes no deeper than it is told, follows no links, and finds an empty place where there is none', async () => {
    put('1/2/3/mark');
    put('1/mark');
    symlinkSync(join(root, '1'), join(root, 'link'));
    expect(await paths(walkOf(2))).toEqual(['1/mark']);
    expect(await new TreeWalk(join(root, 'nowhere'), 3, () => true).walk()).toEqual([]);
  });

  it('lets other work have its turn while it looks at thousands of directories', async () => {
    for (let i = 0; i < 3000; i += 1) mkdirSync(join(root, `d${i % 30}/e${i}`), { recursive: true });
    put('d7/e7/mark');
    const walk = walkOf();
    let turns = 0;
    const count = setInterval(() => {
      turns += 1;
    }, 1);
    expect(await paths(walk)).toEqual(['d7/e7/mark']);
    expect(walk.tookMs).toBeGreaterThan(0);
    clearInterval(count);
    // 3000 directories take longer than one slice on any machine.
    expect(turns).toBeGreaterThan(0);
  });
});
