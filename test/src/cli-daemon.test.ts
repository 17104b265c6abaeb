// A running daemon as its user meets it: started twice, asked how it is, pinged, profiled, given another configuration, and taken down.

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DaemonReport } from '../../src/admin/index.js';
import { mintAccessToken, type RelayServer, startRelay } from '../../src/relay/index.js';
import { Command, hotlink } from '../support/command.js';
import { ALICE, BOB, freePort, until } from '../support/sandbox.js';

let relay: RelayServer;
let home: string;
let env: Record<string, string>;
const commands: Command[] = [];

beforeAll(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
});
afterAll(() => relay.close());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hotlink-cli-'));
  // A runtime directory of its own: daemons of other tests are not to be found.
  env = { XDG_RUNTIME_DIR: home, HOME: home, HOTLINK_THREADS: '1' };
});
afterEach(async () => {
  await Promise.all(commands.splice(0).map((command) => command.stop('SIGKILL')));
  rmSync(home, { recursive: true, force: true });
});

function start(args: readonly string[], more: Record<string, string> = {}): Command {
  const command = new Command(args, { ...env, ...more });
  commands.push(command);
  return command;
}

const identity = (email: string): string[] => ['--email', email, '--server', relay.url];
const data = (email: string): string => join(home, email);

/** A daemon with one marker. */
async function up(email: string, peer: string, port: number, more: readonly string[] = []): Promise<Command> {
  const directory = join(data(email), 'datasites', email, 'app_data/demo/_mpc', email < peer ? '0_to_1' : '1_to_0');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'stream.tcp'), JSON.stringify({ from: email, to: peer, port }));
  const key = `${email}/app_data/demo/_mpc/${email < peer ? '0_to_1' : '1_to_0'}/syft.pub.yaml`;
  const both = `['${email}', '${peer}']`;
  const acl = `rules: [{pattern: '**', access: {admin: ['${email}'], read: ${both}, write: ${both}}}]`;
  await fetch(`${relay.url}/api/v1/acl?user=${email}&key=${key}`, { method: 'PUT', body: acl });
  const daemon = start(['up', ...identity(email), '--data', data(email), ...more]);
  await daemon.says('ready');
  return daemon;
}

const noTrace = (text: string): void => expect(text).not.toMatch(/^\s+at /m);

describe('a data directory', () => {
  it('takes one daemon: the second says who holds it, leaves with 78, and nothing is harmed', async () => {
    const first = await up(ALICE, BOB, await freePort());
    const before = await hotlink(['status', '--json', '--data', data(ALICE)], env);
    const second = await hotlink(['up', ...identity(ALICE), '--data', data(ALICE)], env);
    expect(second.code).toBe(78);
    expect(second.stdout).toBe('');
    expect(second.stderr).toMatch(
      new RegExp(`^hotlink: the data directory .* is held by .*${ALICE}, process ${first.child.pid} on .*since .*\\n$`),
    );
    const after = await hotlink(['status', '--json', '--data', data(ALICE)], env);
    expect((JSON.parse(after.stdout) as DaemonReport).daemon.pid).toBe((JSON.parse(before.stdout) as DaemonReport).daemon.pid);
    expect(await first.stop()).toBe(143);
    expect(readdirSync(join(data(ALICE), '.syftbox'))).toEqual([]);
  });

  it('of a daemon that was killed is taken over, and status tells the difference', async () => {
    const killed = await up(ALICE, BOB, await freePort());
    await killed.stop('SIGKILL');
    const asked = await hotlink(['status', '--data', data(ALICE)], env);
    expect(asked).toMatchObject({ code: 69, stdout: '' });
    expect(asked.stderr).toMatch(
      /^hotlink: the daemon that was there \(process \d+\) is gone and left its files behind; start it again\n$/,
    );
    const next = start(['up', ...identity(ALICE), '--data', data(ALICE)]);
    await next.says('ready');
    expect((await hotlink(['status', '--data', data(ALICE)], env)).code).toBe(0);
  });

  it('without a daemon: 69, and how to start one', async () => {
    for (const args of [['status'], ['top'], ['profile'], ['status', '--watch', '--json']]) {
      const { code, stderr } = await hotlink([...args, '--data', home], env);
      expect(code).toBe(69);
      expect(stderr).toBe(`hotlink: no daemon is running on the data directory ${home}; start one with: hotlink up --data ${home}\n`);
    }
    expect((await hotlink(['status'], env)).stderr).toMatch(/no daemon with a data directory is running/);
  });
});

describe('a running daemon', () => {
  it('is found without a word where it is the only one, and named where there are several', { timeout: 60_000 }, async () => {
    await up(ALICE, BOB, await freePort());
    const one = await hotlink(['status'], env);
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toMatch(new RegExp(`^${ALICE}  running for .*\\nrelay ${relay.url}  up for `));
    expect(one.stdout).not.toContain('\x1b');
    await up(BOB, ALICE, await freePort());
    const two = await hotlink(['status'], env);
    expect(two.code).toBe(2);
    expect(two.stderr).toContain(`--data ${data(ALICE)}`);
    expect(two.stderr).toContain(`--data ${data(BOB)}`);
    const doctor = await hotlink(['doctor'], env);
    expect(doctor.stdout).toMatch(/several daemons are running\n +→ say which one is meant: --data /);
  });

  it('follows a lane in plain lines and in JSON, is pinged, and profiled into files', { timeout: 60_000 }, async () => {
    await up(ALICE, BOB, await freePort());
    await up(BOB, ALICE, await freePort());
    const watch = start(['status', '--watch', '--json', '--data', data(ALICE)]);
    const top = start(['top', '--data', data(ALICE)]);
    await top.says('0_to_1 with bob@example.com: no lane');

    const pinged = await hotlink(['ping', '--data', data(ALICE), '--peer', BOB, '--count', '3', '--interval', '10', '--json'], env);
    expect(pinged.code).toBe(0);
    const pong = JSON.parse(pinged.stdout) as { answered: number; lanes: string[]; rounds: { lane: string; rttMs: number }[] };
    expect(pong).toMatchObject({ peer: BOB, sent: 3, answered: 3 });
    const lane = pong.rounds.at(-1)?.lane as string;
    await until(
      'the watchers see the lane',
      () => watch.stdout.includes(`"lane":"${lane}"`) && top.stdout.includes(`with ${BOB}: ${lane}`),
      5000,
    );
    for (const line of watch.stdout.split('\n').slice(0, -1)) expect((JSON.parse(line) as DaemonReport).email).toBe(ALICE);
    expect(await watch.stop('SIGINT')).toBe(130);
    expect(await top.stop()).toBe(143);

    const out = join(home, 'profiles');
    const profiled = await hotlink(['profile', '--data', data(ALICE), '--seconds', '0.3', '--out', out, '--json'], env);
    expect(profiled.code).toBe(0);
    const { files } = JSON.parse(profiled.stdout) as { files: { thread: string; profile: string; flameGraph: string | null }[] };
    expect(files.map(({ thread }) => thread)).toEqual(['main', 'relay', 'channel-1']);
    for (const { profile, flameGraph } of files) {
      expect(JSON.parse(readFileSync(profile, 'utf8'))).toHaveProperty('nodes');
      // 0x is among the development dependencies.
      expect(readFileSync(flameGraph as string, 'utf8')).toContain('flamegraph');
    }
  });

  it('reads its configuration again on SIGHUP: channels come and go, the rest is named, a bad file changes nothing', {
    timeout: 60_000,
  }, async () => {
    const path = join(home, 'hotlink.yaml');
    const common = `email: ${ALICE}\nserver: ${relay.url}\ndataDir: ${data(ALICE)}\nthreads: 1\n`;
    const channel = (name: string): string => `  - { peer: ${BOB}, name: ${name}, listen: '127.0.0.1:0' }\n`;
    writeFileSync(path, `${common}channels:\n${channel('one')}${channel('two')}`);
    const daemon = start(['up', '--config', path]);
    await daemon.says('ready');
    const names = async (): Promise<string[]> => {
      const { stdout } = await hotlink(['status', '--json', '--data', data(ALICE)], env);
      return (JSON.parse(stdout) as DaemonReport).channels.map(({ name }) => name).sort();
    };
    expect(await names()).toEqual(['one', 'two']);

    writeFileSync(path, `${common}debug: true\nmtu: 1400\nchannels:\n${channel('two')}${channel('three')}`);
    daemon.child.kill('SIGHUP');
    await until('it was read again', () => daemon.stderr.includes('hold from the next start on'));
    expect(daemon.stderr).toContain('"added":1,"removed":1,"level":"debug"');
    expect(daemon.stderr).toContain('"settings":["mtu"]');
    expect(await names()).toEqual(['three', 'two']);

    writeFileSync(path, `${common}chanels: []\n`);
    daemon.child.kill('SIGHUP');
    await until('it was refused', () => daemon.stderr.includes('everything stays as it is'));
    expect(daemon.stderr).toContain(`${path}:5: unknown key 'chanels'`);
    expect(await names()).toEqual(['three', 'two']);
    expect(await daemon.stop()).toBe(143);
  });
});

describe('what people get wrong is one clear message, the right code and no stack trace', () => {
  it('a relay that cannot be reached is 69', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    for (const verb of [['forward', '--listen', '127.0.0.1:0'], ['pipe']]) {
      const { code, stderr } = await hotlink([...verb, '--email', ALICE, '--server', server, '--peer', BOB, '--name', 'x'], env);
      expect(code).toBe(69);
      expect(stderr.split('\n').filter((line) => line.startsWith('hotlink: '))).toEqual([
        expect.stringContaining(`the relay at ${server} cannot be reached`),
      ]);
      noTrace(stderr);
    }
  });

  it('a relay that refuses the identity is 77', async () => {
    const guarded = await startRelay({ listen: '127.0.0.1:0', authSecret: 'north wind' });
    try {
      const args = ['up', '--email', ALICE, '--server', guarded.url, '--data', data(ALICE)];
      const refused = await hotlink(args, env);
      expect(refused.code).toBe(77);
      expect(refused.stderr).toMatch(new RegExp(`the relay refused ${ALICE}`));
      noTrace(refused.stderr);
      const welcome = start(args, { HOTLINK_TOKEN: mintAccessToken(ALICE, 'north wind', Date.now()) });
      await welcome.says('ready');
      await until('it is at the relay', () => welcome.stderr.includes('relay up'));
      expect(await welcome.stop()).toBe(143);
      expect(refused.stderr + welcome.stderr).not.toContain('north wind');
    } finally {
      await guarded.close();
    }
  });

  it('a port that is taken is 1 and names who has it', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const { code, stderr } = await hotlink(
      ['forward', ...identity(ALICE), '--peer', BOB, '--name', 'x', '--listen', `127.0.0.1:${port}`],
      env,
    );
    holder.close();
    expect(code).toBe(1);
    const [line] = stderr.split('\n').filter((one) => one.startsWith('hotlink: '));
    expect(line).toContain(`127.0.0.1:${port} is in use`);
    if (process.platform === 'linux') expect(line).toContain(`(process ${process.pid})`);
    noTrace(stderr);
  });

  it('strict mode without a peer is 75 and names path and sequence number', { timeout: 60_000 }, async () => {
    const port = await freePort();
    const daemon = await up(ALICE, BOB, port, ['--strict']);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write('hello');
    expect(await daemon.exit).toBe(75);
    socket.destroy();
    expect(daemon.stderr).toMatch(/path .*sequence number 1: the peer did not accept within 10000 ms/);
    noTrace(daemon.stderr);
  });

  it('a setting that holds a password is refused without repeating it', async () => {
    const { code, stderr } = await hotlink(
      ['up', '--email', ALICE, '--server', 'http://alice:hush@127.0.0.1:1', '--data', data(ALICE)],
      env,
    );
    expect(code).toBe(78);
    expect(stderr).toContain('HOTLINK_TOKEN');
    expect(stderr).not.toContain('hush');
    noTrace(stderr);
  });

  it.each([
    [['ping', '--peer', BOB], 2],
    [['ping', '--peer', BOB, '--count', '0'], 2],
    [['pipe', '--peer', BOB], 2],
    [['completion', 'tcsh'], 2],
    [['profile', '--seconds', 'long'], 2],
    [['up', '--email', ALICE, '--server', 'http://127.0.0.1:1', '--log-level', 'loud'], 2],
    [['up', '--email', ALICE, '--server', 'nowhere', '--data', 'DATA'], 78],
    [['up', '--email', ALICE, '--server', 'http://127.0.0.1:1', '--data', 'DATA', '--admin', '0.0.0.0:7070'], 78],
  ])('%j is %d', async (args, expected) => {
    const { code, stdout, stderr } = await hotlink(
      args.map((arg) => (arg === 'DATA' ? data(ALICE) : arg)),
      env,
    );
    expect(code).toBe(expected);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
    noTrace(stderr);
  });
});

describe('ping and pipe', () => {
  it('ping a peer that does not answer: 69', async () => {
    const { code, stdout } = await hotlink(['ping', ...identity(ALICE), '--peer', BOB, '--count', '1', '--timeout', '600'], env);
    expect(code).toBe(69);
    expect(stdout).toMatch(/no answer: bob@example.com did not answer within 600 ms.*\nnone of 1 answered\n/);
  });

  it('pipe bytes both ways between two terminals, exactly, and leave with 0', { timeout: 60_000 }, async () => {
    const alice = start(['pipe', ...identity(ALICE), '--peer', BOB, '--name', 'x']);
    const bob = start(['pipe', ...identity(BOB), '--peer', ALICE, '--name', 'x']);
    const there = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) & 0xff));
    const back = Buffer.from('thank you\n');
    alice.child.stdin?.end(there);
    bob.child.stdin?.end(back);
    expect(await Promise.all([alice.exit, bob.exit])).toEqual([0, 0]);
    expect(bob.bytes.equals(there)).toBe(true);
    expect(alice.bytes.equals(back)).toBe(true);
    expect(alice.stderr).toBe(`on the other side: hotlink pipe --email ${BOB} --server ${relay.url} --peer ${ALICE} --name x\n`);
  });

  it('pipe into an application behind forward, with the command that forward printed', { timeout: 60_000 }, async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const forward = start(['forward', ...identity(BOB), '--peer', ALICE, '--name', 'echo', '--dial', `127.0.0.1:${port}`]);
    await until('forward says what to do', () => forward.stderr.includes('on the other side: hotlink forward'));
    const piped = await hotlink(['pipe', ...identity(ALICE), '--peer', BOB, '--name', 'echo'], env, 'hello\n');
    server.close();
    expect(piped).toMatchObject({ code: 0, stdout: 'hello\n' });
    expect(await forward.stop('SIGINT')).toBe(130);
  });

  it('pipe gives up on a peer that does not come, when told to', async () => {
    const { code, stderr } = await hotlink(['pipe', ...identity(ALICE), '--peer', BOB, '--name', 'x', '--wait', '0.3'], env);
    expect(code).toBe(69);
    expect(stderr).toContain('bob@example.com did not come within 0.3 s');
  });

  it('forward with a data directory has a status too, and doctor knows its channel', { timeout: 60_000 }, async () => {
    const forward = start([
      'forward',
      ...identity(ALICE),
      '--peer',
      BOB,
      '--name',
      'web',
      '--listen',
      '127.0.0.1:0',
      '--data',
      data(ALICE),
    ]);
    await forward.says('listening 127.0.0.1:');
    const { stdout } = await hotlink(['status', '--json'], env);
    expect(JSON.parse(stdout)).toMatchObject({
      daemon: { verb: 'forward' },
      channels: [{ name: 'web', shape: 'forward', listening: true }],
    });
    const doctor = await hotlink(['doctor'], env);
    expect(doctor).toMatchObject({ code: 0, stderr: '' });
    expect(doctor.stdout).toMatch(/^ok {4}daemon: process \d+, 1 channel, relay up$/m);
    expect(doctor.stdout).toContain(`${ALICE} may write and ${BOB} may read`);
    if (process.platform === 'linux') expect(doctor.stdout).toMatch(/^ok {4}port \d+: held by the daemon for web with bob@example.com$/m);
  });
});
