// One daemon per data directory: who comes second is told who holds it, and what a crash left behind stops nobody.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryLock, lockPath, readHolder } from '../../src/admin/directory-lock.js';
import { livenessOf, ownIdentity } from '../../src/admin/process-identity.js';

const REQUEST = { email: 'alice@example.com', verb: 'up' };
const MODULE = new URL('../../src/admin/directory-lock.js', import.meta.url).href;

let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hotlink-lock-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Another process that takes the lock and keeps it. @returns it, once it says what happened: `held` or the error's code */
async function taker(): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    import { DirectoryLock } from ${JSON.stringify(MODULE)};
    try { await DirectoryLock.acquire(${JSON.stringify(dir)}, ${JSON.stringify(REQUEST)}); console.log('held'); setInterval(() => {}, 1000); }
    catch (error) { console.log(error.code); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer];
  return { child, said: String(said).trim() };
}

/** Leaves a lock as another process would have written it. */
function leave(over: Record<string, unknown>): void {
  const path = lockPath(dir);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ ...ownIdentity(), ...REQUEST, sinceMs: 0, id: 'left', ...over }));
}

describe('a data directory', () => {
  it('is held by one; the second is told by whom, and it is free again afterwards', async () => {
    const first = await DirectoryLock.acquire(dir, REQUEST);
    await expect(DirectoryLock.acquire(dir, REQUEST)).rejects.toMatchObject({
      code: 'ERR_HLNK_LOCKED',
      message: expect.stringMatching(new RegExp(`hotlink up.*alice@example.com, process ${process.pid} on .*since \\d{4}-`)) as string,
    });
    await first.release();
    expect(await readHolder(dir)).toBeUndefined();
    await (await DirectoryLock.acquire(dir, REQUEST)).release();
  });

  it('is refused while another process has it, and taken over at once when that process was killed', async () => {
    const { child, said } = await taker();
    expect(said).toBe('held');
    await expect(DirectoryLock.acquire(dir, REQUEST)).rejects.toMatchObject({ code: 'ERR_HLNK_LOCKED' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const began = performance.now();
    const lock = await DirectoryLock.acquire(dir, REQUEST);
    expect(performance.now() - began).toBeLessThan(5000);
    await lock.release();
  });

  it('goes to exactly one of many that find a dead lock at the same time', { timeout: 60_000 }, async () => {
    leave({ pid: 0x3fff_fff1 });
    const said = (await Promise.all(Array.from({ length: 6 }, taker))).map((one) => one.said);
    expect(said.filter((one) => one === 'held')).toHaveLength(1);
    expect(said.filter((one) => one === 'ERR_HLNK_LOCKED')).toHaveLength(5);
  });

  it.runIf(process.platform === 'linux')('is not held by a later process that was given the same pid', async () => {
    leave({ pid: process.pid, startTicks: 1 });
    expect(livenessOf({ ...ownIdentity(), startTicks: 1 })).toBe('gone');
    await (await DirectoryLock.acquire(dir, REQUEST)).release();
  });

  it('is held by a process that cannot be seen from here as long as that one touches its lock, and no longer', async () => {
    leave({ scope: 'another container', host: 'elsewhere' });
    const waited: string[] = [];
    const beat = setInterval(() => utimesSync(lockPath(dir), new Date(), new Date()), 200);
    try {
      await expect(
        DirectoryLock.acquire(dir, { ...REQUEST, silenceMs: 3000, onWait: ({ host }) => waited.push(host) }),
      ).rejects.toMatchObject({
        code: 'ERR_HLNK_LOCKED',
      });
    } finally {
      clearInterval(beat);
    }
    expect(waited).toEqual(['elsewhere']);
    await (await DirectoryLock.acquire(dir, { ...REQUEST, silenceMs: 1000 })).release();
  });

  it('is taken over although the lock is empty, as a crash of the machine may leave it', async () => {
    leave({});
    writeFileSync(lockPath(dir), '');
    await (await DirectoryLock.acquire(dir, { ...REQUEST, silenceMs: 1000 })).release();
  });

  it('is given back only by who holds it', async () => {
    const lock = await DirectoryLock.acquire(dir, REQUEST);
    leave({ id: 'another' });
    await lock.release();
    expect(JSON.parse(readFileSync(lockPath(dir), 'utf8'))).toMatchObject({ id: 'another' });
  });

  it('that cannot be written is a matter of configuration', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(DirectoryLock.acquire(join(dir, 'file'), REQUEST)).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  });
});
