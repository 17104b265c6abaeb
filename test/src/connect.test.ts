// The library's own streams: a Duplex carried by the program itself, held up end to end, ended and reset like a TCP connection. And pings.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHotlink, type Hotlink, HotlinkError, type HotlinkOptions, type Status } from '../../src/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { ALICE, BOB, Sandbox, until } from '../support/sandbox.js';
import { digestOf, write } from '../support/streams.js';

let relay: RelayServer;
const links: Hotlink[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
  for (const server of servers.splice(0)) server.close();
  await relay.close();
});

async function start(email: string, options: Partial<HotlinkOptions> = {}): Promise<Hotlink> {
  const link = createHotlink({ email, server: relay.url, threads: 1, ...options });
  links.push(link);
  await link.start();
  return link;
}

async function pair(options: Partial<HotlinkOptions> = {}): Promise<[alice: Hotlink, bob: Hotlink]> {
  return [await start(ALICE, options), await start(BOB, options)];
}

const streams = (alice: Hotlink, bob: Hotlink): Promise<[Duplex, Duplex]> =>
  Promise.all([alice.connect({ peer: BOB, name: 'test' }), bob.connect({ peer: ALICE, name: 'test' })]);

async function echoServer(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

describe.each([['direct'], ['webrtc'], ['relay']] as const)('a stream of the program over %s', (lane) => {
  it('carries both directions at once, byte for byte, and ends in peace on both sides', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({ lanes: [lane] });
    const [a, b] = await streams(alice, bob);
    const [sentByA, sentByB, gotByA, gotByB] = await Promise.all([write(a, 12_000_000), write(b, 7_000_001), digestOf(a), digestOf(b)]);
    expect(gotByB).toEqual(sentByA);
    expect(gotByA).toEqual(sentByB);
    await Promise.all([finished(a), finished(b)]);
    await until('both channels are gone', () => [alice, bob].every((link) => link.status().channels.length === 0));
  });
});

describe('a stream of the program', () => {
  it('reaches an application behind a dialling peer, one stream after the other', async () => {
    const [alice, bob] = await pair();
    await bob.forward({ peer: ALICE, name: 'test', dial: `127.0.0.1:${await echoServer()}` });
    for (let round = 0; round < 3; round += 1) {
      const stream = await alice.connect({ peer: BOB, name: 'test' });
      const got = digestOf(stream);
      const sent = await write(stream, 300_000 + round);
      expect(await got).toEqual(sent);
      await finished(stream);
      await until('its channel is gone', () => alice.status().channels.length === 0);
    }
  });

  it('is not ended by the farewell of the one before it, which still leaves', async () => {
    // A channel leaves more slowly over WebRTC than the next one comes up over the relay, unless the machine is very busy.
    const [alice, bob] = await pair({ lanes: ['webrtc', 'relay'] });
    await bob.forward({ peer: ALICE, name: 'test', dial: `127.0.0.1:${await echoServer()}` });
    const before = await alice.connect({ peer: BOB, name: 'test' });
    before.write('before');
    await once(before, 'data');
    const both = ({ lane, sessions }: Status['channels'][number]): boolean => lane === 'webrtc' && sessions.length === 2;
    await until('WebRTC carries both ways, each side with a session', () =>
      [alice, bob].every((link) => link.status().channels.every(both)),
    );
    before.destroy();
    const stream = await alice.connect({ peer: BOB, name: 'test' });
    const got = digestOf(stream);
    stream.write(Buffer.alloc(1000));
    await once(stream, 'data');
    const removed = (): boolean => alice.status().events.some(({ what }) => what === 'channel removed');
    await until('the one before has left', removed);
    await alice.ping({ peer: BOB, name: 'test' });
    stream.end(Buffer.alloc(1000));
    expect((await got).bytes).toBe(2000);
    await finished(stream);
  });

  it('hears an application that speaks first', async () => {
    const [alice, bob] = await pair();
    const server = createServer((socket) => void socket.on('error', () => {}).end('220 ready\n')).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    await bob.forward({ peer: ALICE, name: 'test', dial: `127.0.0.1:${(server.address() as { port: number }).port}` });
    const stream = await alice.connect({ peer: BOB, name: 'test' });
    const [greeting] = (await once(stream, 'data')) as [Buffer];
    expect(String(greeting)).toBe('220 ready\n');
  });

  it('is written before the peer is there, and delivered when it comes', async () => {
    const alice = await start(ALICE);
    const a = await alice.connect({ peer: BOB, name: 'test' });
    a.end('early');
    await until('alice asks for a session', () => alice.status().channels[0]?.sessions[0]?.state === 'opening');
    const bob = await start(BOB);
    const b = await bob.connect({ peer: ALICE, name: 'test' });
    const [data] = (await once(b, 'data')) as [Buffer];
    expect(String(data)).toBe('early');
    b.end();
    b.resume();
    await finished(a.resume());
  });

  it('holds its writer up when nobody reads, at both ends in bounded memory, and goes on when somebody does', {
    timeout: 60_000,
  }, async () => {
    const [alice, bob] = await pair({ lanes: ['webrtc'] });
    const [a, b] = await streams(alice, bob);
    const total = 40_000_000;
    let accepted = 0;
    const writing = (async () => {
      const block = Buffer.alloc(500_000, 7);
      while (accepted < total) {
        const more = a.write(block);
        accepted += block.length;
        if (!more) await once(a, 'drain');
      }
      a.end();
    })();
    let before = -1;
    // Standing still: nothing was accepted between two looks that are ten turns of a millisecond and more apart.
    await until('the writer is held up', () => {
      const still = before === accepted && alice.status().channels[0]?.lane === 'webrtc' && accepted > 2_000_000;
      before = accepted;
      return still && ++looks > 100;
    });
    // Two rings, the send window, the credit, the streams' own buffers: a bound, whatever is offered.
    expect(accepted).toBeLessThan(16_000_000);
    const got = digestOf(b);
    await writing;
    expect((await got).bytes).toBe(total);
  });
  let looks = 0;

  it('tells its reader of a writer that gave up, never by an end', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    let ended = false;
    b.on('end', () => {
      ended = true;
    });
    b.resume();
    a.write(randomBytes(1_000_000));
    await once(b, 'data');
    const failure = once(b, 'error') as Promise<[Error]>;
    a.destroy();
    const [error] = await failure;
    expect(error).toBeInstanceOf(HotlinkError);
    expect(error).toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE', message: expect.stringContaining('the stream was reset') as string });
    expect(ended).toBe(false);
  });

  it('is closed by its signal, and its channel with it', async () => {
    const [alice] = await pair();
    const abort = new AbortController();
    const stream = await alice.connect({ peer: BOB, name: 'test', signal: abort.signal });
    expect(alice.status().channels).toMatchObject([{ shape: 'program', name: 'test' }]);
    await expect(alice.connect({ peer: BOB, name: 'test' })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    abort.abort();
    await once(stream, 'close');
    expect(alice.status().channels).toEqual([]);
  });

  it('goes through pipelines, as any stream', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    const echo = pipeline(b, b);
    const sent = write(a, 2_000_000);
    expect(await digestOf(a)).toEqual(await sent);
    await echo;
  });
});

describe('a ping', () => {
  it.each([['direct'], ['webrtc'], ['relay']] as const)('measures a round trip over %s on a channel of the two', async (lane) => {
    const [alice, bob] = await pair({ lanes: [lane] });
    await Promise.all([streams(alice, bob)]);
    for (let i = 0; i < 3; i += 1) {
      const pong = await alice.ping({ peer: BOB, timeoutMs: 10_000 });
      expect(pong).toMatchObject({ peer: BOB, channel: 'test', lane });
      expect(pong.rttMs).toBeGreaterThan(0);
      expect(pong.rttMs).toBeLessThan(5000);
    }
    expect(alice.status().channels[0]?.rttMs).toBeGreaterThan(0);
  });

  it('needs no channel on the asking side, and leaves none on the answering one', { timeout: 60_000 }, async () => {
    const sandbox = await Sandbox.open();
    try {
      const [, bob] = await sandbox.pair();
      const asking = createHotlink({ email: ALICE, server: sandbox.relay.url, threads: 1 });
      await sandbox.parties[0]?.link.stop();
      await asking.start();
      expect(await asking.ping({ peer: BOB, timeoutMs: 15_000 })).toMatchObject({ channel: 'hotlink-ping' });
      expect(bob.link.status().channels).toHaveLength(2);
      await asking.stop();
      await until('the answering channel is gone', () => bob.link.status().channels.length === 1);
    } finally {
      await sandbox.close();
    }
  });

  it('asked for twice at once shares the channel that it needs', async () => {
    const [alice, bob] = await pair();
    await bob.forward({ peer: ALICE, name: 'other', listen: '127.0.0.1:0' });
    const answers = await Promise.all([1, 2].map(() => alice.ping({ peer: BOB, timeoutMs: 15_000 })));
    expect(answers.map(({ channel }) => channel)).toEqual(['hotlink-ping', 'hotlink-ping']);
    expect(alice.status().channels).toHaveLength(1);
  });

  it('ends with the data plane, and keeps nothing of it', async () => {
    const alice = await start(ALICE);
    const asked = alice.ping({ peer: BOB, timeoutMs: 3_600_000 });
    const refused = expect(asked).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    await until('it waits', () => alice.status().channels.length === 1);
    await alice.stop();
    await refused;
  });

  it('is not answered to a stranger', async () => {
    const [alice, bob] = await pair();
    await bob.forward({ peer: 'carol@example.com', name: 'other', listen: '127.0.0.1:0' });
    await expect(alice.ping({ peer: BOB, timeoutMs: 700 })).rejects.toMatchObject({
      code: 'ERR_HLNK_PEER_UNAVAILABLE',
      message: expect.stringMatching(/did not answer within 700 ms/) as string,
    });
    expect(bob.status().channels).toHaveLength(1);
  });

  it('to a peer that is away neither violates strict mode nor fails the channel', async () => {
    const alice = await start(ALICE, { strict: true });
    const fatal: HotlinkError[] = [];
    alice.on('fatal', (error) => fatal.push(error));
    await expect(alice.ping({ peer: BOB, timeoutMs: 12_000 })).rejects.toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
    expect(fatal).toEqual([]);
  });
});
