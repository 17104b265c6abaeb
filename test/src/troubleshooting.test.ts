// docs/troubleshooting.md and docs/operating.md, tried: each situation is brought about, the command that the document names is run, and says what the document
// says that it says.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metrics } from '../../src/admin/metrics.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { absent, have } from '../support/absent.js';
import { ALICE, BOB, dial, freePort } from '../support/sandbox.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const root = join(import.meta.dirname, '../../..');
const document = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');

let home: string;
let data: string;
let relay: RelayServer;
let daemons: ChildProcess[] = [];

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'hotlink-trouble-'));
  data = join(home, 'data');
  relay = await startRelay({ listen: '127.0.0.1:0' });
});
afterEach(async () => {
  await Promise.all(daemons.map(end));
  daemons = [];
  await relay.close();
  rmSync(home, { recursive: true, force: true });
});

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const left = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await left;
}

interface Said {
  code: number;
  text: string;
}

function hotlink(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], XDG_RUNTIME_DIR: home };
    execFile(process.execPath, [entry, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
  });
}

const identity = (): string[] => ['--email', ALICE, '--server', relay.url, '--data', data];

async function startDaemon(): Promise<ChildProcess> {
  const env = { PATH: process.env['PATH'], XDG_RUNTIME_DIR: home };
  const daemon = spawn(process.execPath, [entry, 'up', ...identity(), '--threads', '1'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  daemons.push(daemon);
  await once(daemon.stdout as NonNullable<typeof daemon.stdout>, 'data');
  return daemon;
}

function writeMarker(directory: string, peer: string, port: number): void {
  const path = join(data, 'datasites', ALICE, 'app_data/x/_mpc', directory);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'stream.tcp'), JSON.stringify({ from: ALICE, to: peer, port }));
}

/** The daemon looks for markers a few times a second. */
async function dialSoon(port: number): Promise<Socket> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      return await dial(port);
    } catch {
      await hotlink('status', '--data', data);
    }
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** Runs a command until it says all of it, as a person would who looks again; then holds it against the document. */
async function says(words: readonly string[], ...args: string[]): Promise<Said> {
  for (const phrase of words) expect(document, 'the document has it').toContain(phrase);
  let said = await hotlink(...args);
  for (let looks = 0; looks < 20 && !words.every((phrase) => said.text.includes(phrase)); looks += 1) said = await hotlink(...args);
  for (const phrase of words) expect(said.text).toContain(phrase);
  expect(said.text).not.toMatch(/^\s+at /m);
  return said;
}

describe('nothing runs:', { timeout: 60_000 }, () => {
  it('there is no daemon, there is one already, there was one', async () => {
    expect((await says(['no daemon is running on the data directory'], 'status', '--data', data)).code).toBe(69);
    const daemon = await startDaemon();
    expect((await says(['is held by', 'process'], 'up', ...identity())).code).toBe(78);
    await says(['no channels'], 'status', '--data', data);
    await end(daemon);
    expect((await says(['is gone and left its files behind'], 'status', '--data', data)).code).toBe(69);
    await startDaemon();
    expect((await hotlink('status', '--data', data)).code).toBe(0);
  });

  it('the configuration has a mistake, the relay refuses the identity', async () => {
    const file = join(home, 'c.yaml');
    writeFileSync(file, 'email: a@example.com\nsever: x\n');
    expect((await says(['unknown key'], 'up', '--config', file)).code).toBe(78);
    await relay.close();
    relay = await startRelay({ listen: '127.0.0.1:0', authSecret: 'secret' });
    expect((await says(['refuse'], 'up', ...identity())).code).toBe(77);
    await says(['fail  login'], 'doctor', ...identity());
  });
});

describe('a channel does not come up:', { timeout: 60_000 }, () => {
  it('its port is taken, nothing was sent, the relay does not permit it, and the relay is gone', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const taken = (holder.address() as { port: number }).port;
    const port = await freePort();
    writeMarker('0_to_1', BOB, taken);
    writeMarker('0_to_2', 'carol@example.com', port);
    await startDaemon();
    await says(['is in use by another process', 'no lane'], 'status', '--data', data);
    await says(['skip  stun'], 'doctor', ...identity());
    const application = await dialSoon(port);
    application.write('x');
    await says(['permission denied'], 'status', '--data', data);
    await relay.close();
    await says(['down for', 'ECONNREFUSED'], 'status', '--data', data);
    await says(['fail  relay:', 'cannot be reached'], 'doctor', ...identity());
    application.destroy();
    holder.close();
  });

  it('the peer is not there', async () => {
    const port = await freePort();
    writeMarker('0_to_1', BOB, port);
    const rules = `rules:\n  - pattern: '**'\n    access: { admin: ['${ALICE}'], read: ['${BOB}'], write: ['${BOB}'] }\n`;
    const key = `${ALICE}/app_data/x/syft.pub.yaml`;
    const put = await fetch(`${relay.url}/api/v1/acl?user=${ALICE}&key=${key}`, { method: 'PUT', body: rules });
    expect(put.status).toBe(200);
    await startDaemon();
    const application = await dialSoon(port);
    application.write('x');
    await says(['asking the peer'], 'status', '--data', data);
    expect((await says(['did not answer within'], 'ping', '--peer', BOB, '--count', '1', '--timeout', '500', ...identity())).code).toBe(69);
    application.destroy();
  });
});

describe('docs/operating.md', { timeout: 60_000 }, () => {
  const operating = readFileSync(join(root, 'docs/operating.md'), 'utf8');

  it('names metrics and lines of the log that there are', () => {
    const files = /^hotlink_(telemetry|admin)$/;
    const named = [...new Set([...operating.matchAll(/\bhotlink_[a-z_]+\b/g)].map(([name]) => name))].filter((name) => !files.test(name));
    const known = metrics.map(({ name, type }) => (type === 'counter' ? `${name}_total` : name));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    const code = ['src', 'src/control', 'src/cli']
      .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(path, 'utf8'))
      .join('');
    const table = operating.slice(operating.indexOf('| level |'), operating.indexOf('## The relay'));
    const lines = [...table.slice(table.indexOf('| error |')).matchAll(/`([a-z ]+)`/gi)].map(([, line]) => line as string);
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.filter((line) => !code.includes(`'${line}'`))).toEqual([]);
  });

  it.skipIf(absent('the curl lines', have('curl') ? undefined : 'curl is not installed'))('has curl lines that work', async () => {
    const commands = [...operating.matchAll(/^curl .*$/gm)].map(([line]) => line.replace('/var/lib/hotlink/alice', data));
    expect(commands).toHaveLength(2);
    await startDaemon();
    const [ready, exposition] = await Promise.all(commands.map((command) => promisify(execFile)('sh', ['-c', command])));
    expect(JSON.parse(ready?.stdout ?? '')).toHaveProperty('ready');
    expect(exposition?.stdout).toMatch(/# EOF\n$/);
  });
});
