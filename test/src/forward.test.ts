// Forward shape: one side listens, the other dials an application, every connection is a stream of its own.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHotlink, type Hotlink, type LaneKind } from '../../src/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { RelayThread } from '../support/relay-thread.js';
import { ALICE, BOB, dial, freePort, until } from '../support/sandbox.js';

let relay: RelayServer;
let links: Hotlink[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
  for (const server of servers.splice(0)) server.close();
  await relay.close();
});

/** Alice listens, Bob dials `target`. @returns where Alice's applications dial, and both data planes */
async function forward(
  target: string,
  lanes: LaneKind[] = ['webrtc', 'relay'],
  listen = '127.0.0.1:0',
): Promise<{ port: number; alice: Hotlink; bob: Hotlink }> {
  relay = await startRelay({ listen });
  const [alice, bob] = [ALICE, BOB].map((email) => createHotlink({ email, server: relay.url, threads: 1, lanes })) as [Hotlink, Hotlink];
  links = [alice, bob];
  await Promise.all([alice.start(), bob.start()]);
  const [channel] = await Promise.all([
    alice.forward({ peer: BOB, name: 'test', listen: '127.0.0.1:0' }),
    bob.forward({ peer: ALICE, name: 'test', dial: target }),
  ]);
  await until('both are at the relay', () => links.every((link) => link.status().relay.state === 'up'));
  return { port: channel.address?.port ?? 0, alice, bob };
}

/** An application that sends back what it gets, and ends when the other side does. */
async function echoServer(port = 0): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

async function roundTrip(port: number, bytes: number): Promise<void> {
  const socket = await dial(port);
  const sent = randomBytes(bytes);
  const received = createHash('sha256');
  socket.on('data', (data: Buffer) => received.update(data));
  socket.end(sent);
  await once(socket, 'end');
  expect(received.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
}

const live = (link: Hotlink): number => link.status().channels[0]?.connections ?? -1;

describe.each([['direct'], ['webrtc'], ['relay']] as const)('a forward channel over %s', (lane) => {
  it('carries 100 connections one after the other and 32 at once, mixed sizes, each exact', { timeout: 60_000 }, async () => {
    const { port, alice, bob } = await forward(`127.0.0.1:${await echoServer()}`, [lane]);
    for (let i = 0; i < 100; i += 1) await roundTrip(port, 1 + ((i * 7919) % 40_000));
    await Promise.all(Array.from({ length: 32 }, (_, i) => roundTrip(port, 1 + i * 31_013)));
    await until('nothing is left', () => live(alice) === 0 && live(bob) === 0);
    expect(bob.status().channels[0]?.counters.connections).toBe(132);
    expect(alice.status().channels[0]?.counters.resets).toBe(0);
  });
});

describe('a forward channel', () => {
  it('is not touched by 10,000 connections that drop without a byte', { timeout: 120_000 }, async () => {
    let dialled = 0;
    const server = createServer((socket: Socket) => {
      dialled += 1;
      socket.on('error', () => {}).pipe(socket);
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const { port, alice, bob } = await forward(`127.0.0.1:${(server.address() as { port: number }).port}`);
    // Connected and dropped within a turn. Where the machine held this test up in between, they were clients that waited, and may count so.
    let late = 0;
    const counted = (): number => {
      const { probes = 0, connections = 0 } = alice.status().channels[0]?.counters ?? {};
      return probes + connections;
    };
    for (let sent = 0; sent < 10_000; sent += 100) {
      const startedMs = performance.now();
      const probes = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {}));
      // The kernel connects in the next tick; the turn after, they are dropped.
      await new Promise((resolve) => setImmediate(resolve));
      for (const probe of probes) probe.destroy();
      if (performance.now() - startedMs > 100) late += 100;
      await until('this batch is seen', () => counted() >= sent + 100, 30_000);
    }
    await until('nothing is left of them', () => live(alice) === 0);
    expect(counted()).toBe(10_000);
    expect(dialled).toBeLessThanOrEqual(late);
    expect(late).toBeLessThan(2000);
    expect(alice.status().channels[0]?.counters).toMatchObject({ windowBytes: 0, txPackets: 0 });
    if (late === 0) expect(bob.status().channels[0]?.sessions).toEqual([]);
    await roundTrip(port, 50_000);
  });

  it('holds a connection while the application is absent, and delivers when it comes', async () => {
    const target = await freePort();
    const { port } = await forward(`127.0.0.1:${target}`);
    const socket = await dial(port);
    socket.write('are you there');
    await until('it was tried', () => links[1]?.status().channels[0]?.counters.rxBytes === 13);
    expect(socket.closed).toBe(false);
    await echoServer(target);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('are you there');
  });

  it('dials for a client that waits for the server to speak first', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).write('welcome')).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const { port } = await forward(`127.0.0.1:${(server.address() as { port: number }).port}`);
    const socket = await dial(port);
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    expect(greeting.toString()).toBe('welcome');
  });

  it('does not let one reader that stopped stall the others', async () => {
    const { port } = await forward(`127.0.0.1:${await echoServer()}`);
    const stalled = await dial(port);
    stalled.pause();
    const block = Buffer.alloc(1_048_576);
    let written = 0;
    while (stalled.write(block) && written < 64) written += 1;
    for (let i = 0; i < 64; i += 1) stalled.write(block);
    for (let i = 0; i < 20; i += 1) await roundTrip(port, 300_000);
    expect(stalled.closed).toBe(false);
  });

  it('is let in again by a relay that was started anew and remembers nothing', { timeout: 30_000 }, async () => {
    // A port that nobody else is given in between.
    const listen = `127.0.0.1:${await freePort()}`;
    const { port, alice, bob } = await forward(`127.0.0.1:${await echoServer()}`, ['relay'], listen);
    await roundTrip(port, 1000);
    await relay.close();
    await until('both miss the relay', () => links.every((link) => link.status().relay.state === 'down'));
    relay = await startRelay({ listen });
    await until('both are at the relay again', () => links.every((link) => link.status().relay.state === 'up'));
    await roundTrip(port, 1000);
    await until('nobody is refused any more', () => [alice, bob].every((link) => link.status().channels[0]?.problem === undefined));
  });

  it('refuses what makes no sense with a code', async () => {
    await forward('127.0.0.1:1');
    const [alice] = links as [Hotlink, Hotlink];
    await expect(alice.forward({ peer: BOB, name: 'x' })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    await expect(alice.forward({ peer: ALICE, name: 'x', listen: '127.0.0.1:0' })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    await expect(alice.forward({ peer: BOB, name: '../x', listen: '127.0.0.1:0' })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    await expect(alice.forward({ peer: BOB, name: 'x', listen: '127.0.0.1' })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
    await expect(alice.forward({ peer: BOB, name: 'busy', listen: new URL(relay.url).host })).rejects.toMatchObject({
      code: 'ERR_HLNK_PORT_BUSY',
    });
  });

  it('says that the relay refuses it, and not that there is none', async () => {
    relay = await startRelay({ listen: '127.0.0.1:0' });
    // On a thread of its own, where an answer could overtake the rest of its request and be lost: now and then, so more than once.
    const strict = await RelayThread.start({ authSecret: 'north wind' });
    try {
      for (let i = 0; i < 10; i += 1) {
        const alice = createHotlink({ email: ALICE, server: strict.url, token: 'wrong', threads: 1 });
        links = [alice];
        await alice.start();
        await expect(alice.forward({ peer: BOB, name: 'test', listen: '127.0.0.1:0' })).rejects.toMatchObject({
          code: 'ERR_HLNK_DENIED',
          message: expect.stringContaining('HTTP 401'),
        });
        await alice.stop();
      }
    } finally {
      await strict.close();
    }
  });

  it('says what became of the attempt where there is no relay', async () => {
    relay = await startRelay({ listen: '127.0.0.1:0' });
    const alice = createHotlink({ email: ALICE, server: `http://127.0.0.1:${await freePort()}`, threads: 1 });
    links = [alice];
    await alice.start();
    await expect(alice.forward({ peer: BOB, name: 'test', listen: '127.0.0.1:0' })).rejects.toMatchObject({
      code: 'ERR_HLNK_RELAY_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
