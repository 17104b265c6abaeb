import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { mintAccessToken, type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const DIR = `${ALICE}/app`;

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<RelayOptions> = {}): Promise<RelayServer> {
  const relay = await startRelay({ listen: '127.0.0.1:0', ...options });
  cleanups.push(() => relay.close());
  return relay;
}

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const check = (relay: RelayServer, user: string, path: string, level: number) =>
  fetch(`${relay.url}/api/v1/acl/check?user=${user}&path=${path}&level=${level}`).then((response) => response.status);

describe('over HTTP', () => {
  it('health, version and nothing else', async () => {
    const relay = await start();
    expect(await (await fetch(`${relay.url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${relay.url}/`)).text()).toContain('hotlink');
    expect((await fetch(`${relay.url}/etc`)).status).toBe(404);
    expect((await fetch(`${relay.url}/api/v1/events?user=${ALICE}`)).status).toBe(426);
  });

  it('a refusal arrives even where the request is still being written', async () => {
    const relay = await start({ authSecret: 'north wind' });
    let pieces = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.enqueue(Buffer.from('rules: []\n'));
        pieces += 1;
        if (pieces === 10) controller.close();
      },
    });
    const url = `${relay.url}/api/v1/acl?user=${ALICE}&key=${DIR}/syft.pub.yaml`;
    const answer = await fetch(url, { method: 'PUT', body, duplex: 'half', headers: { connection: 'close' } });
    expect([answer.status, pieces]).toEqual([401, 10]);
  });

  it('an ACL is uploaded as a form or as the body itself, and takes effect', async () => {
    const relay = await start();
    expect(await check(relay, BOB, `${DIR}/f`, 1)).toBe(403);
    const form = await putAcl(relay, ALICE, DIR, aclYaml([BOB]));
    expect([form.status, await form.json()]).toEqual([
      200,
      expect.objectContaining({ key: `${DIR}/syft.pub.yaml`, etag: expect.stringMatching(/^[0-9a-f]{32}$/) }),
    ]);
    expect([await check(relay, BOB, `${DIR}/f`, 1), await check(relay, BOB, `${DIR}/f`, 4)]).toEqual([200, 403]);
    const raw = await fetch(`${relay.url}/api/v1/acl?user=${ALICE}&key=${DIR}/syft.pub.yaml`, {
      method: 'PUT',
      body: `terminal: false\nrules:\n  - pattern: '**'\n    access:\n      write: ['${BOB}']\n`,
    });
    expect(raw.status).toBe(200);
    expect([await check(relay, BOB, `${DIR}/f`, 7), await check(relay, BOB, `${DIR}/f`, 8)]).toEqual([200, 403]);
    expect(relay.stats()).toMatchObject({ aclUpdates: 2, aclRulesets: 1 });
  });

  it('an ACL may be replaced by its owner or an admin, by nobody else', async () => {
    const relay = await start();
    expect((await putAcl(relay, ALICE, DIR, aclYaml([]), BOB)).status).toBe(403);
    await putAcl(relay, ALICE, DIR, aclYaml([], [], [BOB]));
    expect((await putAcl(relay, ALICE, DIR, aclYaml([BOB]), BOB)).status).toBe(200);
    expect((await putAcl(relay, ALICE, DIR, aclYaml([BOB]), BOB)).status).toBe(403);
  });

  it.each([
    ['a climbing key', `${ALICE}/../${BOB}`, 'rules: []', 400],
    ['an absolute key', `/${ALICE}`, 'rules: []', 400],
    ['a key without an owner', 'app', 'rules: []', 400],
    ['a file that names no users list', ALICE, "rules: [{pattern: '**', access: {read: '*'}}]", 400],
    ['an empty file', ALICE, '', 400],
    [
      'a bomb of aliases',
      ALICE,
      `a: &a [x,x]\n${'bcdefghij'.replace(/./g, (c, i: number) => `${c}: &${c} [${`*${'abcdefghi'[i]},`.repeat(9)}]\n`)}rules: *j`,
      400,
    ],
  ])('%s is refused', async (_what, directory, yaml, status) => {
    const relay = await start();
    expect((await putAcl(relay, ALICE, directory, yaml)).status).toBe(status);
    expect(relay.stats().aclRulesets).toBe(0);
  });

  it('invalid YAML is refused with its line', async () => {
    const relay = await start();
    const response = await putAcl(relay, ALICE, DIR, 'terminal: false\nrules:\n  - pattern: "**\n');
    expect([response.status, await response.json()]).toEqual([
      400,
      { code: 'E_INVALID_REQUEST', error: expect.stringContaining('not valid YAML'), line: expect.any(Number) },
    ]);
  });

  it('a body over the limit is refused, announced or not', async () => {
    const relay = await start({ limits: { maxBodyBytes: 1000 } });
    expect((await putAcl(relay, ALICE, DIR, '#'.repeat(2000))).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(2000));
        controller.close();
      },
    });
    const init = { method: 'PUT', body: stream, duplex: 'half' } as RequestInit;
    expect((await fetch(`${relay.url}/api/v1/acl?user=${ALICE}&key=${DIR}/syft.pub.yaml`, init)).status).toBe(413);
  });

  it('pages of other hosts may not upload', async () => {
    const relay = await start();
    const url = `${relay.url}/api/v1/acl?user=${ALICE}&key=${DIR}/syft.pub.yaml`;
    expect((await fetch(url, { method: 'PUT', body: 'rules: []', headers: { origin: 'http://evil.org' } })).status).toBe(403);
  });
});

describe('ACL files on disk', () => {
  it('survive a restart', async () => {
    const dataDir = await scratch();
    const first = await start({ dataDir });
    await putAcl(first, ALICE, DIR, aclYaml([BOB]));
    await first.close();
    expect(await readFile(join(dataDir, 'datasites', DIR, 'syft.pub.yaml'), 'utf8')).toBe(aclYaml([BOB]));
    expect(await readdir(join(dataDir, 'datasites', DIR))).toEqual(['syft.pub.yaml']);
    const second = await start({ dataDir });
    expect(await check(second, BOB, `${DIR}/f`, 1)).toBe(200);
  });

  it('that cannot be read lock their directory', async () => {
    const dataDir = await scratch();
    const first = await start({ dataDir });
    await putAcl(first, ALICE, ALICE, aclYaml(['*']));
    await putAcl(first, ALICE, DIR, aclYaml(['*']));
    await first.close();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(dataDir, 'datasites', DIR, 'syft.pub.yaml'), 'rules: [');
    const warnings: string[] = [];
    const log = { debug() {}, info() {}, warn: (_fields: object, text: string) => void warnings.push(text), error() {} };
    const second = await start({ dataDir, log });
    expect([await check(second, BOB, `${ALICE}/f`, 1), await check(second, BOB, `${DIR}/f`, 1)]).toEqual([200, 403]);
    expect(warnings[0]).toContain('cannot be used');
  });

  it('are not written through a symbolic link that leads out', async () => {
    const [dataDir, outside] = [await scratch(), await scratch()];
    const relay = await start({ dataDir });
    await symlink(outside, join(dataDir, 'datasites', ALICE));
    expect((await putAcl(relay, ALICE, ALICE, aclYaml(['*']))).status).toBe(500);
    expect(await readdir(outside)).toEqual([]);
    expect(await check(relay, BOB, `${ALICE}/f`, 1)).toBe(403);
  });
});

describe('an upgrade', () => {
  it('greets first and advertises no ICE server unless told to', async () => {
    const relay = await start();
    const client = await RelayClient.connect(relay, ALICE);
    expect(client.responseHeaders['x-syft-hotlink-ice-servers']).toBe('');
    expect(client.responseHeaders).not.toHaveProperty('x-syft-hotlink-turn-user');
    expect(client.responseHeaders).not.toHaveProperty('sec-websocket-extensions');
    await client.close();
  });

  it('advertises what it is told to, and its own STUN responder otherwise', async () => {
    const told = await start({ iceServers: ['turn:t.example:3478?transport=udp', 'stun:s.example'], turnUser: 'u', turnPass: 'p' });
    const client = await RelayClient.connect(told, ALICE);
    expect(client.responseHeaders).toMatchObject({
      'x-syft-hotlink-ice-servers': 'turn:t.example:3478?transport=udp,stun:s.example',
      'x-syft-hotlink-turn-user': 'u',
      'x-syft-hotlink-turn-pass': 'p',
    });
    const own = await start({ stunListen: '127.0.0.1:0' });
    const other = await RelayClient.connect(own, ALICE);
    expect(other.responseHeaders['x-syft-hotlink-ice-servers']).toBe(`stun:127.0.0.1:${own.stunPort}`);
    await Promise.all([client.close(), other.close()]);
  });

  it.each(['', 'nobody', 'a@x', '../a@x.io'])('without a usable identity (%j) is refused', async (user) => {
    const relay = await start();
    await expect(RelayClient.connect(relay, user)).rejects.toThrow(/^401 \{"code":"E_AUTH_INVALID_CREDENTIALS","error":/);
    expect(relay.stats().authFailures).toBe(1);
  });

  it('from a page of another host is refused, of this one granted', async () => {
    const relay = await start();
    await expect(RelayClient.connect(relay, ALICE, { headers: { origin: 'http://evil.org' } })).rejects.toThrow(/^403/);
    await expect(RelayClient.connect(relay, ALICE, { headers: { origin: 'null' } })).rejects.toThrow(/^403/);
    const client = await RelayClient.connect(relay, ALICE, { headers: { origin: relay.url } });
    await client.close();
  });

  it('elsewhere is refused, and offered subprotocols are not granted', async () => {
    const relay = await start();
    const elsewhere = new WebSocket(`${relay.url.replace('http', 'ws')}/ws`);
    expect(((await once(elsewhere, 'error')) as [Error])[0].message).toContain('404');
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/api/v1/events?user=${ALICE}`, {
      headers: { 'Sec-WebSocket-Protocol': 'a' },
    });
    const [response] = await once(socket, 'upgrade');
    expect(response.headers).not.toHaveProperty('sec-websocket-protocol');
    socket.on('error', () => {});
    socket.terminate();
  });

  it('with a secret needs a token, whose subject counts', async () => {
    const secret = 'a secret of thirty-two characters';
    const relay = await start({ authSecret: secret });
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const nowMs = Date.now();
    await expect(RelayClient.connect(relay, ALICE)).rejects.toThrow(/^401/);
    for (const token of [
      mintAccessToken(ALICE, 'another secret', nowMs),
      mintAccessToken(ALICE, secret, nowMs, nowMs - 60_000),
      mintAccessToken('nobody', secret, nowMs),
      'a.b.c',
      `${mintAccessToken(ALICE, secret, nowMs)}.x`,
    ]) {
      await expect(RelayClient.connect(relay, ALICE, bearer(token))).rejects.toThrow(/^401/);
    }
    const client = await RelayClient.connect(relay, BOB, bearer(mintAccessToken(ALICE, secret, nowMs, nowMs + 60_000)));
    client.send({ typ: 9, sid: '0123456789abcdef', pth: `${ALICE}/f` });
    expect(await client.settled()).toEqual([]);
    expect((await putAcl(relay, ALICE, ALICE, aclYaml([]))).status).toBe(401);
    await client.close();
  });

  it('answers pings', async () => {
    const relay = await start();
    const client = await RelayClient.connect(relay, ALICE);
    client.socket.ping('payload');
    const [pong] = (await once(client.socket, 'pong')) as [Buffer];
    expect(pong.toString()).toBe('payload');
    await client.close();
  });
});

describe('start and stop', () => {
  it('frees the port and says good-bye, also to clients in the middle of things', async () => {
    const relay = await start();
    const client = await RelayClient.connect(relay, ALICE);
    const half = connect(relay.port, '127.0.0.1');
    half.on('error', () => {});
    await once(half, 'connect');
    half.write('GET / HT');
    const refused = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
    refused.write('GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(refused, 'data');
    await Promise.all([relay.close(), relay.close()]);
    expect(await client.closed).toBe(1001);
    const again = await start({ listen: `127.0.0.1:${relay.port}` });
    expect(again.port).toBe(relay.port);
    half.destroy();
    refused.destroy();
  });

  it('cuts off a client that does not answer', async () => {
    const relay = await start();
    const client = await RelayClient.connect(relay, ALICE);
    client.socket.pause();
    await relay.close();
    expect(relay.stats().connections).toBe(0);
    client.socket.terminate();
  });

  it('refuses a taken port and a bad address with a code', async () => {
    const relay = await start();
    await expect(startRelay({ listen: `127.0.0.1:${relay.port}` })).rejects.toMatchObject({ code: 'ERR_HLNK_PORT_BUSY' });
    await expect(startRelay({ listen: '127.0.0.1' })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
    await expect(startRelay({ listen: '127.0.0.1:0', turnUser: 'a\r\nb' })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
    await expect(startRelay({ listen: '127.0.0.1:0', iceServers: ['a,b'] })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
  });

  it('is disposable', async () => {
    let port = 0;
    {
      await using relay = await startRelay({ listen: '127.0.0.1:0' });
      port = relay.port;
    }
    expect((await start({ listen: `127.0.0.1:${port}` })).port).toBe(port);
  });
});

describe('the STUN responder', () => {
  it('tells the asker its address and ignores everything else', async () => {
    const relay = await start({ stunListen: '127.0.0.1:0' });
    const socket = createSocket('udp4');
    cleanups.push(() => new Promise((resolve) => socket.close(() => resolve())));
    const question = Buffer.from('000100002112a4420102030405060708090a0b0c', 'hex');
    const wrongCookie = Buffer.from(question).fill(0, 4, 8);
    for (const garbage of [Buffer.alloc(3), wrongCookie]) socket.send(garbage, relay.stunPort as number, '127.0.0.1');
    socket.send(question, relay.stunPort as number, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(answer.subarray(0, 20).toString('hex')).toBe('0101000c2112a4420102030405060708090a0b0c');
    expect(answer.readUInt16BE(20)).toBe(0x0020);
    expect(answer.readUInt16BE(26) ^ 0x2112).toBe(socket.address().port);
    expect((answer.readUInt32BE(28) ^ 0x2112a442) >>> 0).toBe(0x7f000001);
    await expect.poll(() => relay.stats()).toMatchObject({ stunRequests: 1, stunIgnored: 2 });
  });
});
