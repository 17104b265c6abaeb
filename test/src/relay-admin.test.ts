// A relay that runs, seen from beside it: its admin endpoint, `hotlink status` and `profile`, SIGHUP, and what happens when two share a directory.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RelayReport } from '../../src/admin/index.js';
import { type AdminAddress, adminListen, startRelayAdmin } from '../../src/admin/index.js';
import { relayLines } from '../../src/cli/relay-text.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { Command, hotlink } from '../support/command.js';
import { RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
let dataDir: string;
const commands: Command[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'relay-admin-'));
});

afterEach(async () => {
  for (const command of commands.splice(0)) await command.stop('SIGKILL');
  await rm(dataDir, { recursive: true });
});

async function start(...args: string[]): Promise<{ command: Command; url: string; client: (user: string) => Promise<RelayClient> }> {
  const command = new Command(['relay', '--listen', '127.0.0.1:0', '--data', dataDir, ...args], { XDG_RUNTIME_DIR: dataDir });
  commands.push(command);
  await command.says('\n');
  const url = command.stdout.trim().replace('listening ', '');
  return { command, url, client: (user) => RelayClient.connect({ url } as RelayServer, user) };
}

const address = async (): Promise<AdminAddress> =>
  JSON.parse(await readFile(join(dataDir, '.syftbox/hotlink_admin.json'), 'utf8')) as AdminAddress;

async function ask({ socket, url, token }: AdminAddress, path: string, withToken = true): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', ...(token === undefined || !withToken ? {} : { authorization: `Bearer ${token}` }) };
    const asked = socket === undefined ? request(new URL(path, url), { headers }) : request({ socketPath: socket, path, headers });
    asked.on('error', reject);
    asked.on('response', async (response) => {
      let text = '';
      for await (const part of response) text += String(part);
      resolve({ status: response.statusCode ?? 0, text });
    });
    asked.end();
  });
}

describe('the admin endpoint of a relay', () => {
  it('says over its socket how the relay is, in numbers for scrapers and in words for people', async () => {
    const { client } = await start();
    const alice = await client(ALICE);
    alice.send({ typ: 9, sid: '0123456789abcdef', pth: `${ALICE}/f` });
    await alice.settled();
    const where = await address();
    expect(where).toMatchObject({ kind: 'relay', socket: expect.stringContaining(dataDir) });
    const text = (await ask(where, '/metrics')).text;
    expect(text).toContain('hotlink_relay_connections 1\n');
    expect(text).toContain('hotlink_relay_opens_total 1\n');
    expect(text.endsWith('# EOF\n')).toBe(true);
    expect(JSON.parse((await ask(where, '/status')).text)).toMatchObject({ relayServer: { dataDir }, stats: { users: 1, sessions: 1 } });
    expect((await ask(where, '/readyz')).status).toBe(200);
    expect((await ask(where, '/ping')).status).toBe(404);
    const status = await hotlink(['status', '--data', dataDir]);
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('1 connection of 1 user, 1 session, 0 ACL files') });
    const json = await hotlink(['status', '--data', dataDir, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ stats: { connections: 1 } });
    const report = JSON.parse(json.stdout) as RelayReport;
    const lines = (isServing: boolean): string => {
      const cluster = { isServing, processes: 3, remoteClients: 7, knownSessions: 0, outstandingBytes: 0, resent: 0, gaps: 0 };
      return relayLines({ ...report, stats: { ...report.stats, cluster } }, (_style, text) => text).join('\n');
    };
    expect(lines(true)).toContain('cluster of 3 processes, 7 connections at the others');
    expect(lines(false)).toContain('cut off from its cluster');
    const top = new Command(['top', '--data', dataDir]);
    commands.push(top);
    await top.says('1 connection, 1 session, ');
    const profile = await hotlink(['profile', '--data', dataDir, '--seconds', '0.2', '--out', join(dataDir, 'profiles')]);
    expect(profile).toMatchObject({ code: 0, stdout: expect.stringContaining('main') });
    expect((await hotlink(['doctor', '--data', dataDir, '--email', ALICE, '--server', 'http://127.0.0.1:1', '--json'])).stdout).toContain(
      'a relay runs on',
    );
    await alice.close();
  });

  it('on a port wants its token, except for health', async () => {
    await start('--admin', '127.0.0.1:0');
    const where = await address();
    expect([(await ask(where, '/status', false)).status, (await ask(where, '/healthz', false)).status]).toEqual([401, 200]);
    expect((await ask(where, '/status')).status).toBe(200);
  });

  it('is the first one’s where two relays share a directory; both serve', async () => {
    const first = await start();
    const second = await start();
    expect(second.command.stderr).toContain('no admin endpoint');
    expect((await fetch(`${second.url}/healthz`)).status).toBe(200);
    expect((await address()).pid).toBe(first.command.child.pid);
    expect(await first.command.stop()).toBe(143);
    await expect(address()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('leaves nothing open when it cannot write where it is', async () => {
    const relay = await startRelay({ listen: '127.0.0.1:0' });
    try {
      await mkdir(join(dataDir, '.syftbox/hotlink_admin.json/in-the-way'), { recursive: true });
      const listen = adminListen('127.0.0.1:0', dataDir) as { host: string; port: number };
      const listening = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
      const before = listening();
      await expect(startRelayAdmin({ listen, relay, dataDir, version: '0' })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
      await expect.poll(listening).toBe(before);
    } finally {
      await relay.close();
    }
  });

  it('needs a directory', async () => {
    const { code, stderr } = await hotlink(['relay', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
    expect([code, stderr]).toEqual([78, expect.stringContaining('--data')]);
  });
});

describe('SIGHUP', () => {
  it('takes tokens away at once and changes the level of the log; a file with a mistake changes nothing', async () => {
    const tokens = join(dataDir, 'tokens');
    const config = join(dataDir, 'relay.yaml');
    await writeFile(config, `tokenFile: ${tokens}\n`);
    const token = (await hotlink(['token', '--email', ALICE, '--tokens', tokens])).stdout.trim();
    const { command, url } = await start('--config', config);
    const alice = await RelayClient.connect({ url } as RelayServer, ALICE, { headers: { authorization: `Bearer ${token}` } });
    await writeFile(tokens, '# nobody\n');
    await writeFile(config, `tokenFile: ${tokens}\nlogLevel: debug\n`);
    command.child.kill('SIGHUP');
    expect(await alice.closed).toBe(1008);
    await expect.poll(() => command.stderr).toContain('"level":"debug"');
    await writeFile(config, 'nonsense: 1\n');
    command.child.kill('SIGHUP');
    await expect.poll(() => command.stderr).toContain("unknown key 'nonsense'");
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(command.stderr).not.toContain(token);
  });
});
