// What upstream's server, its clients and strangers can do to us, and that it does no harm: each story fails when its defence is taken away.
// wire.md 11 and 13.
import { afterEach, describe, expect, it } from 'vitest';
import { Typ } from '../doubles/dialect.js';
import { GoClient } from '../doubles/go-client.js';
import type { GoServer } from '../doubles/go-server.js';
import { goServer, Scene, share, stranger, withGo } from '../support/interop.js';
import { ALICE, BOB, dial, freePort, until } from '../support/sandbox.js';
import { sendCounted } from '../support/upstream-stream.js';

const CAROL = 'carol@example.com';
let scene: Scene<GoClient, GoServer>;
const strangers: GoClient[] = [];
afterEach(async () => {
  await Promise.all(strangers.splice(0).map((client) => client.close()));
  await scene.close();
});

async function meet(email: string, accepts = false): Promise<GoClient> {
  const client = await stranger(scene.sandbox.relay.url, email, accepts);
  strangers.push(client);
  return client;
}
const closedAtServer = (sid: string): boolean => {
  const { sessions } = scene.sandbox.relay;
  return !sessions.sids.includes(sid) && scene.sandbox.relay.from(BOB).some(({ typ, dat }) => typ === Typ.close && dat['sid'] === sid);
};
const sentByUs = (typ: number) => scene.sandbox.relay.from(ALICE).filter((wire) => wire.typ === typ);

describe('a server that', () => {
  it('drops Data before an Accept gets none, however late the peer comes', async () => {
    const server = await goServer();
    let ours: Awaited<ReturnType<typeof dial>> | undefined;
    const latePeer = async (url: string, email: string, datasites: string, ourPort: number): Promise<GoClient> => {
      ours = await dial(ourPort);
      ours.write('the first words');
      await until('we asked twice', () => server.from(ALICE).filter(({ typ }) => typ === Typ.open).length >= 2);
      return GoClient.start({ server: url, email, datasites });
    };
    // Nothing but the Accept is waited for: with another lane allowed the relay would have its grace first.
    scene = await Scene.open(server, latePeer, { ours: { lanes: ['relay'] } });
    const theirs = await dial(scene.peerPort);
    const words = await new Promise<string>((resolve) => theirs.once('data', (data: Buffer) => resolve(data.toString())));
    expect(words).toBe('the first words');
    expect(server.sessions.dataVanished).toBe(0);
    expect(ours?.destroyed).toBe(false);
    // Each Open under a sid of its own that nobody can guess, the one before closed.
    const sids = sentByUs(Typ.open).map(({ dat }) => dat['sid'] as string);
    expect(new Set(sids).size).toBe(sids.length);
    for (const sid of sids) expect(sid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(sentByUs(Typ.close).map(({ dat }) => dat['sid'])).toEqual(sids.slice(0, -1));
  });

  it('can be killed by a second Accept gets one, although an Open comes twice', async () => {
    scene = await withGo(await goServer());
    const bob = await meet(BOB);
    const open = { sid: '0123456789abcdef', pth: scene.ourPath };
    bob.sendRaw(Typ.open, open);
    bob.sendRaw(Typ.open, open);
    bob.sendRaw(Typ.open, { ...open, sid: 'fedcba9876543210' });
    await until('the third is accepted', () => scene.sandbox.relay.sessions.accepts.has('fedcba9876543210'));
    expect(sentByUs(Typ.accept).map(({ dat }) => dat['sid'])).toEqual(['0123456789abcdef', 'fedcba9876543210']);
  });

  it('stands still while we do not read is read, although the application does not', { timeout: 60_000 }, async () => {
    scene = await withGo(await goServer());
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    ours.pause();
    await new Promise<void>((resolve) => theirs.write(Buffer.alloc(20_000_000, 'x'), () => resolve()));
    // Everything is with us, so nothing of it blocks a worker of the server.
    await until('all of it was taken from the server', () => scene.us.link.status().channels[0]!.counters.rxBytes === 20_000_000, 40_000);
    let read = 0;
    ours.on('data', (data: Buffer) => {
      read += data.length;
    });
    ours.resume();
    await until('the application has it', () => read === 20_000_000);
  });
});

describe('a stranger with rights to the path', () => {
  it('is not shown our Open, and so cannot take the session from the peer', async () => {
    scene = await withGo(await goServer());
    await share(scene.sandbox.relay.url, ALICE, scene.ourPath, [ALICE, BOB, CAROL]);
    const carol = await meet(CAROL, true);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    expect(carol.openedPaths).toEqual([]);
    expect(sentByUs(Typ.open).map(({ dat }) => dat['to'])).toEqual([BOB]);
  });

  it('opens our channel in vain: neither Accept nor Reject, and the peer’s Open still works', async () => {
    scene = await withGo(await goServer());
    await share(scene.sandbox.relay.url, ALICE, scene.ourPath, [ALICE, BOB, CAROL]);
    const elsewhere = scene.ourPath.replace('0_to_1', '7_to_8');
    await share(scene.sandbox.relay.url, ALICE, elsewhere, [ALICE, CAROL]);
    const carol = await meet(CAROL);
    carol.sendRaw(Typ.open, { sid: 'carolcarolcarol2', pth: elsewhere });
    carol.sendRaw(Typ.open, { sid: 'carolcarolcarol1', pth: scene.ourPath });
    await until('we have read both', () => scene.us.link.status().totals.opensRefused > 0);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const back = await sendCounted(theirs, ours, 300_000);
    expect(back.received).toBe(back.sent);
    expect(sentByUs(Typ.reject)).toEqual([]);
    expect(sentByUs(Typ.accept)).toHaveLength(1);
    expect(carol.rejects).toEqual([]);
  });

  it('whose name is the beginning of the peer’s, and who owns all of the peer’s paths at the server for it, opens our channel in vain', async () => {
    scene = await withGo(await goServer());
    const almostBob = BOB.slice(0, -1);
    const carol = await meet(almostBob);
    const theirPath = scene.ourPath.replace(ALICE, BOB).replace('0_to_1', '1_to_0');
    carol.sendRaw(Typ.open, { sid: 'carolcarolcarol1', pth: theirPath, to: ALICE });
    await until('we have read it', () => scene.us.link.status().totals.opensRefused > 0);
    expect(scene.sandbox.relay.sessions.sids).toContain('carolcarolcarol1');
    expect([sentByUs(Typ.accept), sentByUs(Typ.reject)]).toEqual([[], []]);
  });

  it('cannot end our session by refusing it', async () => {
    scene = await withGo(await goServer());
    await share(scene.sandbox.relay.url, ALICE, scene.ourPath, [ALICE, BOB, CAROL]);
    const carol = await meet(CAROL);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 100_000);
    const sid = scene.sandbox.relay.sessions.sids[0] as string;
    carol.sendRaw(Typ.reject, { sid, rsn: 'ipc unavailable' });
    await until('the server read it', () => scene.sandbox.relay.from(CAROL).some(({ typ }) => typ === Typ.reject));
    const rest = await sendCounted(ours, theirs, 300_000);
    expect(rest.received).toBe(rest.sent);
    expect(scene.said('session lost')).toEqual([]);
  });

  it('is answered by nothing on paths that lead out of the tree', async () => {
    scene = await withGo(await goServer());
    const carol = await meet(CAROL);
    const before = scene.us.link.status().totals.opensRefused;
    await share(scene.sandbox.relay.url, CAROL, `${CAROL}/x/stream.tcp.request`, ['*']);
    const paths = ['/../stream.tcp.request', `/../../${ALICE}/x/stream.tcp.request`, '/a\\b/stream.tcp.request', '//x/stream.tcp.request'];
    for (const [i, path] of paths.entries()) carol.sendRaw(Typ.open, { sid: `badbadbadbad000${i}`, pth: `${CAROL}/x${path}` });
    await until('all are refused', () => scene.us.link.status().totals.opensRefused >= before + paths.length);
    expect(sentByUs(Typ.accept)).toEqual([]);
    expect(sentByUs(Typ.reject)).toEqual([]);
  });
});

describe('a peer', () => {
  it('that names another channel’s path in its Data reaches the channel of its session, and no other', async () => {
    scene = await withGo(await goServer());
    const bob = await meet(BOB);
    const ours = await dial(scene.us.port);
    const read: string[] = [];
    ours.on('data', (data: Buffer) => read.push(data.toString()));
    const sid = '0123456789abcdef';
    bob.sendRaw(Typ.open, { sid, pth: scene.ourPath });
    await until('it is accepted', () => scene.sandbox.relay.sessions.accepts.has(sid));
    bob.sendRaw(Typ.data, { sid, seq: 1, pth: `${CAROL}/x/_mpc/0_to_2/stream.tcp.request`, etg: 'e1', pay: Buffer.from('injected') });
    await until('it arrived', () => read.length > 0);
    expect(read).toEqual(['injected']);
    expect(scene.us.link.status().channels[0]?.counters.rxBytes).toBe(8);
  });

  it('that opens twice at once, as two sends of one client may, is heard on the later session alone, and told that the other is over', async () => {
    scene = await withGo(await goServer({ workers: 1 }));
    const bob = await meet(BOB);
    const ours = await dial(scene.us.port);
    const read: string[] = [];
    ours.on('data', (data: Buffer) => read.push(data.toString()));
    const [first, second] = ['0123456789abcdef', 'fedcba9876543210'];
    for (const sid of [first, second]) bob.sendRaw(Typ.open, { sid, pth: scene.ourPath });
    await until('both are accepted', () => scene.sandbox.relay.sessions.accepts.size === 2);
    bob.sendRaw(Typ.data, { sid: first, seq: 1, pth: scene.ourPath, etg: 'a', pay: Buffer.from('stray') });
    bob.sendRaw(Typ.data, { sid: second, seq: 1, pth: scene.ourPath, etg: 'b', pay: Buffer.from('heard') });
    await until('the later one is heard', () => read.join('').endsWith('heard'));
    expect(read).toEqual(['heard']);
    await until('the other is closed', () => sentByUs(Typ.close).length > 0);
    expect(sentByUs(Typ.close).map(({ dat }) => dat['sid'])).toEqual([first]);
  });

  it('that gave up its Open before we knew the channel leaves nothing behind: the server refuses our Accept, and a new Open works', async () => {
    scene = await withGo(await goServer({ workers: 1 }));
    const bob = await meet(BOB);
    const path = scene.ourPath.replace('0_to_1', '2_to_3');
    await share(scene.sandbox.relay.url, ALICE, path, [ALICE, BOB]);
    bob.sendRaw(Typ.open, { sid: '0123456789abcdef', pth: path });
    bob.sendRaw(Typ.close, { sid: '0123456789abcdef', rsn: 'fallback' });
    await until('the server has forgotten it', () => closedAtServer('0123456789abcdef'));
    await scene.sandbox.writeMarker(ALICE, BOB, '2_to_3', { [ALICE]: await freePort(), [BOB]: 1 });
    await until('we accepted it', () => sentByUs(Typ.accept).length === 1);
    await until('the refusal ended it', () => scene.said('session ended').length > 0);
    expect(scene.sessions).toEqual([]);
    bob.sendRaw(Typ.open, { sid: 'fedcba9876543210', pth: path });
    await until('the new one is accepted', () => scene.sandbox.relay.sessions.accepts.has('fedcba9876543210'));
    expect(scene.sessions.map(({ direction }) => direction)).toEqual(['in']);
  });

  it('that sends an empty payload, a nil payload and noise loses nothing but those', async () => {
    // One worker: the empty payload is there before the one that its number belongs to.
    scene = await withGo(await goServer({ workers: 1 }));
    const bob = await meet(BOB);
    const ours = await dial(scene.us.port);
    const read: string[] = [];
    ours.on('data', (data: Buffer) => read.push(data.toString()));
    const sid = '0123456789abcdef';
    bob.sendRaw(Typ.open, { sid, pth: scene.ourPath });
    await until('it is accepted', () => scene.sandbox.relay.sessions.accepts.has(sid));
    bob.sendRaw(Typ.data, { sid, seq: 1, pth: scene.ourPath, etg: 'a', pay: new Uint8Array(0) });
    bob.sendRaw(Typ.data, { sid, seq: 2, pth: scene.ourPath, etg: 'c', pay: Buffer.from('second') });
    bob.sendRaw(Typ.data, { sid, seq: 1, pth: scene.ourPath, etg: 'd', pay: Buffer.from('first ') });
    bob.sendRaw(Typ.data, { sid, seq: 1, pth: scene.ourPath, etg: 'e', pay: Buffer.from('again') });
    bob.sendRaw(Typ.data, { sid, seq: 3, pth: scene.ourPath, etg: 'f', pay: Buffer.from(' third') });
    await until('they arrived', () => read.join('').endsWith('third'));
    expect(read.join('')).toBe('first second third');
  });

  it('that signals what we have no word for changes nothing', async () => {
    scene = await withGo(await goServer());
    const bob = await meet(BOB);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 100_000);
    const sid = scene.sandbox.relay.sessions.sids[0] as string;
    bob.sendRaw(Typ.accept, { sid });
    for (const knd of ['quic_offer', 'quic_answer', 'quic_error', 'sdp_answer', 'nonsense', '']) {
      // From the connection that accepted: the server drops a stranger's.
      scene.peer.sendRaw(Typ.signal, { sid, knd, tok: '{', adr: ['x'], err: 'some error' });
    }
    // Behind them, on the same connections: then we have read them.
    await sendCounted(theirs, ours, 300_000);
    const rest = await sendCounted(ours, theirs, 300_000);
    expect(rest.received).toBe(rest.sent);
    expect(scene.said('session lost')).toEqual([]);
  });
});
