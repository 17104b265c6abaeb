// What doctor finds: each check against the real thing in both states, and an archive in which nothing private is left.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aclChecks } from '../../src/doctor/acl.js';
import type { Check } from '../../src/doctor/check.js';
import { daemonChecks } from '../../src/doctor/daemon.js';
import { addonCheck, threadsCheck } from '../../src/doctor/machine.js';
import { natChecks } from '../../src/doctor/nat.js';
import { portChecks } from '../../src/doctor/ports.js';
import { redactor } from '../../src/doctor/redact.js';
import { relayChecks } from '../../src/doctor/relay.js';
import { endpointOf, parseStun, StunAttribute, StunType, stunRequest } from '../../src/doctor/stun-message.js';
import { turnChecks } from '../../src/doctor/turn.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { answerStun } from '../../src/relay/stun.js';
import { absent } from '../support/absent.js';
import { hotlink } from '../support/command.js';
import { ALICE, BOB, freePort, Sandbox, until } from '../support/sandbox.js';

let relay: RelayServer;
let home: string;

beforeAll(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0', stunListen: '127.0.0.1:0' });
  home = mkdtempSync(join(tmpdir(), 'hotlink-doctor-'));
});
afterAll(async () => {
  await relay.close();
  rmSync(home, { recursive: true, force: true });
});

const verdicts = (checks: readonly Check[]): Record<string, string> =>
  Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
const ice = (...iceServers: string[]): Parameters<typeof natChecks>[0] => ({ iceServers, turnUser: undefined, turnPass: undefined });

/** A STUN server that says what it is told to say. */
async function stunServer(says: (question: Buffer) => Uint8Array | undefined): Promise<{ url: string; socket: Socket }> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const answer = says(question);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { url: `stun:127.0.0.1:${socket.address().port}`, socket };
}

describe('the machine', () => {
  it('has an addon that two threads load at once', { timeout: 60_000 }, async () => {
    expect(await addonCheck()).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('2 threads') as string });
  });

  it('is told of more threads than make sense', () => {
    expect(threadsCheck(1).verdict).toBe('ok');
    expect(threadsCheck(1000)).toMatchObject({ verdict: 'warn', hint: expect.stringContaining('--threads') as string });
  });
});

describe('the relay', () => {
  it('answers, takes us, and has the same time', async () => {
    const { checks, iceServers } = await relayChecks(relay.url, ALICE, undefined);
    expect(verdicts(checks)).toEqual({ relay: 'ok', login: 'ok', clock: 'ok' });
    expect(iceServers).toEqual([`stun:127.0.0.1:${relay.stunPort}`]);
  });

  it('that is away is 69, one that refuses us 77, something else says so', async () => {
    const away = await relayChecks(`http://127.0.0.1:${await freePort()}`, ALICE, undefined);
    expect(away.checks).toMatchObject([{ name: 'relay', verdict: 'fail', exitCode: 69 }]);
    const guarded = await startRelay({ listen: '127.0.0.1:0', authSecret: 'north wind' });
    expect((await relayChecks(guarded.url, ALICE, 'wrong')).iceServers).toBeUndefined();
    expect((await natChecks({ ...ice(), relayAsked: false })).map(({ hint }) => hint)).toEqual([undefined]);
    expect((await relayChecks(guarded.url, ALICE, 'wrong')).checks).toContainEqual(
      expect.objectContaining({ name: 'login', verdict: 'fail', exitCode: 77 }) as unknown,
    );
    await guarded.close();
    expect((await relayChecks('nonsense', ALICE, undefined)).checks).toMatchObject([{ verdict: 'fail', exitCode: 78 }]);
  });

  it('is asked whether a channel may be opened', async () => {
    const channel = { path: `${ALICE}/app_data/demo/stream.tcp.request`, peer: BOB };
    const ask = async (): Promise<Check[]> => await aclChecks({ server: relay.url, email: ALICE, token: undefined, channels: [channel] });
    expect(await ask()).toMatchObject([{ verdict: 'fail', exitCode: 77, detail: `the relay says: ${BOB} may not read` }]);
    const acl = `rules: [{pattern: '**', access: {admin: ['${ALICE}'], read: ['${BOB}'], write: []}}]`;
    await fetch(`${relay.url}/api/v1/acl?user=${ALICE}&key=${ALICE}/app_data/demo/syft.pub.yaml`, { method: 'PUT', body: acl });
    expect(await ask()).toMatchObject([{ verdict: 'ok' }]);
  });
});

describe('UDP', () => {
  it('without a NAT: what others see is an address of this machine', async () => {
    expect(verdicts(await natChecks(ice(`stun:127.0.0.1:${relay.stunPort}`)))).toEqual({ udp: 'ok', mapping: 'ok', nat: 'ok' });
  });

  it('behind NATs: one that keeps the address, one that does not, one that nobody can tell', async () => {
    let port = 40_000;
    const keeps = await stunServer((question) => answerStun(question, '203.0.113.7', 40_000));
    const keepsToo = await stunServer((question) => answerStun(question, '203.0.113.7', 40_000));
    const changes = await stunServer((question) => answerStun(question, '203.0.113.7', ++port));
    expect((await natChecks(ice(keeps.url, keepsToo.url))).find(({ name }) => name === 'nat')).toMatchObject({ verdict: 'ok' });
    expect((await natChecks(ice(keeps.url, changes.url))).find(({ name }) => name === 'nat')).toMatchObject({
      verdict: 'warn',
      detail: expect.stringMatching(/symmetric.*203\.0\.113\.7:40000, 203\.0\.113\.7:40001/) as string,
    });
    expect((await natChecks(ice(keeps.url))).find(({ name }) => name === 'nat')).toMatchObject({ verdict: 'skip' });
    for (const { socket } of [keeps, keepsToo, changes]) socket.close();
  });

  it('that is blocked is told from a server that is down only by trying, and says what still works', async () => {
    const silent = await stunServer(() => undefined);
    const [blocked] = await natChecks(ice(silent.url));
    expect(blocked).toMatchObject({ name: 'udp', verdict: 'fail', hint: expect.stringMatching(/direct lane.*relay/) as string });
    const both = await natChecks(ice(silent.url, `stun:127.0.0.1:${relay.stunPort}`));
    expect(verdicts(both)).toMatchObject({ udp: 'ok', stun: 'warn' });
    silent.socket.close();
    expect(verdicts(await natChecks(ice()))).toEqual({ stun: 'skip' });
  });

  it('is not confused by answers that are none', async () => {
    const noise = await stunServer((question) => question.subarray(0, 7));
    expect(verdicts(await natChecks(ice(noise.url)))).toEqual({ udp: 'fail' });
    noise.socket.close();
    expect(parseStun(stunRequest(StunType.binding, []).bytes)).toBeUndefined();
    const { bytes } = stunRequest(StunType.binding, []);
    const six = parseStun(Buffer.from(answerStun(bytes, '2001:db8::17', 4711) as Uint8Array));
    expect(endpointOf(six?.attributes.get(StunAttribute.xorMappedAddress), six?.transaction ?? '')).toEqual({
      host: '2001:db8:0:0:0:0:0:17',
      port: 4711,
    });
  });
});

function noTurnServer(): string | undefined {
  try {
    execFileSync('turnserver', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no turnserver (Debian package coturn)';
  }
}

describe.skipIf(absent('doctor on TURN', noTurnServer()))('TURN', () => {
  it('allocates with the right credentials, is refused with wrong ones, and is silent where there is none', {
    timeout: 60_000,
  }, async () => {
    const port = await freePort();
    const files = ['--log-file=stdout', `--pidfile=${join(home, 'turn.pid')}`, `--userdb=${join(home, 'turn.db')}`];
    const flags = [
      '-n',
      '--no-cli',
      '--no-tls',
      '--no-dtls',
      '--realm=lab',
      '--lt-cred-mech',
      '--user=u:p',
      '--listening-ip=127.0.0.1',
      '--relay-ip=127.0.0.1',
    ];
    const turn = spawn('turnserver', [...flags, `--listening-port=${port}`, ...files], { stdio: 'ignore' });
    try {
      const url = `turn:127.0.0.1:${port}?transport=udp`;
      const ask = async (turnUser: string, turnPass: string): Promise<Check | undefined> =>
        (await turnChecks({ iceServers: [url], turnUser, turnPass }))[0];
      let good = await ask('u', 'p');
      for (let tries = 0; tries < 10 && good?.detail === 'no answer'; tries += 1) good = await ask('u', 'p');
      expect(good).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('allocates 127.0.0.1:') as string });
      expect(await ask('u', 'wrong')).toMatchObject({ verdict: 'fail', detail: expect.stringContaining('refused: 401') as string });
    } finally {
      turn.kill('SIGKILL');
      await once(turn, 'exit');
    }
  });
});

describe('this side', () => {
  it('names the process that has a port, and knows its own', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const wanted = [{ host: '127.0.0.1', port, channel: 'a channel' }];
    const [taken] = await portChecks(wanted, undefined);
    expect(taken).toMatchObject({ verdict: 'fail' });
    if (process.platform === 'linux') {
      expect(taken?.detail).toContain(`(process ${process.pid})`);
      expect(await portChecks(wanted, process.pid)).toMatchObject([{ verdict: 'ok' }]);
    }
    holder.close();
    await once(holder, 'close');
    expect(await portChecks(wanted, undefined)).toMatchObject([{ verdict: 'ok' }]);
  });

  it('tells a daemon that left its things behind from one that never was', async () => {
    expect((await daemonChecks(home)).checks).toMatchObject([{ verdict: 'skip' }]);
    mkdirSync(join(home, '.syftbox'), { recursive: true });
    writeFileSync(
      join(home, '.syftbox/hotlink_admin.json'),
      JSON.stringify({ pid: 1, email: ALICE, startedMs: 0, socket: join(home, 'no.sock') }),
    );
    expect((await daemonChecks(home)).checks).toMatchObject([
      { verdict: 'warn', hint: expect.stringContaining('start it again') as string },
    ]);
  });

  it('reaches a peer over every lane, and says so in JSON and in an archive without anything private', { timeout: 90_000 }, async () => {
    const sandbox = await Sandbox.open();
    try {
      const [alice] = await sandbox.pair({ direct: 'auto', lanes: ['direct', 'webrtc', 'relay'] });
      await until('bob is at the relay', () => sandbox.parties[1]?.link.status().relay.state === 'up');
      await alice.link.stop();
      const bundle = join(home, 'report.tar.gz');
      const args = [
        'doctor',
        '--email',
        ALICE,
        '--server',
        sandbox.relay.url,
        '--data',
        sandbox.dataDir(ALICE),
        '--peer',
        BOB,
        '--bundle',
        bundle,
        '--json',
      ];
      const { code, stdout } = await hotlink(args, {
        XDG_RUNTIME_DIR: home,
        HOTLINK_TOKEN: 'hush-hush',
        HOME: homedir(),
        SYFTBOX_HOTLINK_TURN_PASS: 'sesame',
      });
      const { checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
      expect(verdicts(checks)).toMatchObject({
        'lane direct': 'ok',
        'lane webrtc': 'ok',
        'lane relay': 'ok',
        [`peer ${BOB}`]: 'ok',
        relay: 'ok',
      });
      expect(code).toBe(0);
      expect(statSync(bundle).mode & 0o777).toBe(0o600);
      const text = execFileSync('tar', ['xzOf', bundle]).toString();
      expect(execFileSync('tar', ['tzf', bundle]).toString()).toContain('hotlink-report/checks.json');
      for (const secret of ['hush-hush', 'sesame', ALICE, BOB, hostname()].filter((one) => one.length > 2))
        expect(text).not.toContain(secret);
      expect(text).toContain('user-1@example.invalid');
    } finally {
      await sandbox.close();
    }
  });
});

describe('what is taken out of a report', () => {
  it('is named the same throughout, and harmless addresses stay', () => {
    const redact = redactor({ secrets: ['s3cret'], host: 'mill', user: 'ann', home: '/home/ann' });
    expect(redact('ann@mill.example to bob@x.org, again Ann@mill.example')).toBe(
      'user-1@example.invalid to user-2@example.invalid, again user-1@example.invalid',
    );
    expect(redact('/home/ann/SyftBox on mill by ann with s3cret')).toBe('~/SyftBox on this-host by this-user with MASKED');
    expect(redact('127.0.0.1:80 and 192.0.2.7:4711 and 192.0.2.7')).toBe('127.0.0.1:80 and ipv4-1:4711 and ipv4-1');
    expect(redact('[2001:db8::17]:4711 ::1 fe80::1c2d:3e4f')).toBe('[ipv6-1]:4711 ::1 ipv6-2');
    expect(redact('wss://ann:hunter$2@relay.example.net/x, "http://tok@10.0.0.1"')).toBe(
      'wss://MASKED@relay.example.net/x, "http://MASKED@ipv4-2"',
    );
    const quoted = redactor({ secrets: ['a"b\\c'], host: 'mill', user: 'ann', home: '/home/ann' });
    expect(quoted(JSON.stringify({ said: 'a"b\\c' }))).toBe('{"said":"MASKED"}');
    expect(redact('at 12:34:56, version 1.2.3')).toBe('at 12:34:56, version 1.2.3');
  });
});
