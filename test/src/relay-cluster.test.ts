// Several relays on one NATS server are one relay to their clients: the rules of sessions hold wherever somebody is connected, a slow reader at
// one stops a sender at another, and a NATS server that goes and comes back costs no message.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Decoded, Message } from '../../native-free/envelope/index.js';
import { natsOptions } from '../../src/relay/cluster/nats.js';
import { startRelay } from '../../src/relay/index.js';
import { NatsServer, natsAbsent } from '../support/nats-server.js';
import { RelayCluster } from '../support/relay-cluster.js';
import { freePort } from '../support/sandbox.js';
import { aclYaml, putAcl, type RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const CAROL = 'carol@example.com';
const EVE = 'eve@evil.org';
const DIR = `${ALICE}/app/_mpc/0_to_1`;
const TCP = `${DIR}/stream.tcp.request`;
const RPC = `${DIR}/m.request`;
const SID = '0123456789abcdef';
const KIB = 1024;

const skip = natsAbsent('relays in a cluster');
let nats: NatsServer;
let cluster: RelayCluster;

const message = (decoded: Decoded): Message => decoded.message;
const data = (seq: number, sid = SID, bytes = 4) => ({ typ: 12, sid, seq, pth: TCP, pay: new Uint8Array(bytes).fill(seq) }) as const;

/** Alice opens towards a peer, who accepts. */
async function session(alice: RelayClient, peer: RelayClient, sid = SID, pth = TCP): Promise<void> {
  alice.send({ typ: 9, sid, pth, to: peer.user });
  expect(message(await peer.next())).toMatchObject({ typ: 9, sid, frm: alice.user });
  peer.send({ typ: 10, sid });
  expect(message(await alice.next())).toMatchObject({ typ: 10, sid });
}

describe('the NATS servers of a cluster', () => {
  it.each([
    ['nats://a:4222', { servers: ['a:4222'] }],
    ['nats://joe:s%40me@a:4222, tls://b:4223', { servers: ['a:4222', 'b:4223'], user: 'joe', pass: 's@me', tls: {} }],
    ['nats://a-token@[::1]:4222', { servers: ['[::1]:4222'], token: 'a-token' }],
  ])('are read from %s', (text, options) => {
    expect(natsOptions(text)).toEqual(options);
  });

  it.each(['', 'a:4222', 'http://a:4222', 'nats://a:4222/path', 'nats://secret@a:x'])(
    'are refused as "%s", without repeating a password',
    (text) => {
      expect(() => natsOptions(text)).toThrow(
        expect.objectContaining({ code: 'ERR_HLNK_CONFIG', message: expect.not.stringContaining('secret') }),
      );
    },
  );

  it.skipIf(skip)('let nobody in without the password, and are tried in turns', async () => {
    const guarded = await NatsServer.start('--user', 'relay', '--pass', 'open sesame');
    const start = (servers: string) => startRelay({ listen: '127.0.0.1:0', cluster: { servers, name: 'guarded' } });
    try {
      const address = `127.0.0.1:${guarded.port}`;
      await expect(start(`nats://relay:wrong@${address}`)).rejects.toMatchObject({
        code: 'ERR_HLNK_CONFIG',
        message: expect.stringContaining('refuses'),
      });
      await expect(start(`nats://${address}`)).rejects.toMatchObject({ code: 'ERR_HLNK_CONFIG' });
      const relay = await start(`nats://relay:open%20sesame@127.0.0.1:${await freePort()},nats://${address}`);
      expect(relay.stats().cluster?.processes).toBe(1);
      await relay.close();
    } finally {
      await guarded.stop();
    }
  });
});

describe.skipIf(skip).sequential('three relays on one NATS server', () => {
  beforeAll(async () => {
    nats = await NatsServer.start();
  });
  afterAll(async () => {
    await nats.stop();
  });
  beforeEach(async () => {
    cluster = await RelayCluster.start(nats, 3, { limits: { highWaterBytes: 512 * KIB, lowWaterBytes: 128 * KIB } });
    expect((await putAcl(cluster.relay(0), ALICE, DIR, aclYaml([BOB, CAROL, EVE]))).status).toBe(200);
  });
  afterEach(async () => {
    await cluster.close();
  });

  it('carry a session whose ends are at different ones, in both encodings, as one relay would', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB, { encodings: '', format: 'json' })];
    const id = alice.send({ typ: 9, sid: SID, pth: TCP, to: ` ${BOB} `, frm: 'liar@x.io' });
    expect(await bob.next()).toEqual({ ok: true, id, message: { typ: 9, sid: SID, pth: TCP, frm: ALICE, to: BOB } });
    const accept = bob.send({ typ: 10, sid: SID });
    expect(await alice.next()).toEqual({ ok: true, id: accept, message: { typ: 10, sid: SID } });
    for (let seq = 1; seq <= 50; seq++) alice.send(data(seq));
    for (let seq = 1; seq <= 50; seq++) expect(message(await bob.next())).toEqual(data(seq));
    bob.send({ typ: 14, sid: SID, knd: 'sdp_offer', tok: 'x' });
    expect(message(await alice.next())).toMatchObject({ typ: 14, knd: 'sdp_offer', tok: 'x' });
    alice.send({ typ: 14, sid: SID, knd: 'sdp_answer', tok: 'y' });
    expect(message(await bob.next())).toMatchObject({ typ: 14, knd: 'sdp_answer', tok: 'y' });
    alice.send({ typ: 13, sid: SID, rsn: 'done' });
    expect(message(await bob.next())).toEqual({ typ: 13, sid: SID, rsn: 'done' });
    alice.send(data(51));
    expect(message(await alice.next())).toMatchObject({ typ: 11, rsn: 'unknown session' });
    expect(cluster.relays.map((relay) => relay.stats().sessions)).toEqual([0, 0, 0]);
    await expect.poll(() => cluster.relays.map((relay) => relay.stats().cluster?.knownSessions)).toEqual([0, 0, 0]);
  });

  it('show an Open without an addressee to everybody who may read, wherever they are', async () => {
    const [alice, bob, eve, zoe] = [
      await cluster.connect(0, ALICE),
      await cluster.connect(1, BOB),
      await cluster.connect(2, EVE),
      await cluster.connect(1, 'zoe@x.io'),
    ];
    alice.send({ typ: 9, sid: SID, pth: RPC });
    expect(message(await bob.next())).toMatchObject({ typ: 9, sid: SID, frm: ALICE });
    expect(message(await eve.next())).toMatchObject({ typ: 9, sid: SID, frm: ALICE });
    for (const peer of [bob, eve]) {
      peer.send({ typ: 10, sid: SID });
      expect(message(await alice.next())).toMatchObject({ typ: 10 });
    }
    alice.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
    expect(message(await eve.next())).toEqual(data(1));
    expect(await zoe.settled()).toEqual([]);
  });

  it('refuse across processes what one process refuses: no right to read, taken sessions, strangers, stolen ids', async () => {
    const [alice, bob, carol, zoe] = [
      await cluster.connect(0, ALICE),
      await cluster.connect(1, BOB),
      await cluster.connect(2, CAROL),
      await cluster.connect(2, 'zoe@x.io'),
    ];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    await carol.next();
    zoe.send({ typ: 10, sid: SID });
    expect(message(await zoe.next())).toEqual({ typ: 11, sid: SID, rsn: 'permission denied' });
    bob.send({ typ: 10, sid: SID });
    await alice.next();
    carol.send({ typ: 10, sid: SID });
    expect(message(await carol.next())).toEqual({ typ: 11, sid: SID, rsn: 'already accepted' });
    // Neither an onlooker's Reject, Close and Signal, nor somebody else's Data comes through.
    carol.send({ typ: 11, sid: SID, rsn: 'spite' });
    carol.send({ typ: 13, sid: SID, rsn: 'spite' });
    carol.send({ typ: 14, sid: SID, knd: 'sdp_offer' });
    carol.send(data(7));
    // Its opener's, on another process than the session's.
    zoe.send({ typ: 9, sid: SID, pth: 'zoe@x.io/f', to: 'zoe@x.io' });
    expect(message(await zoe.next())).toEqual({ typ: 11, sid: SID, rsn: 'session exists' });
    await expect.poll(() => cluster.relay(0).stats()).toMatchObject({ strangers: 3, dataNotOpener: 1 });
    alice.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
    expect(await alice.settled()).toEqual([]);
  });

  it('let only one of two have a session id that both open at the same moment', async () => {
    const [alice, eve] = [await cluster.connect(0, ALICE), await cluster.connect(1, EVE)];
    await cluster.connect(2, BOB);
    for (let round = 0; round < 20; round++) {
      const sid = `race-${round}-for-a-session`;
      alice.send({ typ: 9, sid, pth: TCP, to: BOB });
      eve.send({ typ: 9, sid, pth: `${EVE}/f`, to: EVE });
    }
    const refused = async (): Promise<number> => {
      const seen = [...(await alice.settled()), ...(await eve.settled())];
      for (const decoded of seen) expect(message(decoded)).toMatchObject({ typ: 11, rsn: 'session exists' });
      return seen.length;
    };
    let total = 0;
    await expect.poll(async () => (total += await refused())).toBe(20);
    await expect.poll(() => cluster.relays.map((relay) => relay.stats().cluster?.knownSessions)).toEqual([20, 20, 20]);
    expect(cluster.relays.reduce((sum, relay) => sum + relay.stats().sessions, 0)).toBe(20);
  });

  it('treat the connections of one user at different processes as one user', async () => {
    const [alice, alice2, bob] = [await cluster.connect(0, ALICE), await cluster.connect(2, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    // Data of the second connection counts: it is the same user.
    alice2.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
    // When the connection that opened is gone, answers go to the other one, wherever it is.
    await alice.close();
    bob.send({ typ: 14, sid: SID, knd: 'sdp_offer', tok: 'z' });
    expect(message(await alice2.next())).toMatchObject({ typ: 14, tok: 'z' });
    alice2.send(data(2));
    expect(message(await bob.next())).toEqual(data(2));
    // The user opens anew at the other process: the session moves there, and nothing is left behind.
    await session(alice2, bob);
    await expect.poll(() => cluster.relays.map((relay) => relay.stats().sessions)).toEqual([0, 0, 1]);
    alice2.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
  });

  it('stop delivering at every process before the upload that takes a right away is acknowledged', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    for (let round = 0; round < 10; round++) {
      // Taken away at a process that has neither end.
      expect((await putAcl(cluster.relay(2), ALICE, DIR, aclYaml([CAROL]))).status).toBe(200);
      alice.send(data(1000 + round));
      await alice.settled();
      expect(cluster.relay(0).stats().dataDenied).toBe(round + 1);
      expect((await putAcl(cluster.relay(1), ALICE, DIR, aclYaml([BOB]))).status).toBe(200);
      alice.send(data(round));
      expect(message(await bob.next())).toEqual(data(round));
    }
    // By message, too, and the last word of two changes at different processes stands everywhere.
    const admin = await cluster.connect(2, ALICE);
    const content = new TextEncoder().encode(aclYaml([]));
    const id = admin.send({ typ: 2, pth: `${DIR}/syft.pub.yaml`, etg: '', len: content.length, con: content });
    expect(message(await admin.next())).toEqual({ typ: 4, oid: id });
    alice.send(data(99));
    await alice.settled();
    expect(cluster.relay(0).stats().dataDenied).toBe(11);
  });

  it('keep ACL files the same on every disk, follow edits by hand, and do not take an old file for the newer rule', async () => {
    const disks = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'hotlink-cluster-')));
    const file = (disk: number) => join(disks[disk] as string, 'datasites', DIR, 'syft.pub.yaml');
    try {
      await cluster.add({ dataDir: disks[0] as string });
      await cluster.add({ dataDir: disks[1] as string });
      expect(readFileSync(file(1), 'utf8')).toBe(aclYaml([BOB, CAROL, EVE]));
      writeFileSync(file(0), aclYaml([BOB]));
      const check = async (relay: number, user: string): Promise<number> =>
        (await fetch(`${cluster.relay(relay).url}/api/v1/acl/check?user=${user}&path=${TCP}&level=1`)).status;
      await expect.poll(() => check(1, CAROL)).toBe(403);
      await expect.poll(() => readFileSync(file(1), 'utf8')).toBe(aclYaml([BOB]));
      // One process misses a change, and finds out when it comes back.
      await cluster.relay(4).close();
      await putAcl(cluster.relay(2), ALICE, DIR, aclYaml([EVE]));
      expect(readFileSync(file(1), 'utf8')).toBe(aclYaml([BOB]));
      await cluster.add({ dataDir: disks[1] as string });
      expect(await check(5, BOB)).toBe(403);
      expect(await check(5, EVE)).toBe(200);
      expect(readFileSync(file(1), 'utf8')).toBe(aclYaml([EVE]));
      expect(await check(0, BOB)).toBe(403);
    } finally {
      for (const disk of disks) rmSync(disk, { recursive: true, force: true });
    }
  });

  it('count the connections of one user together, and take no name for a wildcard', async () => {
    const limited = await RelayCluster.start(nats, 2, { limits: { maxConnectionsPerUser: 2 } });
    try {
      await limited.connect(0, BOB);
      await limited.connect(1, BOB);
      await expect.poll(() => limited.relay(0).stats().cluster?.remoteClients).toBe(1);
      await expect(limited.connect(0, BOB)).rejects.toThrow('429');
    } finally {
      await limited.close();
    }
    const star = '*.>@x.io';
    expect((await putAcl(cluster.relay(0), star, star, aclYaml([BOB]))).status).toBe(200);
    const [wild, alice, bob] = [await cluster.connect(2, star), await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    alice.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
    expect(await wild.settled()).toEqual([]);
    await session(wild, bob, 'session-of-star', `${star}/f`);
  });

  it('teach a process that joins later who is there, what may be done and which sessions there are', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    await cluster.add();
    expect(cluster.relay(3).stats()).toMatchObject({ aclRulesets: 1, cluster: { processes: 4, remoteClients: 2, knownSessions: 1 } });
    const [late, carol] = [await cluster.connect(3, ALICE), await cluster.connect(3, CAROL)];
    late.send(data(1));
    expect(message(await bob.next())).toEqual(data(1));
    carol.send({ typ: 10, sid: SID });
    expect(message(await carol.next())).toMatchObject({ typ: 11, rsn: 'permission denied' });
  });

  it('stop a sender whose recipient at another process does not read, cost bounded memory there, and lose nothing', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    const [alice2, carol] = [await cluster.connect(0, ALICE), await cluster.connect(1, CAROL)];
    await session(alice, bob);
    await session(alice2, carol, 'another-session');
    bob.socket.pause();
    const count = 600; // 35 MiB: far more than all socket buffers and portions on the way
    for (let seq = 1; seq <= count; seq++) alice.send(data(seq, SID, 60 * KIB));
    await expect.poll(() => cluster.relay(0).stats().pausedConnections).toBe(1);
    // Nobody else between the same two processes waits for it.
    for (let seq = 1; seq <= 100; seq++) {
      alice2.send(data(seq, 'another-session', 60 * KIB));
      expect(message(await carol.next())).toMatchObject({ typ: 12, seq });
    }
    expect(cluster.relay(0).stats().pausedConnections).toBe(1);
    const [home, away] = [cluster.relay(0).stats(), cluster.relay(1).stats()];
    expect(away.maxBufferedBytes).toBeLessThan((512 + 512 + 3 * 64) * KIB);
    expect(home.cluster?.outstandingBytes).toBeLessThan(1024 * KIB);
    bob.socket.resume();
    for (let seq = 1; seq <= count; seq++) {
      const got = message(await bob.next());
      if (got.typ !== 12 || got.seq !== seq || got.pay[0] !== seq % 256)
        throw new Error(`expected frame ${seq}, got ${JSON.stringify(got)}`);
    }
    await expect.poll(() => cluster.relay(0).stats()).toMatchObject({ pausedConnections: 0, cluster: { resent: 0 } });
  });

  it('lose and repeat nothing when NATS is killed and started anew in mid-burst', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    const count = 3000; // 180 MB
    const sending = (async () => {
      for (let seq = 1; seq <= count; seq++) {
        alice.send(data(seq, SID, 60 * KIB));
        if (alice.socket.bufferedAmount > 8_000_000) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let seq = 1; seq <= count; seq++) {
      const got = message(await bob.next());
      if (got.typ !== 12 || got.seq !== seq) throw new Error(`expected frame ${seq}, got ${JSON.stringify(got)}`);
      if (seq === 300 || seq === 1500) await nats.restart();
    }
    await sending;
    expect(cluster.relay(0).stats().cluster?.resent).toBeGreaterThan(0);
    expect(cluster.relays.map((relay) => relay.stats().cutOffDisconnects)).toEqual([0, 0, 0]);
  });

  it('tell upstream clients of a session whose process stopped, and forget its clients', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    const own = await cluster.connect(2, CAROL);
    await session(alice, bob);
    alice.send({ typ: 9, sid: 'second-session', pth: RPC, to: CAROL });
    await own.next();
    own.send({ typ: 10, sid: 'second-session' }, 'hl1-00000001-00000002-00000003');
    await alice.next();
    await cluster.relay(0).close();
    expect(message(await bob.next())).toMatchObject({ typ: 13, sid: SID, rsn: 'the relay that had the session is gone' });
    await expect.poll(() => cluster.relay(2).stats().cluster).toMatchObject({ processes: 2, remoteClients: 1, knownSessions: 0 });
    expect(await own.settled()).toEqual([]);
  });

  it('give way when NATS stays away, and serve again when it is back', async () => {
    const [alice, bob] = [await cluster.connect(0, ALICE), await cluster.connect(1, BOB)];
    await session(alice, bob);
    await nats.stop();
    expect(await alice.closed).toBe(1013);
    expect(await bob.closed).toBe(1013);
    expect((await fetch(`${cluster.relay(0).url}/readyz`)).status).toBe(503);
    expect(cluster.relay(0).stats().cluster).toMatchObject({ isServing: false });
    expect((await putAcl(cluster.relay(0), ALICE, DIR, aclYaml([]))).status).toBe(503);
    await expect(cluster.connect(0, ALICE)).rejects.toThrow('503');
    await nats.restart();
    await expect.poll(async () => (await fetch(`${cluster.relay(1).url}/readyz`)).status, { timeout: 30_000 }).toBe(200);
    await expect.poll(async () => (await fetch(`${cluster.relay(0).url}/readyz`)).status, { timeout: 30_000 }).toBe(200);
    expect(cluster.relay(0).stats().cluster).toMatchObject({ isServing: true });
    await session(await cluster.connect(0, ALICE), await cluster.connect(1, BOB));
  });
});
