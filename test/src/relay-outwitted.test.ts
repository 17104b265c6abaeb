// Ways in which somebody clever could hold up, outlive or crash a relay: each was possible once.
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { parseAclYaml } from '../../src/relay/acl-yaml.js';
import { type Authenticate, type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { answerStun } from '../../src/relay/stun.js';
import { NatsServer, natsAbsent } from '../support/nats-server.js';
import { aclYaml, RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const MIB = 1024 * 1024;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Partial<RelayOptions> = {}): Promise<RelayServer> {
  const relay = await startRelay({ listen: '127.0.0.1:0', ...options });
  cleanups.push(() => relay.close());
  return relay;
}

async function come(relay: RelayServer, user: string, headers: Record<string, string> = {}): Promise<RelayClient> {
  const client = await RelayClient.connect(relay, user, { headers });
  cleanups.push(() => client.socket.terminate());
  return client;
}

async function farewell(client: RelayClient): Promise<[number, string]> {
  const [code, reason] = (await once(client.socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}

describe('an ACL file', () => {
  it('takes time by its length, however it is written', () => {
    const cost = (line: (n: number) => string): number => {
      let text = '';
      for (let n = 0; text.length < 300_000; n++) text += line(n);
      const content = Buffer.from(text);
      const { user } = process.cpuUsage();
      parseAclYaml(content);
      return process.cpuUsage().user - user;
    };
    const plain = cost((n) => `- user-${n}@example.com\n`);
    // A parser that compares each key with each takes sixty times as long.
    expect(cost((n) => `k${n}:\n`)).toBeLessThan(10 * plain);
  });

  it.each([
    ['rules: []\nterminal: true\nrules: []\n', 3, 'Map keys must be unique'],
    ['rules:\n- pattern: "**"\n  access: {read: [a@x.io], read: [b@x.io]}\n', 3, 'Map keys must be unique'],
    ['1: a\n"1": b\n', 2, 'Map keys must be unique'],
    ['? &a rules\n: []\n? *a\n: []\n', 1, 'Map keys must be plain text'],
    ['rules: [\n', 2, 'not valid YAML'],
  ])('in which something stands twice, or is open, is refused with the line: %j', (text, line, reason) => {
    expect(parseAclYaml(Buffer.from(text))).toEqual({ ok: false, reason: expect.stringContaining(reason), line });
  });
});

describe('a STUN question', () => {
  it('from port 0, to which nothing can be sent, gets no answer', () => {
    const question = Buffer.alloc(20);
    question.writeUInt16BE(1, 0);
    question.writeUInt32BE(0x2112a442, 4);
    expect(answerStun(question, '192.0.2.1', 4711)).toBeDefined();
    expect(answerStun(question, '192.0.2.1', 0)).toBeUndefined();
  });
});

describe('a message that never ends', () => {
  it('counts as held, also when pings come inside of it', async () => {
    const relay = await start({ limits: { maxQueuedBytes: MIB } });
    const [eve, bob] = [await come(relay, 'eve@evil.org'), await come(relay, BOB)];
    const left = farewell(eve);
    eve.socket.send(Buffer.alloc(3 * MIB), { fin: false });
    const ping = setInterval(() => eve.socket.ping('still here'), 20);
    cleanups.push(() => clearInterval(ping));
    expect(await left).toEqual([1013, 'too slow for a full relay']);
    expect(relay.stats()).toMatchObject({ overflowDisconnects: 1, connections: 1 });
    await bob.settled();
  });

  it('is not made of pings: a client that only pings holds nothing', async () => {
    const relay = await start({ limits: { maxQueuedBytes: MIB, pingMs: 100 } });
    const bob = await come(relay, BOB);
    for (let round = 0; round < 12_000; round++) bob.socket.ping(Buffer.alloc(125));
    await bob.settled();
    // It looks at what is held whenever it looks for the silent.
    await once(bob.socket, 'ping');
    expect(relay.stats()).toMatchObject({ overflowDisconnects: 0, connections: 1 });
  });
});

describe('an embedder that changes its mind', () => {
  const ask = async (isGood: () => boolean | Promise<boolean>): Promise<[number, string]> => {
    const authenticate: Authenticate = () => ({ ok: true, email: ALICE, isGood });
    const relay = await start({ authenticate, limits: { authMs: 300 } });
    const alice = await come(relay, ALICE);
    const left = farewell(alice);
    await relay.reload();
    return left;
  };

  it.each([
    ['says so', () => false],
    ['throws', () => Reflect.apply(fail, undefined, [])],
    ['never says anything', () => new Promise<boolean>(() => {})],
  ])('is asked on reload: whoever it %s of leaves', async (_how, isGood) => {
    expect(await ask(isGood)).toEqual([1008, 'token revoked']);
  });

  it('does not lose whom it stands by, and one that throws spares nobody behind it', async () => {
    const authenticate: Authenticate = (request) => {
      const email = new URL(request.url ?? '', 'http://x').searchParams.get('user') ?? '';
      return { ok: true, email, isGood: email === BOB ? () => true : fail };
    };
    const relay = await start({ authenticate });
    const [one, bob, two] = [await come(relay, ALICE), await come(relay, BOB), await come(relay, ALICE)];
    const left = Promise.all([farewell(one), farewell(two)]);
    await relay.reload();
    expect((await left).map(([code]) => code)).toEqual([1008, 1008]);
    await bob.settled();
  });
});

function fail(): boolean {
  throw new Error('the database is away');
}

describe('a client that is being asked who it is', () => {
  it('while what clients are known by changes is asked again', async () => {
    let isGood = true;
    const asked: (() => void)[] = [];
    const authenticate: Authenticate = async () => {
      const verdict = isGood;
      if (verdict) await new Promise<void>((resolve) => asked.push(resolve));
      return verdict ? { ok: true, email: ALICE, isGood: () => isGood } : { ok: false, reason: 'taken back' };
    };
    const relay = await start({ authenticate });
    const coming = come(relay, ALICE);
    await expect.poll(() => asked.length).toBe(1);
    isGood = false;
    await relay.reload();
    asked[0]?.();
    await expect(coming).rejects.toThrow(/^401 .*taken back/);
    expect(relay.stats().connections).toBe(0);
  });
});

describe('a secret', () => {
  it('that is empty, as an unset variable makes it, is refused at the start', async () => {
    await expect(start({ authSecret: '' })).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG', message: expect.stringContaining('empty') });
    await expect(start({ authSecret: 'x'.repeat(32) })).resolves.toBeDefined();
  });
});

describe.skipIf(natsAbsent('relays in a cluster'))('an upload', () => {
  it('that was on its way when the process was cut off is not acknowledged', async () => {
    const nats = await NatsServer.start();
    cleanups.push(() => nats.stop());
    const relay = await start({ cluster: { servers: `nats://127.0.0.1:${nats.port}`, name: 'cut-off', silenceMs: 1000 } });
    const content = Buffer.from(aclYaml([BOB]));
    const key = encodeURIComponent(`${ALICE}/app/syft.pub.yaml`);
    const put = request(`${relay.url}/api/v1/acl?user=${ALICE}&key=${key}`, {
      method: 'PUT',
      headers: { 'content-length': content.length, expect: '100-continue' },
    });
    cleanups.push(() => put.destroy());
    put.flushHeaders();
    await once(put, 'continue');
    put.write(content.subarray(0, 10));
    await nats.stop();
    await expect.poll(async () => (await fetch(`${relay.url}/readyz`)).status).toBe(503);
    put.end(content.subarray(10));
    const [response] = await once(put, 'response');
    expect(response.statusCode).toBe(503);
  });
});
