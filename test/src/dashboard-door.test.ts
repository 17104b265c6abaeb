// `hotlink dashboard`: a daemon that listens on a unix socket only is reached by a browser all the same, and by nobody else.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AdminServer, adminListen, startAdmin } from '../../src/admin/index.js';
import { ALICE, freePort, Sandbox, until } from '../support/sandbox.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

let sandbox: Sandbox;
let admin: AdminServer | undefined;
let child: ChildProcess | undefined;

beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await admin?.close();
  await sandbox.close();
});

async function startDaemon(setting: string): Promise<AdminServer> {
  const [{ link }] = await sandbox.pair();
  const dataDir = sandbox.dataDir(ALICE);
  const listen = adminListen(setting, dataDir);
  if (listen === undefined) throw new Error('off');
  admin = await startAdmin({ listen, link, dataDir, email: ALICE, verb: 'up', version: '0' });
  return admin;
}

interface Command {
  /** First line of stdout; empty when there is none. */
  line: string;
  exitCode: () => Promise<number | null>;
  stderr: () => string;
}

async function run(...args: string[]): Promise<Command> {
  const started = spawn(process.execPath, [entry, 'dashboard', '--data', sandbox.dataDir(ALICE), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let stderr = '';
  started.stderr.on('data', (part) => {
    stderr += part;
  });
  const exit = once(started, 'exit');
  const lines = createInterface(started.stdout);
  const line = await Promise.race([once(lines, 'line').then(([text]) => text as string), once(lines, 'close').then(() => '')]);
  return { line, exitCode: async () => (await exit)[0] as number | null, stderr: () => stderr };
}

describe('hotlink dashboard', () => {
  it('is the way to a unix socket while it runs, for those who have its token', { timeout: 60_000 }, async () => {
    await startDaemon('auto');
    const { line, exitCode } = await run();
    const { origin, hash } = new URL(line);
    const bearer = { authorization: `Bearer ${new URLSearchParams(hash.slice(1)).get('token')}` };
    const page = await fetch(origin);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<title>hotlink</title>');
    expect((await fetch(`${origin}/status`)).status).toBe(401);
    expect(await (await fetch(`${origin}/status`, { headers: bearer })).json()).toMatchObject({ email: ALICE });
    expect((await fetch(`${origin}/status`, { headers: { ...bearer, origin: 'http://evil.example' } })).status).toBe(403);
    expect((await fetch(`${origin}/profile?seconds=0.1`, { method: 'POST', headers: bearer })).status).toBe(404);
    const events = await fetch(`${origin}/events?status=200`, { headers: bearer });
    let text = '';
    for await (const part of events.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(part).toString();
      if (text.split('event: status\n').length > 3) break;
    }
    child?.kill('SIGINT');
    expect(await exitCode()).toBe(130);
    await expect(fetch(origin)).rejects.toThrow();
  });

  it('prints the URL of a daemon with a TCP port of its own, and is done', { timeout: 60_000 }, async () => {
    const { address } = await startDaemon('127.0.0.1:0');
    const { line, exitCode } = await run('--json');
    expect(JSON.parse(line)).toEqual({ url: `${address.url}/#token=${address.token}` });
    expect(await exitCode()).toBe(0);
  });

  it('says what to do when there is no daemon, and when its port is taken', { timeout: 60_000 }, async () => {
    const none = await run();
    expect([none.line, await none.exitCode()]).toEqual(['', 69]);
    expect(none.stderr()).toMatch(/^hotlink: no daemon is running on the data directory .*; start one with: hotlink up/);
    await startDaemon('auto');
    const taken = await freePort();
    const holder = createServer().listen(taken, '127.0.0.1');
    await once(holder, 'listening');
    const busy = await run('--port', String(taken));
    expect([busy.line, await busy.exitCode()]).toEqual(['', 1]);
    await until('its reason is there', () => busy.stderr().includes('\n'));
    expect(busy.stderr()).toMatch(
      new RegExp(`^hotlink: 127\\.0\\.0\\.1:${taken} cannot be had: .*EADDRINUSE.*; give another --port, or 0\n$`),
    );
    holder.close();
  });
});
