// The list of running daemons in a directory that another user may have made first: nothing in it is believed, and nothing removed.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { register, registered, unregister } from '../../src/admin/index.js';

let home = '';
let before: string | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hotlink-registry-'));
  before = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = home;
});
afterEach(() => {
  if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
  else process.env['XDG_RUNTIME_DIR'] = before;
  rmSync(home, { recursive: true, force: true });
});

const keys = (): string => join(home, 'keys');
function withKeys(): string {
  mkdirSync(keys());
  const key = join(keys(), '0123456789abcdef.json');
  writeFileSync(key, 'a file of ours');
  return key;
}

it('a directory that others may write to is left alone', async () => {
  const key = withKeys();
  mkdirSync(join(home, 'hotlink'));
  chmodSync(join(home, 'hotlink'), 0o777);
  symlinkSync(keys(), join(home, 'hotlink', 'daemons'));
  expect(await registered()).toEqual([]);
  await unregister('anywhere');
  expect(register({ dataDir: 'anywhere', pid: 1, email: 'a@b.co' })).toBe(false);
  expect(existsSync(key)).toBe(true);
});

it('a link to a directory of ours is left alone', async () => {
  mkdirSync(join(home, 'daemons'));
  const key = join(home, 'daemons', '0123456789abcdef.json');
  writeFileSync(key, 'a file of ours');
  symlinkSync(home, join(home, 'hotlink'));
  expect(await registered()).toEqual([]);
  expect(existsSync(key)).toBe(true);
});

it('files that are not of the list stay, and what a crash left goes', async () => {
  expect(register({ dataDir: join(home, 'gone'), pid: 1, email: 'a@b.co' })).toBe(true);
  const other = join(home, 'hotlink', 'daemons', 'notes.txt');
  writeFileSync(other, 'mine');
  expect(await registered()).toEqual([]);
  expect(existsSync(other)).toBe(true);
  expect(register({ dataDir: join(home, 'gone'), pid: 1, email: 'a@b.co' })).toBe(true);
});
