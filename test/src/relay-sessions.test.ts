import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Decoded } from '../../native-free/envelope/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { aclYaml, type ClientSetup, putAcl, RelayClient } from './relay-client.js';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const EVE = 'eve@evil.org';
const DIR = `${ALICE}/app/_mpc/0_to_1`;
const TCP = `${DIR}/stream.tcp.request`;
const RPC = `${DIR}/m.request`;
const SID = '0123456789abcdef';

let relay: RelayServer;
let open: RelayClient[] = [];

beforeEach(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
  expect((await putAcl(relay, ALICE, DIR, aclYaml([BOB, EVE]))).status).toBe(200);
});

afterEach(async () => {
  for (const client of open) client.socket.terminate();
  open = [];
  await relay.close();
});

async function connect(user: string, setup: ClientSetup = {}): Promise<RelayClient> {
  const client = await RelayClient.connect(relay, user, setup);
  open.push(client);
  return client;
}

const messages = (seen: Decoded[]) => seen.map((decoded) => decoded.message);
const data = (seq: number, text = 'hi', sid = SID) =>
  ({ typ: 12, sid, seq, pth: TCP, etg: `s${seq}`, pay: new TextEncoder().encode(text) }) as const;

/** Alice opens towards Bob and Bob accepts. */
async function session(alice: RelayClient, bob: RelayClient, pth = TCP): Promise<void> {
  alice.send({ typ: 9, sid: SID, pth, to: bob.user });
  await bob.next();
  bob.send({ typ: 10, sid: SID });
  await alice.next();
}

describe('an open', () => {
  it('reaches the addressee with the sender written in, under the same id, and nobody else', async () => {
    const [alice, alice2, bob, eve] = [await connect(ALICE), await connect(ALICE), await connect(BOB), await connect(EVE)];
    const id = alice.send({ typ: 9, sid: SID, pth: TCP, to: ` ${BOB} `, frm: 'liar@x.io' });
    expect(await bob.next()).toEqual({ ok: true, id, message: { typ: 9, sid: SID, pth: TCP, frm: ALICE, to: BOB } });
    expect(await alice.settled()).toEqual([]);
    expect(await alice2.settled()).toEqual([]);
    expect(await eve.settled()).toEqual([]);
  });

  it('without an addressee reaches everybody who may read the path', async () => {
    const [alice, bob, eve, zoe] = [await connect(ALICE), await connect(BOB), await connect(EVE), await connect('zoe@x.io')];
    alice.send({ typ: 9, sid: SID, pth: TCP, to: ALICE });
    expect((await bob.next()).message).toEqual({ typ: 9, sid: SID, pth: TCP, frm: ALICE });
    expect((await eve.next()).message).toMatchObject({ typ: 9, sid: SID });
    expect(await zoe.settled()).toEqual([]);
  });

  it.each([
    ['without write access', BOB, TCP, 'permission denied', 'opensDenied'],
    ['by somebody whose name is a prefix of the owner (defect S10)', 'alice@example.co', TCP, 'permission denied', 'opensDenied'],
    ['on an absolute path', ALICE, `/${TCP}`, 'invalid path', 'opensBadPath'],
    ['on a climbing path', ALICE, `${ALICE}/../${BOB}/f`, 'invalid path', 'opensBadPath'],
  ] as const)('%s is rejected and counted', async (_what, user, pth, reason, counter) => {
    const client = await connect(user);
    const bob = await connect(BOB);
    client.send({ typ: 9, sid: SID, pth });
    expect((await client.next()).message).toMatchObject({ typ: 11, sid: SID, rsn: expect.stringContaining(reason) });
    expect(await bob.settled()).toEqual([]);
    expect(relay.stats()).toMatchObject({ [counter]: 1, sessions: 0 });
  });

  it('to somebody who may not read is rejected', async () => {
    const alice = await connect(ALICE);
    alice.send({ typ: 9, sid: SID, pth: TCP, to: 'zoe@x.io' });
    expect((await alice.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'permission denied' });
  });

  it('with a session id that would crash a Rust client is rejected', async () => {
    const alice = await connect(ALICE);
    for (const sid of ['short', 'äääääääääää', 'x'.repeat(200)]) {
      alice.send({ typ: 9, sid, pth: TCP });
      expect((await alice.next()).message).toMatchObject({ typ: 11, rsn: expect.stringContaining('invalid session id') });
    }
  });

  it("does not take over somebody else's session (defect S8)", async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    bob.send({ typ: 9, sid: SID, pth: `${BOB}/f` });
    expect((await bob.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'session exists' });
    alice.send(data(1));
    expect((await bob.next()).message).toMatchObject({ typ: 12, seq: 1 });
  });

  it('is allowed as soon as an ACL upload grants it', async () => {
    const bob = await connect(BOB);
    bob.send({ typ: 9, sid: SID, pth: TCP });
    expect((await bob.next()).message).toMatchObject({ typ: 11 });
    await putAcl(relay, ALICE, DIR, aclYaml([], [BOB]));
    const alice = await connect(ALICE);
    bob.send({ typ: 9, sid: SID, pth: TCP, to: ALICE });
    expect((await alice.next()).message).toMatchObject({ typ: 9, frm: BOB });
  });
});

describe('an accept', () => {
  it('reaches the connection that opened, under the same id', async () => {
    const [alice, alice2, bob] = [await connect(ALICE), await connect(ALICE), await connect(BOB)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    const id = bob.send({ typ: 10, sid: SID });
    expect(await alice.next()).toEqual({ ok: true, id, message: { typ: 10, sid: SID } });
    expect(await alice2.settled()).toEqual([]);
  });

  it('of an unknown session is rejected, of an own one passed over', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    bob.send({ typ: 10, sid: SID });
    expect((await bob.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'unknown session' });
    alice.send({ typ: 9, sid: SID, pth: TCP });
    alice.send({ typ: 10, sid: SID });
    expect(await alice.settled()).toEqual([]);
  });

  it('by another than the addressee, or by one who may no longer read, is rejected', async () => {
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: TCP, to: BOB });
    await bob.next();
    eve.send({ typ: 10, sid: SID });
    expect((await eve.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'permission denied' });
    await putAcl(relay, ALICE, DIR, aclYaml([]));
    bob.send({ typ: 10, sid: SID });
    expect((await bob.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'permission denied' });
  });

  it('of a TCP session holds for one user, with any number of connections, even while it is away', async () => {
    const [alice, bob, bob2, eve] = [await connect(ALICE), await connect(BOB), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    bob.send({ typ: 10, sid: SID });
    bob2.send({ typ: 10, sid: SID });
    await bob2.settled();
    await eve.next();
    eve.send({ typ: 10, sid: SID });
    expect((await eve.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'already accepted' });
    await Promise.all([bob.close(), bob2.close()]);
    await expect.poll(() => relay.stats().connections).toBe(2);
    eve.send({ typ: 10, sid: SID });
    expect((await eve.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'already accepted' });
    const bob3 = await connect(BOB);
    bob3.send({ typ: 10, sid: SID });
    expect(await bob3.settled()).toEqual([]);
    alice.send(data(1));
    expect((await bob3.next()).message).toMatchObject({ typ: 12 });
  });

  it('by the same program on a new connection leaves its old one, which may be dead without anybody having noticed', async () => {
    const [alice, old, anew, other] = [await connect(ALICE), await connect(BOB), await connect(BOB), await connect(BOB)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    old.send({ typ: 10, sid: SID }, 'hl1-00000001-0000000a-00000001');
    other.send({ typ: 10, sid: SID }, 'hl1-00000001-0000000b-00000001');
    await Promise.all([old.settled(), other.settled()]);
    anew.send({ typ: 10, sid: SID }, 'hl1-00000001-0000000a-00000002');
    await anew.settled();
    alice.send(data(1));
    expect((await anew.next()).message).toMatchObject({ typ: 12 });
    expect((await other.next()).message).toMatchObject({ typ: 12 });
    expect(await old.settled()).toEqual([]);
  });

  it('of another session may come from several users, who all get the data', async () => {
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: RPC });
    for (const client of [bob, eve]) {
      await client.next();
      client.send({ typ: 10, sid: SID });
      await alice.next();
    }
    alice.send(data(1));
    expect((await bob.next()).message).toMatchObject({ typ: 12 });
    expect((await eve.next()).message).toMatchObject({ typ: 12 });
  });
});

describe('data', () => {
  it('goes from the opener to the acceptor, as the very bytes where both speak msgpack', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    for (let seq = 1; seq <= 100; seq++) alice.send(data(seq, `payload ${seq}`), `id${seq}`);
    for (let seq = 1; seq <= 100; seq++)
      expect(await bob.next()).toEqual({ ok: true, id: `id${seq}`, message: data(seq, `payload ${seq}`) });
    expect(relay.stats()).toMatchObject({ dataForwarded: 100, dataForwardedRaw: 100 });
  });

  it('is lost and counted before anybody accepted', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    alice.send(data(1));
    expect(await alice.settled()).toEqual([]);
    expect(await bob.settled()).toEqual([]);
    expect(relay.stats().dataNotAccepted).toBe(1);
  });

  it('of an unknown session is rejected', async () => {
    const alice = await connect(ALICE);
    alice.send(data(1));
    expect((await alice.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'unknown session' });
  });

  it('from anybody but the opener is lost and counted; another connection of the opener may send', async () => {
    const [alice, alice2, bob, eve] = [await connect(ALICE), await connect(ALICE), await connect(BOB), await connect(EVE)];
    await session(alice, bob);
    eve.send(data(1));
    bob.send(data(1));
    await Promise.all([eve.settled(), bob.settled()]);
    expect(relay.stats().dataNotOpener).toBe(2);
    alice2.send(data(1));
    expect((await bob.next()).message).toMatchObject({ typ: 12 });
    expect(await alice.settled()).toEqual([]);
  });

  it('of another channel does not pass under this session; of another file in its directory it does, by that file’s rules (defect S9)', async () => {
    const rules = JSON.stringify({
      rules: [
        { pattern: '**', access: { read: [BOB, EVE] } },
        { pattern: 'for-bob.*', access: { read: [BOB] } },
      ],
    });
    expect((await putAcl(relay, ALICE, DIR, rules)).status).toBe(200);
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: RPC });
    for (const peer of [bob, eve]) {
      await peer.next();
      peer.send({ typ: 10, sid: SID });
      await alice.next();
    }
    const foreign = [
      `${BOB}/app/_mpc/1_to_0/stream.tcp.request`,
      `${ALICE}/app/_mpc/0_to_2/m.request`,
      `${DIR}/deeper/m.request`,
      `${DIR}/..`,
      `${DIR}/..\\..\\x`,
      '',
    ];
    for (const pth of foreign) {
      alice.send({ ...data(1), pth });
      expect((await alice.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'the path is not of this session' });
    }
    expect(await bob.settled()).toEqual([]);
    expect(relay.stats().dataForeignPath).toBe(foreign.length);
    for (const pth of [`${DIR}/n.request`, `${DIR}/for-bob.request`]) {
      alice.send({ ...data(2), pth });
      expect((await bob.next()).message).toMatchObject({ typ: 12, pth });
    }
    expect(messages(await eve.settled())).toMatchObject([{ typ: 12, pth: `${DIR}/n.request` }]);
    expect(relay.stats().dataDenied).toBe(1);
  });

  it('of a file that its opener may not write does not pass', async () => {
    const rules = `rules:\n- pattern: "m.*"\n  access:\n    write: ["${BOB}"]\n- pattern: "**"\n  access:\n    read: ["*"]\n`;
    expect((await putAcl(relay, ALICE, DIR, rules)).status).toBe(200);
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    bob.send({ typ: 9, sid: SID, pth: RPC, to: ALICE });
    await alice.next();
    alice.send({ typ: 10, sid: SID });
    await bob.next();
    bob.send({ ...data(1), pth: TCP });
    expect((await bob.next()).message).toMatchObject({ typ: 11, rsn: 'the path is not of this session' });
    expect(await alice.settled()).toEqual([]);
  });

  it('stops when the acceptor loses read access', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    await putAcl(relay, ALICE, DIR, aclYaml([]));
    alice.send(data(1));
    await alice.settled();
    expect(await bob.settled()).toEqual([]);
    expect(relay.stats().dataDenied).toBe(1);
  });

  it('with a key twice is written anew, so that nobody can read another session out of it', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    const other = 'fedcba9876543210';
    const text = (value: string) => Buffer.concat([Buffer.from([0xa0 + value.length]), Buffer.from(value)]);
    const pair = (key: string, value: Buffer) => Buffer.concat([text(key), value]);
    const document = Buffer.concat([
      Buffer.from([0x84]),
      pair('sid', text(other)),
      pair('sid', text(SID)),
      pair('seq', Buffer.from([1])),
      pair('pth', Buffer.concat([Buffer.from([0xd9, TCP.length]), Buffer.from(TCP)])),
    ]);
    const bin = Buffer.concat([Buffer.from([0xc4, document.length]), document]);
    alice.socket.send(
      Buffer.concat([Buffer.from([0x53, 0x42, 1, 1, 0x83]), pair('id', text('x')), pair('typ', Buffer.from([12])), pair('dat', bin)]),
    );
    await bob.next();
    expect(bob.frames.at(-1)?.data.includes(other)).toBe(false);
    expect(relay.stats()).toMatchObject({ dataForwarded: 1, dataForwardedRaw: 0 });
  });
});

describe('mixed encodings', () => {
  it('meet: JSON to msgpack and back', async () => {
    const alice = await connect(ALICE, { encodings: '', format: 'json' });
    const bob = await connect(BOB);
    expect(alice.responseHeaders['x-syft-ws-encoding']).toBe('json');
    expect(bob.responseHeaders['x-syft-ws-encoding']).toBe('msgpack');
    await session(alice, bob);
    alice.send(data(1, 'from JSON'));
    expect((await bob.next()).message).toEqual(data(1, 'from JSON'));
    bob.send({ typ: 14, sid: SID, knd: 'sdp_offer', tok: '{"sdp":"v=0"}', adr: [] });
    expect((await alice.next()).message).toMatchObject({ typ: 14, knd: 'sdp_offer', tok: '{"sdp":"v=0"}' });
    expect(alice.frames.every((frame) => !frame.isBinary)).toBe(true);
    expect(bob.frames.every((frame) => frame.isBinary)).toBe(true);
  });

  it('meet: msgpack to JSON', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB, { encodings: 'cbor, JSON ,msgpack', format: 'json' })];
    await session(alice, bob);
    alice.send(data(7, 'from msgpack'));
    expect((await bob.next()).message).toEqual(data(7, 'from msgpack'));
    expect(relay.stats().dataForwardedRaw).toBe(0);
  });

  it.each(['msgpack-full', 'msgpack-rust'] as const)('take the %s dialect as it is', async (format) => {
    const [alice, bob] = [await connect(ALICE, { format }), await connect(BOB, { format })];
    await session(alice, bob);
    alice.send(data(1));
    expect((await bob.next()).message).toEqual(data(1));
    expect(relay.stats().dataForwardedRaw).toBe(1);
  });
});

describe('the end of a session', () => {
  it('by the opener reaches those who accepted, and the session is gone', async () => {
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await Promise.all([bob.next(), eve.next()]);
    bob.send({ typ: 10, sid: SID });
    await alice.next();
    const id = alice.send({ typ: 13, sid: SID, rsn: 'fallback' });
    expect(await bob.next()).toEqual({ ok: true, id, message: { typ: 13, sid: SID, rsn: 'fallback' } });
    expect(await eve.settled()).toEqual([]);
    expect(relay.stats().sessions).toBe(0);
  });

  it('by the acceptor reaches the opener and frees the session for somebody else', async () => {
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await Promise.all([bob.next(), eve.next()]);
    bob.send({ typ: 10, sid: SID });
    await alice.next();
    bob.send({ typ: 13, sid: SID });
    expect((await alice.next()).message).toEqual({ typ: 13, sid: SID });
    eve.send({ typ: 10, sid: SID });
    expect((await alice.next()).message).toEqual({ typ: 10, sid: SID });
    alice.send(data(1));
    await eve.next();
    expect(await bob.settled()).toEqual([]);
  });

  it('cannot be brought about by an onlooker who knows its id (defect S8)', async () => {
    const [alice, bob, eve, zoe] = [await connect(ALICE), await connect(BOB), await connect(EVE), await connect('zoe@x.io')];
    await session(alice, bob);
    for (const client of [eve, zoe]) {
      client.send({ typ: 11, sid: SID, rsn: 'ha' });
      client.send({ typ: 13, sid: SID, rsn: 'ha' });
      await client.settled();
    }
    expect(await alice.settled()).toEqual([]);
    expect(relay.stats()).toMatchObject({ strangers: 4, sessions: 1 });
  });

  it('may be asked for by a user who was asked: a reject before anybody accepted', async () => {
    const [alice, bob, zoe] = [await connect(ALICE), await connect(BOB), await connect('zoe@x.io')];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    zoe.send({ typ: 11, sid: SID, rsn: 'ipc unavailable' });
    await zoe.settled();
    bob.send({ typ: 11, sid: SID, rsn: 'ipc unavailable' });
    expect((await alice.next()).message).toEqual({ typ: 11, sid: SID, rsn: 'ipc unavailable' });
    expect(relay.stats().strangers).toBe(1);
  });
});

describe('a signal', () => {
  it('passes both ways between opener and acceptor, whatever its kind', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    bob.send({ typ: 14, sid: SID, knd: 'our-own', tok: 'x', adr: ['a', 'b'], err: 'e' });
    expect((await alice.next()).message).toEqual({ typ: 14, sid: SID, knd: 'our-own', tok: 'x', adr: ['a', 'b'], err: 'e' });
    alice.send({ typ: 14, sid: SID, knd: 'sdp_answer', tok: 'y' });
    expect((await bob.next()).message).toMatchObject({ typ: 14, knd: 'sdp_answer', tok: 'y' });
  });

  it('of an unknown session is answered, from a stranger lost', async () => {
    const [alice, bob, eve] = [await connect(ALICE), await connect(BOB), await connect(EVE)];
    eve.send({ typ: 14, sid: SID, knd: 'x' });
    expect((await eve.next()).message).toEqual({ typ: 14, sid: SID, knd: 'quic_error', err: 'unknown session' });
    await session(alice, bob);
    eve.send({ typ: 14, sid: SID, knd: 'x' });
    await eve.settled();
    expect(await alice.settled()).toEqual([]);
    expect(relay.stats().strangers).toBe(1);
  });

  it('right behind an accept is not lost (defect S1)', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    for (let i = 0; i < 50; i++) {
      bob.send({ typ: 10, sid: SID });
      bob.send({ typ: 14, sid: SID, knd: 'sdp_offer', tok: String(i) });
    }
    for (let i = 0; i < 50; i++) {
      expect((await alice.next()).message.typ).toBe(10);
      expect((await alice.next()).message).toMatchObject({ typ: 14, tok: String(i) });
    }
  });
});

describe('connections that go away', () => {
  it('of the opener: answers reach its newest connection', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    alice.send({ typ: 9, sid: SID, pth: TCP });
    await bob.next();
    await alice.close();
    await expect.poll(() => relay.stats().connections).toBe(1);
    const alice2 = await connect(ALICE);
    bob.send({ typ: 10, sid: SID });
    expect((await alice2.next()).message).toEqual({ typ: 10, sid: SID });
  });
});

describe('what is not an envelope', () => {
  it('is skipped and counted, and the connection stays', async () => {
    const alice = await connect(ALICE);
    for (const frame of [
      Buffer.from('SBx'),
      Buffer.from([0x53, 0x42, 2, 1]),
      Buffer.alloc(0),
      'text',
      '{}',
      '{"id":"x","typ":9,"dat":{}}',
      Buffer.alloc(2000, 0xc1),
    ]) {
      alice.socket.send(frame);
    }
    expect(messages(await alice.settled())).toEqual([]);
    expect(relay.stats().badEnvelopes).toBe(7);
  });

  it('or of a kind that is not for the relay is ignored and counted', async () => {
    const alice = await connect(ALICE);
    alice.send({ typ: 4, oid: 'x' });
    alice.socket.send('{"id":"x","typ":99,"dat":{}}');
    expect(await alice.settled()).toEqual([]);
    expect(relay.stats().ignoredMessages).toBe(2);
  });

  it('and is larger than 8 MiB closes the connection with 1009', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    await session(alice, bob);
    alice.send({ ...data(1), pay: new Uint8Array(8 * 1024 * 1024 - 200) });
    expect((await bob.next()).message).toMatchObject({ typ: 12, seq: 1 });
    alice.socket.send(new Uint8Array(8 * 1024 * 1024 + 1));
    expect(await alice.closed).toBe(1009);
    await bob.settled();
  });
});

describe('a file', () => {
  const write = (pth: string, text: string) => ({ typ: 2, pth, etg: '', len: text.length, con: new TextEncoder().encode(text) }) as const;

  it('that is an ACL is loaded before its acknowledgement', async () => {
    const [alice, bob] = [await connect(ALICE), await connect(BOB)];
    const id = alice.send(write(`${DIR}/syft.pub.yaml`, aclYaml([], [BOB])));
    expect((await alice.next()).message).toEqual({ typ: 4, oid: id });
    bob.send({ typ: 9, sid: SID, pth: TCP, to: ALICE });
    expect((await alice.next()).message).toMatchObject({ typ: 9, frm: BOB });
  });

  it.each([
    ['of somebody else', `${BOB}/syft.pub.yaml`, 'rules: []', 'neither owner nor admin'],
    ['outside', `${ALICE}/../${BOB}/syft.pub.yaml`, 'rules: []', 'the key must be'],
    ['that is no YAML', `${ALICE}/syft.pub.yaml`, 'rules:\n  - [', 'line 2'],
    ['that is no ACL', `${ALICE}/f.txt`, 'x', 'does not synchronise files'],
  ])('%s is refused with the reason', async (_what, pth, text, reason) => {
    const alice = await connect(ALICE);
    const id = alice.send(write(pth, text));
    expect((await alice.next()).message).toMatchObject({ typ: 5, oid: id, err: expect.stringContaining(reason) });
  });
});
