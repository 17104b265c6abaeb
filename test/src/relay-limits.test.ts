// Every limit of the relay: who goes beyond it is refused with the documented words, is counted, and harms nobody.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { relayMetricsText } from '../../src/admin/relay-metrics.js';
import { AddressCount, TrustedProxies } from '../../src/relay/addresses.js';
import { RelayCounters } from '../../src/relay/counters.js';
import {
  mintAccessToken,
  type RelayLimits,
  type RelayOptions,
  type RelayServer,
  type RelayStats,
  startRelay,
} from '../../src/relay/index.js';
import { LIMITS, limitsOf } from '../../src/relay/limits.js';
import { Rates, UserRate } from '../../src/relay/rate.js';
import { Silence } from '../../src/relay/silence.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const PATH = `${ALICE}/_mpc/0_to_1/stream.tcp.request`;
const SID = '0123456789abcdef';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(limits: Partial<RelayLimits>, options: Partial<RelayOptions> = {}): Promise<RelayServer> {
  const relay = await startRelay({ listen: '127.0.0.1:0', limits, ...options });
  cleanups.push(() => relay.close());
  return relay;
}

async function client(relay: RelayServer, user: string, headers: Record<string, string> = {}): Promise<RelayClient> {
  const made = await RelayClient.connect(relay, user, { headers });
  cleanups.push(() => made.socket.terminate());
  return made;
}

/** A TCP connection that says what it is told and hears until the other side ends. */
async function raw(relay: RelayServer, text: string): Promise<{ socket: Socket; heard: Promise<string> }> {
  const socket = connect(relay.port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  socket.on('error', () => {});
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  await once(socket, 'connect');
  socket.write(text);
  return { socket, heard: new Promise((resolve) => socket.on('close', () => resolve(heard))) };
}

/** Alice opens, Bob accepts. */
async function session(alice: RelayClient, bob: RelayClient, sid = SID): Promise<void> {
  alice.send({ typ: 9, sid, pth: PATH, to: BOB });
  await bob.next();
  bob.send({ typ: 10, sid });
  await alice.next();
}

const data = (seq: number, bytes: number, sid = SID) => ({ typ: 12, sid, seq, pth: PATH, pay: new Uint8Array(bytes).fill(seq) }) as const;

function statsOf(value: number): RelayStats {
  const counters = Object.fromEntries(Object.keys(new RelayCounters()).map((key) => [key, value])) as unknown as RelayCounters;
  const gauges = {
    connections: 0,
    users: 0,
    sessions: 0,
    aclRulesets: 0,
    pausedConnections: 0,
    throttledConnections: 0,
    bufferedBytes: 0,
    maxBufferedBytes: 0,
  };
  return { ...counters, ...gauges, draining: false };
}

/** The close code and its reason. */
async function farewell(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}

describe('the table of limits', () => {
  it('has a default within its range for every limit, and refuses what is outside', () => {
    for (const { key, default: value, min, max } of LIMITS) {
      expect(value, key).toBeGreaterThanOrEqual(min);
      expect(value, key).toBeLessThanOrEqual(max);
      expect(() => limitsOf({ [key]: max + 1 }), key).toThrow(key);
      expect(() => limitsOf({ [key]: 0.5 }), key).toThrow(key);
    }
    expect(() => limitsOf({ lowWaterBytes: 2_000_000, highWaterBytes: 1_000_000 })).toThrow('lowWaterBytes');
  });

  it('names only metrics that there are', () => {
    const text = relayMetricsText({ stats: statsOf(0), startedMs: 0, delayP99Ms: 0, utilization: 0 });
    for (const { metric } of LIMITS)
      if (metric !== undefined) expect(text).toContain(`hotlink_relay_${metric.replace(/(\{|$)/, '_total$1')} 0\n`);
  });
});

describe('the metrics', () => {
  it('show every counter there is', () => {
    const before = relayMetricsText({ stats: statsOf(0), startedMs: 0, delayP99Ms: 0, utilization: 0 }).split('\n');
    for (const key of Object.keys(new RelayCounters())) {
      const after = relayMetricsText({ stats: { ...statsOf(0), [key]: 7 }, startedMs: 0, delayP99Ms: 0, utilization: 0 }).split('\n');
      const changed = after.filter((line, index) => line !== before[index] && line.endsWith(' 7'));
      expect(changed, `${key} stands in src/admin/relay-metrics.ts`).toHaveLength(1);
    }
  });
});

describe('connections', () => {
  it('of one user are refused beyond the limit, others are not, and one that ends makes room', async () => {
    const relay = await start({ maxConnectionsPerUser: 2 });
    const [first] = [await client(relay, ALICE), await client(relay, ALICE)];
    await expect(client(relay, ALICE)).rejects.toThrow(/^429 .*"E_RATE_LIMITED".*2 connections already/);
    await client(relay, BOB);
    await first?.close();
    await expect.poll(() => relay.stats().connections).toBe(2);
    await client(relay, ALICE);
    expect(relay.stats().refusedUser).toBe(1);
  });

  it('of all users together are refused beyond the limit', async () => {
    const relay = await start({ maxConnections: 2 });
    await client(relay, ALICE);
    await client(relay, BOB);
    await expect(client(relay, 'carol@example.com')).rejects.toThrow(/^503 .*"E_SERVICE_UNAVAILABLE"/);
    expect(relay.stats().refusedTotal).toBe(1);
  });

  it('from one address are refused beyond the limit, whoever they say they are', async () => {
    const relay = await start({ maxConnectionsPerAddress: 2 });
    await client(relay, ALICE);
    await client(relay, BOB);
    await expect(client(relay, 'carol@example.com', { 'x-forwarded-for': '10.0.0.9' })).rejects.toThrow(/^429/);
    expect(relay.stats().refusedAddress).toBe(1);
  });

  it('behind a trusted proxy count for the address that the proxy names', async () => {
    const relay = await start({ maxConnectionsPerAddress: 1 }, { trustProxy: ['127.0.0.0/8'] });
    await client(relay, ALICE, { 'x-forwarded-for': '1.2.3.4, 10.0.0.1' });
    await client(relay, BOB, { 'x-forwarded-for': '10.0.0.2' });
    await expect(client(relay, BOB, { 'x-forwarded-for': '6.6.6.6, 10.0.0.1' })).rejects.toThrow(/^429/);
    expect(relay.stats().refusedAddress).toBe(1);
  });

  it('that never become anything are reset when there are too many from one address', async () => {
    const relay = await start({ maxConnectionsPerAddress: 1 });
    const idle = await Promise.all(Array.from({ length: 65 }, () => raw(relay, '')));
    const { heard } = await raw(relay, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await heard).toBe('');
    expect(relay.stats().refusedAddress).toBe(1);
    for (const { socket } of idle) socket.destroy();
    await expect
      .poll(() =>
        fetch(`${relay.url}/healthz`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  it('are told apart by address, IPv6 by /64', () => {
    const count = new AddressCount();
    for (const address of ['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0db8:0000:0000::3', '::ffff:1.2.3.4', '1.2.3.4'])
      count.add(address);
    expect([count.of('2001:db8::9'), count.of('2001:db8:0:1::9'), count.of('1.2.3.4'), count.size]).toEqual([3, 0, 2, 2]);
    for (const address of ['1.2.3.4', '::ffff:1.2.3.4', '2001:db8::1', '2001:db8::2', '2001:db8::3']) count.remove(address);
    expect(count.size).toBe(0);
    expect(() => new TrustedProxies(['10.0.0.0/40'])).toThrow('10.0.0.0/40');
    expect(() => new TrustedProxies(['proxy'])).toThrow('proxy');
  });
});

describe('a request', () => {
  it.each([
    ['whose head does not come to its end', 'GET /api/v1/events HTTP/1.1\r\nHost: x\r\n'],
    ['that is not even begun', ''],
    [
      'whose body does not come',
      `PUT /api/v1/acl?user=${ALICE}&key=${ALICE}/syft.pub.yaml HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nr`,
    ],
  ])('%s is answered 408 and its socket is gone', async (_what, text) => {
    const relay = await start({ handshakeMs: 200, requestMs: 200 });
    const { heard } = await raw(relay, text);
    expect(await heard).toMatch(/^HTTP\/1.1 408 /);
    expect(relay.stats().slowRequests).toBe(1);
  });

  it('with a head over the limit is answered 431, with nonsense 400', async () => {
    const relay = await start({ maxHeaderBytes: 2048 });
    expect(await (await raw(relay, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(4000)}\r\n\r\n`)).heard).toMatch(/^HTTP\/1.1 431 /);
    expect(await (await raw(relay, 'hello\r\n\r\n')).heard).toMatch(/^HTTP\/1.1 400 /);
    expect(relay.stats().badRequests).toBe(2);
  });

  it('with a body over the limit, an ACL file over its own, or a path over the limit is refused and counted', async () => {
    const relay = await start({ maxBodyBytes: 4000, maxAclFileBytes: 1000, maxPathBytes: 64 });
    expect((await putAcl(relay, ALICE, ALICE, '#'.repeat(5000))).status).toBe(413);
    expect((await putAcl(relay, ALICE, ALICE, '#'.repeat(1500))).status).toBe(413);
    expect((await putAcl(relay, ALICE, `${ALICE}/${'d'.repeat(40)}`, aclYaml([BOB]))).status).toBe(400);
    expect(relay.stats()).toMatchObject({ largeBodies: 1, aclRefused: 2, aclRulesets: 0 });
  });

  it('for one more ACL file than an owner or the relay may have is refused, replacing one is not', async () => {
    const relay = await start({ maxAclFilesPerUser: 2, maxAclFiles: 3 });
    const put = async (owner: string, directory: string): Promise<number> =>
      (await putAcl(relay, owner, `${owner}/${directory}`, aclYaml([]))).status;
    expect([await put(ALICE, 'a'), await put(ALICE, 'b'), await put(ALICE, 'c'), await put(ALICE, 'a')]).toEqual([200, 200, 403, 200]);
    expect([await put(BOB, 'a'), await put(BOB, 'b')]).toEqual([200, 403]);
  });

  it('beyond the rate of its user is answered 429', async () => {
    const relay = await start({ messagesPerSecond: 3 });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await fetch(`${relay.url}/api/v1/acl/check?user=${ALICE}&path=${ALICE}/f&level=1`)).status);
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses).toContain(429);
    expect(relay.stats().requestsThrottled).toBeGreaterThan(0);
  });
});

describe('a message', () => {
  it('over the limit closes its connection with 1009, in one piece or in many', async () => {
    const relay = await start({ maxMessageBytes: 10_000 });
    const [whole, parts] = [await client(relay, ALICE), await client(relay, BOB)];
    whole.socket.send(Buffer.alloc(10_001));
    for (let i = 0; i < 3; i++) parts.socket.send(Buffer.alloc(4000), { fin: false });
    expect([await whole.closed, await parts.closed]).toEqual([1009, 1009]);
    await expect.poll(() => relay.stats()).toMatchObject({ messagesTooLarge: 2, connections: 0 });
  });

  it('in fragments without end closes its connection with 1008, empty ones too', async () => {
    const relay = await start({ maxFragments: 100 });
    const alice = await client(relay, ALICE);
    alice.socket.on('error', () => {});
    for (let i = 0; i < 200; i++) alice.socket.send('', { fin: false, binary: true });
    expect(await alice.closed).toBe(1008);
    expect(relay.stats().messagesTooFragmented).toBe(1);
  });

  it('with a frame that no client may send closes its connection', async () => {
    const relay = await start({});
    const { socket, heard } = await raw(
      relay,
      `GET /api/v1/events?user=${ALICE} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.write(Buffer.from([0x82, 0x01, 0x00])); // not masked
    await heard;
    expect(relay.stats().protocolErrors).toBe(1);
  });

  it('about a path over the limit is rejected', async () => {
    const relay = await start({ maxPathBytes: 64 });
    const alice = await client(relay, ALICE);
    alice.send({ typ: 9, sid: SID, pth: `${ALICE}/${'ä'.repeat(24)}` });
    expect((await alice.next()).message).toMatchObject({ typ: 11, rsn: expect.stringContaining('invalid path') });
    expect(relay.stats().opensBadPath).toBe(1);
  });

  it('that opens one session more than the relay may have makes room among its own, or is rejected', async () => {
    const relay = await start({ maxSessions: 2 });
    const [alice, bob] = [await client(relay, ALICE), await client(relay, BOB)];
    for (const sid of ['session-1', 'session-2', 'session-3']) alice.send({ typ: 9, sid, pth: PATH });
    expect(await alice.settled()).toEqual([]);
    bob.send({ typ: 9, sid: 'session-4', pth: `${BOB}/f` });
    expect((await bob.next()).message).toEqual({ typ: 11, sid: 'session-4', rsn: 'too many sessions: close some first' });
    expect(relay.stats()).toMatchObject({ opensOverLimit: 1, sessionsEvicted: 1, sessions: 2 });
  });
});

describe('a user who sends too much', () => {
  it('is read no faster than allowed, loses nothing, and stops nobody else', async () => {
    const relay = await start({ messagesPerSecond: 200, throttleCloseMs: 0 });
    await putAcl(relay, ALICE, ALICE, aclYaml([BOB]));
    const [alice, bob, carol] = [await client(relay, ALICE), await client(relay, BOB), await client(relay, 'carol@example.com')];
    await session(alice, bob);
    const startedMs = performance.now();
    for (let seq = 1; seq <= 500; seq++) alice.send(data(seq, 100));
    await expect.poll(() => relay.stats().throttledConnections).toBe(1);
    await carol.settled();
    for (let seq = 1; seq <= 500; seq++) expect((await bob.next()).message).toMatchObject({ typ: 12, seq });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(relay.stats().throttled).toBeGreaterThan(0);
    await alice.settled();
    expect(performance.now() - startedMs).toBeGreaterThan(1000); // 300 beyond a second's worth, at 200 per second
    expect(relay.stats().rateDisconnects).toBe(0);
  });

  it('of bytes likewise', async () => {
    const relay = await start({ bytesPerSecond: 1_000_000, throttleCloseMs: 100 });
    await putAcl(relay, ALICE, ALICE, aclYaml([BOB]));
    const [alice, bob] = [await client(relay, ALICE), await client(relay, BOB)];
    await session(alice, bob);
    const startedMs = performance.now();
    for (let seq = 1; seq <= 40; seq++) alice.send(data(seq, 50_000));
    for (let seq = 1; seq <= 40; seq++) expect((await bob.next()).message).toMatchObject({ typ: 12, seq });
    await alice.settled();
    expect(performance.now() - startedMs).toBeGreaterThan(900); // a megabyte beyond a second's worth
    expect(relay.stats().rateDisconnects).toBe(0); // wanting more bytes is no abuse
  });

  it('and goes on with it on several connections is closed on all of them with 1008', async () => {
    const relay = await start({ messagesPerSecond: 100, throttleCloseMs: 300 });
    const [one, two, bob] = [await client(relay, ALICE), await client(relay, ALICE), await client(relay, BOB)];
    const told = Promise.all([farewell(one.socket), farewell(two.socket)]);
    const flood = setInterval(() => {
      for (let i = 0; i < 50; i++) if (one.socket.readyState === WebSocket.OPEN) one.socket.ping();
    }, 10);
    cleanups.push(() => clearInterval(flood));
    expect(await told).toEqual([
      [1008, 'too many messages'],
      [1008, 'too many messages'],
    ]);
    await bob.settled();
    expect(relay.stats()).toMatchObject({ rateDisconnects: 2, connections: 1 });
  });

  it('is let off after a pause', () => {
    const rate = new UserRate({ messagesPerSecond: 100, bytesPerSecond: 0, throttleCloseMs: 1000 }, 0);
    expect(rate.take(150, 0, 0)).toBe(500);
    expect(rate.take(50, 0, 500)).toBe(500);
    expect(rate.take(150, 0, 1000)).toBe('abuse');
    const other = new UserRate({ messagesPerSecond: 100, bytesPerSecond: 0, throttleCloseMs: 1000 }, 0);
    expect(other.take(150, 0, 0)).toBe(500);
    expect(other.take(1, 0, 1200)).toBe(0); // 70 saved meanwhile: that was a pause
    expect(other.take(150, 0, 1300)).toBeGreaterThan(0);
    expect(other.take(100, 0, 2200)).not.toBe('abuse');
  });

  it('is forgotten only when it is away and its allowance is full', () => {
    const rates = new Rates(limitsOf({ messagesPerSecond: 10 }));
    const first = rates.of(ALICE, 0);
    first.take(20, 0, 0);
    rates.sweep(500, () => false);
    expect(rates.of(ALICE, 500)).toBe(first);
    rates.sweep(5000, () => true);
    expect(rates.of(ALICE, 5000)).toBe(first);
    rates.sweep(5000, () => false);
    expect(rates.of(ALICE, 5000)).not.toBe(first);
  });
});

describe('a recipient', () => {
  it('that takes nothing for too long is told 1013 if it listens again, and its sender goes on', async () => {
    const relay = await start({ stuckMs: 200, highWaterBytes: 65_536, lowWaterBytes: 0 });
    await putAcl(relay, ALICE, ALICE, aclYaml([BOB]));
    const [alice, bob] = [await client(relay, ALICE), await client(relay, BOB)];
    await session(alice, bob);
    const told = farewell(bob.socket);
    bob.socket.pause();
    for (let seq = 1; seq <= 400; seq++) alice.send(data(seq, 60_000));
    await expect.poll(() => relay.stats().stuckDisconnects).toBe(1);
    bob.socket.resume();
    expect(await told).toEqual([1013, 'takes nothing']);
    await alice.settled();
    expect(relay.stats()).toMatchObject({ connections: 1, bufferedBytes: 0, pausedConnections: 0 });
  });

  it('with the most waiting goes when all queues together are full; the others keep theirs', async () => {
    const relay = await start({ maxQueuedBytes: 8 * 1024 * 1024, highWaterBytes: 64 * 1024 * 1024 });
    const carol = 'carol@example.com';
    await putAcl(relay, ALICE, ALICE, aclYaml([BOB, carol]));
    const [alice, bob, other] = [await client(relay, ALICE), await client(relay, BOB), await client(relay, carol)];
    await session(alice, bob);
    alice.send({ typ: 9, sid: 'session-of-carol', pth: PATH, to: carol });
    await other.next();
    other.send({ typ: 10, sid: 'session-of-carol' });
    await alice.next();
    bob.socket.pause();
    other.socket.pause();
    alice.send(data(1, 2_000_000, 'session-of-carol'));
    for (let seq = 1; seq <= 400 && relay.stats().overflowDisconnects === 0; seq++) {
      alice.send(data(seq, 200_000));
      await alice.settled();
    }
    await expect.poll(() => relay.stats().overflowDisconnects).toBe(1);
    expect(relay.stats().bufferedBytes).toBeLessThan(8 * 1024 * 1024);
    other.socket.resume();
    expect((await other.next()).message).toMatchObject({ typ: 12, seq: 1 });
  });
});

describe('messages that never become complete', () => {
  it('cost their connections when they hold too much together; who sends whole ones is not touched', async () => {
    const relay = await start({ maxQueuedBytes: 4 * 1024 * 1024 });
    const good = await client(relay, ALICE);
    const bad = await Promise.all(Array.from({ length: 6 }, () => client(relay, BOB)));
    for (const { socket } of bad) {
      socket.on('error', () => {});
      socket.send(Buffer.alloc(1_000_000), { fin: false, binary: true });
    }
    await expect.poll(() => relay.stats().overflowDisconnects).toBeGreaterThan(0);
    expect(relay.stats().connections).toBeGreaterThanOrEqual(4); // as many as fit stay
    await good.settled();
  });
});

describe('silence', () => {
  it('of a half-open connection is noticed within the stated time, of one that answers pings it is not', async () => {
    const relay = await start({ pingMs: 200, pongMs: 300 });
    const [alive, dead] = [await client(relay, ALICE), await client(relay, BOB)];
    let pings = 0;
    alive.socket.on('ping', () => pings++);
    dead.socket.pause(); // its kernel takes what comes; nobody answers
    const startedMs = performance.now();
    await expect.poll(() => relay.stats().silentDisconnects, { timeout: 5000, interval: 10 }).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    await expect.poll(() => pings).toBeGreaterThan(2);
    expect(relay.stats()).toMatchObject({ connections: 1, users: 1 });
    await alive.settled();
  });

  it('is asked about once, and ends with whatever comes', () => {
    const silence = new Silence({ pingMs: 100, pongMs: 50 }, 0);
    expect([silence.look(99), silence.look(100), silence.look(149)]).toEqual(['well', 'ask', 'well']);
    silence.heard(149);
    expect([silence.look(150), silence.look(249), silence.look(298), silence.look(299)]).toEqual(['well', 'ask', 'well', 'dead']);
  });
});

describe('a token', () => {
  it('that expires ends the connection it opened, with 1008', async () => {
    const relay = await start(
      {},
      { authenticate: (await import('../../src/relay/index.js')).accessTokens({ secrets: () => ['s'], skewSeconds: 0 }) },
    );
    const nowMs = Date.now();
    const alice = await client(relay, ALICE, { authorization: `Bearer ${mintAccessToken(ALICE, 's', nowMs, nowMs + 2000)}` });
    expect(await farewell(alice.socket)).toEqual([1008, 'token expired']);
    expect(relay.stats().expiredDisconnects).toBe(1);
  });
});
