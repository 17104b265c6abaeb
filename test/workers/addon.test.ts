// The addon and worker threads: what aborts a process, and what this program does instead. Run in child processes, since some abort.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

async function run(script: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [new URL(script, import.meta.url).pathname, ...args], { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

describe('the WebRTC addon in worker threads', () => {
  it('aborts the process when two threads import it plainly (if this fails, a release has fixed it: drop the private images)', async () => {
    const ended = await run('./two-threads.js', ['plain']);
    expect(ended.signal ?? ended.code).toSatisfy((how) => how === 'SIGABRT' || how === 'SIGSEGV' || how === 134 || how === 139);
  });

  it('gives each thread an image of its own, with live data channels in two threads at once', async () => {
    const ended = await run('./two-threads.js', ['private']);
    expect(ended).toMatchObject({ code: 0, stdout: 'thread 1 echoed 5\nthread 2 echoed 5\n' });
  });

  it('leaves no file behind, and goes on to the next directory when one cannot be used', async () => {
    const place = mkdtempSync(join(tmpdir(), 'hotlink-test-'));
    try {
      const ended = await run('./two-threads.js', ['private'], { TMPDIR: place });
      expect(ended.code).toBe(0);
      expect(readdirSync(place)).toEqual([]);
      const elsewhere = await run('./two-threads.js', ['private'], { TMPDIR: join(place, 'missing'), XDG_CACHE_HOME: place });
      expect(elsewhere.code).toBe(0);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
