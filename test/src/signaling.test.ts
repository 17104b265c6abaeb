// Data planes whose control messages the embedding program carries itself: no relay, no WebSocket, and the same streams.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeEnvelope, MessageType } from '../../native-free/index.js';
import { createHotlink, type Hotlink, type HotlinkOptions, type HotlinkStream } from '../../src/index.js';
import { MemorySignaling } from '../support/memory-signaling.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { digestOf, write } from '../support/streams.js';

const links: Hotlink[] = [];
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
});

async function start(email: string, memory: MemorySignaling, options: Partial<HotlinkOptions> = {}): Promise<Hotlink> {
  const link = createHotlink({ email, signaling: memory.end(email), threads: 1, ...options });
  links.push(link);
  await link.start();
  return link;
}

const streams = (alice: Hotlink, bob: Hotlink): Promise<[HotlinkStream, HotlinkStream]> =>
  Promise.all([alice.connect({ peer: BOB, name: 'test' }), bob.connect({ peer: ALICE, name: 'test' })]);

async function exchange([a, b]: [HotlinkStream, HotlinkStream], bytes: number): Promise<void> {
  const [gotByA, gotByB, sentByA, sentByB] = await Promise.all([digestOf(a), digestOf(b), write(a, bytes), write(b, bytes / 2)]);
  expect(gotByB).toEqual(sentByA);
  expect(gotByA).toEqual(sentByB);
}

describe.each([['direct'], ['webrtc']] as const)('with signaling of its own, over %s', (lane) => {
  it('a stream goes both ways, byte for byte, without a relay’s thread or payload in what is carried', async () => {
    const memory = new MemorySignaling();
    const [alice, bob] = await Promise.all([start(ALICE, memory, { lanes: [lane] }), start(BOB, memory, { lanes: [lane] })]);
    const both = await streams(alice, bob);
    await exchange(both, 6_000_000);
    const { relay, server, threads } = alice.status();
    expect([relay.state, server]).toEqual(['up', 'memory']);
    expect(threads.map(({ role }) => role)).not.toContain('relay');
    expect(memory.sent.length).toBeGreaterThan(4);
    expect(memory.sent.reduce((sum, { envelope }) => sum + envelope.length, 0)).toBeLessThan(60_000);
    expect(memory.sent.every(({ from, to }) => to.type !== MessageType.Data && to.peer !== from)).toBe(true);
    await Promise.all(links.map((link) => link.stop()));
    expect(memory.closed.toSorted()).toEqual([ALICE, BOB]);
  });
});

describe('with signaling of its own', () => {
  it('there is no relay lane, and status says so', async () => {
    const memory = new MemorySignaling();
    const alice = await start(ALICE, memory);
    await alice.connect({ peer: BOB, name: 'test' });
    expect(alice.status().channels[0]?.lanes.find(({ lane }) => lane === 'relay')).toMatchObject({ state: 'off' });
  });

  it('a forward listens and dials as ever, a ping is answered, and a peer that comes late finds what was written', async () => {
    const memory = new MemorySignaling();
    const alice = await start(ALICE, memory);
    const a = await alice.connect({ peer: BOB, name: 'test' });
    a.end('early');
    await until('a session is asked for', () => memory.sent.some(({ to }) => to.type === MessageType.Open));
    const bob = await start(BOB, memory);
    const b = await bob.connect({ peer: ALICE, name: 'test' });
    expect(String(((await once(b, 'data')) as [Buffer])[0])).toBe('early');
    expect(await alice.ping({ peer: BOB, timeoutMs: 10_000 })).toMatchObject({ channel: 'test' });
    b.end();
    await once(a.resume(), 'close');
  });

  it('that goes down and up again in mid-transfer, the stream goes on and new sessions are opened', { timeout: 60_000 }, async () => {
    const memory = new MemorySignaling();
    const [alice, bob] = await Promise.all([start(ALICE, memory), start(BOB, memory)]);
    const both = await streams(alice, bob);
    const done = exchange(both, 60_000_000);
    await until('it carries', () => (bob.status().channels[0]?.counters.rxBytes ?? 0) > 1_000_000);
    memory.ports.get(ALICE)?.down('the line was cut');
    await until('status says so', () => alice.status().relay.state === 'down');
    expect(alice.status().relay.lastError).toBe('the line was cut');
    const { length } = memory.sent;
    const before = bob.status().channels[0]?.counters.rxBytes ?? 0;
    await until('it carries on', () => (bob.status().channels[0]?.counters.rxBytes ?? 0) > before + 1_000_000);
    expect(memory.sent.slice(length).every(({ from }) => from === BOB)).toBe(true);
    memory.ports.get(ALICE)?.up();
    await until('it opens anew', () => memory.sent.slice(length).some(({ from, to }) => from === ALICE && to.type === MessageType.Open));
    await done;
  });

  it('a peer that was started anew is found again', async () => {
    const memory = new MemorySignaling();
    const [alice, bob] = await Promise.all([start(ALICE, memory), start(BOB, memory)]);
    for (const peer of [bob, undefined]) {
      const other = peer ?? (await start(BOB, memory));
      await exchange(await streams(alice, other), 300_000);
      await other.stop();
      await until('the channel is gone', () => alice.status().channels.length === 0);
    }
  });

  it('a third party cannot speak for a session’s end, nor open in another’s name', async () => {
    const memory = new MemorySignaling();
    const [alice, bob] = await Promise.all([start(ALICE, memory), start(BOB, memory)]);
    const [a, b] = await streams(alice, bob);
    a.write('x');
    await once(b, 'data');
    const sids = new Set(memory.sent.map(({ to }) => to.sid));
    const [port] = [memory.ports.get(ALICE)];
    const refused = alice.status().totals.envelopesRefused;
    for (const sid of sids) {
      port?.receive(encodeEnvelope('hl1-x', { typ: MessageType.Close, sid, rsn: 'gone' }, 'msgpack'), 'eve@example.com');
      port?.receive(encodeEnvelope('hl1-x', { typ: MessageType.Open, sid, pth: 'x', to: ALICE }, 'msgpack'), 'eve@example.com');
    }
    const open = memory.sent.find(({ from, to }) => from === BOB && to.type === MessageType.Open) ?? memory.sent[0];
    // Bob's own Open, replayed by Eve under another session: the sender is who the carrier says, whatever stands in it.
    const path = `${BOB}/app_data/hotlink/forward/test/_mpc/0_to_1/stream.tcp.request`;
    port?.receive(
      encodeEnvelope('hl1-y', { typ: MessageType.Open, sid: 'eves', pth: path, frm: BOB, to: ALICE }, 'msgpack'),
      'eve@example.com',
    );
    port?.receive(Buffer.from('nonsense'), BOB);
    port?.receive(open?.envelope ?? Buffer.alloc(0), 'no address');
    port?.receive(encodeEnvelope('hl1-z', { typ: MessageType.System, ver: '1', msg: 'ok' }, 'msgpack'), BOB);
    await until('all of it is refused', () => alice.status().totals.envelopesRefused >= refused + 2 * sids.size + 3);
    expect(memory.sent.some(({ to }) => to.peer === 'eve@example.com' && to.type === MessageType.Accept)).toBe(false);
    b.write('y');
    expect(String(((await once(a, 'data')) as [Buffer])[0])).toBe('y');
  });

  it('a signal about a session that nobody has is answered, and its answer is not', async () => {
    const memory = new MemorySignaling();
    await start(ALICE, memory);
    const signal = { typ: MessageType.Signal, sid: 'none' } as const;
    memory.ports.get(ALICE)?.receive(encodeEnvelope('x', { ...signal, knd: 'quic_error', err: 'unknown session' }, 'msgpack'), BOB);
    memory.ports.get(ALICE)?.receive(encodeEnvelope('x', { ...signal, knd: 'hl1_key', tok: 'x' }, 'msgpack'), BOB);
    await until('it is answered', () => memory.sent.length > 0);
    expect(memory.sent.map(({ to }) => to)).toEqual([{ peer: BOB, sid: 'none', type: MessageType.Signal }]);
  });
});

describe('signaling that fails', () => {
  it('to connect, fails the start with a code, and is closed', async () => {
    let closed = 0;
    const link = createHotlink({
      email: ALICE,
      threads: 1,
      signaling: {
        connect: () => Promise.reject(new Error('no such host')),
        send() {},
        close() {
          closed += 1;
        },
      },
    });
    await expect(link.start()).rejects.toMatchObject({
      code: 'ERR_HLNK_RELAY_UNAVAILABLE',
      message: expect.stringContaining('no such host') as string,
    });
    await link.stop();
    expect(closed).toBe(1);
  });

  it('to send, is down until it says that it is up', async () => {
    const memory = new MemorySignaling();
    const end = memory.end(ALICE);
    let broken = true;
    const link = createHotlink({
      email: ALICE,
      threads: 1,
      signaling: {
        ...end,
        send(envelope, to) {
          if (broken) throw new Error('broken pipe');
          end.send(envelope, to);
        },
      },
    });
    links.push(link);
    await link.start();
    const stream = await link.connect({ peer: BOB, name: 'test' });
    stream.write('x');
    await until('it is down', () => link.status().relay.lastError === 'the signaling failed: broken pipe');
    broken = false;
    memory.ports.get(ALICE)?.up();
    await until('it is used again', () => memory.sent.length > 0);
  });

  it('to answer, does not hold up a stop', async () => {
    const link = createHotlink({ email: ALICE, threads: 1, signaling: { connect: () => new Promise(() => {}), send() {}, close() {} } });
    const starting = link.start();
    await new Promise((resolve) => setImmediate(resolve));
    await link.stop();
    await expect(starting).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
  });
});

it('a data plane without a relay’s address and without signaling cannot be made, nor one with both', () => {
  const code = expect.objectContaining({ code: 'ERR_HLNK_CONFIG' }) as Error;
  expect(() => createHotlink({ email: ALICE })).toThrow(code);
  expect(() => createHotlink({ email: ALICE, server: 'http://127.0.0.1:1', signaling: new MemorySignaling().end(ALICE) })).toThrow(code);
});
