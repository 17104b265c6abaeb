// What a relay says and hands on, and what becomes of it: ICE servers in its header, upstream's reading of our messages, and the shapes of
// upstream's own tests.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay } from '../../src/relay/index.js';
import type { GoClient } from '../doubles/go-client.js';
import type { GoServerOptions } from '../doubles/go-server.js';
import type { RustClient } from '../doubles/rust-client.js';
import { goServer, type Scene, withGo, withRust } from '../support/interop.js';
import { type AnyRelay, dial, Sandbox, transfer, until } from '../support/sandbox.js';
import { sendCounted } from '../support/upstream-stream.js';

let scene: Scene<RustClient | GoClient>;
let close: () => Promise<void> = async () => {};
afterEach(async () => close());
const ourRelay = (): Promise<AnyRelay> => startRelay({ listen: '127.0.0.1:0' });

describe('a Rust client', () => {
  it('is connected through the header of an unconfigured server, which names a TURN server without credentials', async () => {
    const rust = await withRust(await goServer(), { p2pOnly: true }, { ours: { p2pOnly: true } });
    close = () => rust.close();
    const [ours, theirs] = [await dial(rust.us.port), await dial(rust.peerPort)];
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    expect(rust.peer.connected).toBeGreaterThan(0);
    expect(rust.said('ice server left out')).toEqual([{ reason: expect.stringContaining('turns:127.0.0.1:5349?transport=tcp') }]);
  });

  it('that sends over the relay is heard although we are p2p-only', async () => {
    scene = await withRust(await goServer(), { webrtc: false, graceMs: 100 }, { ours: { p2pOnly: true } });
    close = () => scene.close();
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const back = await sendCounted(theirs, ours, 300_000);
    expect(back.received).toBe(back.sent);
  });

  it.each([
    ['a Go server', () => goServer()],
    ['our relay', ourRelay],
  ])('at %s is sent nothing that a strict reader refuses', async (_name, relay) => {
    const rust = await withRust(await relay(), { graceMs: 5000 }, { ours: { fallbackGraceMs: 5000 } });
    close = () => rust.close();
    const [ours, theirs] = [await dial(rust.us.port), await dial(rust.peerPort)];
    await sendCounted(ours, theirs, 100_000);
    await sendCounted(theirs, ours, 100_000);
    await rust.us.link.stop();
    expect(rust.peer.undecodable).toBe(0);
    expect(rust.peer.ignoredSignals).toEqual([]);
  });
});

describe('the ICE servers that a relay advertises', () => {
  const advertised = async (server: GoServerOptions, ours = {}): Promise<unknown[]> => {
    scene = await withGo(await goServer(server), { ours });
    close = () => scene.close();
    await until('we heard of them', () => scene.said('relay up').length > 0);
    return scene.said('ice server left out').map(({ reason }) => reason);
  };

  it('are taken when they have credentials', async () => {
    expect(await advertised({ iceServers: 'stun:127.0.0.1:3478,turn:127.0.0.1:3478', turnUser: 'u', turnPass: 'p' })).toEqual([]);
  });

  it('are left out one by one, with a reason each', async () => {
    expect(await advertised({ iceServers: 'turn:127.0.0.1:3478,turns:127.0.0.1:5349?transport=tcp,nonsense' })).toEqual([
      expect.stringContaining('has no credentials'),
      expect.stringContaining('only TURN over UDP'),
      expect.stringContaining('not a stun: or turn: URL'),
    ]);
  });

  it('do not count when ours are configured, even as none', async () => {
    expect(await advertised({}, { iceServers: [] })).toEqual([]);
  });

  it('are named with a reason when ours cannot be used', async () => {
    expect(await advertised({}, { iceServers: ['turn:127.0.0.1:3478'] })).toEqual([expect.stringContaining('has no credentials')]);
  });
});

describe('upstream’s own test of the TCP proxy', () => {
  it.each([
    ['at a Go server', () => goServer()],
    ['at our relay', ourRelay],
  ])('twenty chunks of 4096 bytes arrive in order, receiver first, %s', async (_where, relay) => {
    scene = await withGo(await relay(), { layout: 'one tree' });
    close = () => scene.close();
    const receiver = await dial(scene.peerPort);
    const received: Buffer[] = [];
    receiver.on('data', (data: Buffer) => received.push(data));
    // The receiver is there for a while before anybody sends.
    await until('its connection has settled', () => scene.said('listening').length > 0);
    const sender = await dial(scene.us.port);
    const chunks = Array.from({ length: 20 }, (_, index) => {
      const chunk = Buffer.alloc(4096, index);
      chunk.writeUInt32BE(index);
      return chunk;
    });
    for (const chunk of chunks) sender.write(chunk);
    await until('all of it arrived', () => received.reduce((sum, { length }) => sum + length, 0) === 81_920);
    expect(Buffer.concat(received).equals(Buffer.concat(chunks))).toBe(true);
  });
});

describe('two hotlinks at a Go server', () => {
  it('over its relay, busy, reordering and with short queues: streams arrive both ways, and nothing is dropped for being too much', async () => {
    const server = await goServer({ workMs: 1, lateTurns: 4 });
    const sandbox = Sandbox.over(server);
    close = () => sandbox.close();
    const [alice, bob] = await sandbox.pair({ lanes: ['relay'], chunkBytes: 4096 });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    a.write('x');
    await once(b, 'data');
    const [there, back] = await Promise.all([transfer(a, b, 3_000_000), transfer(b, a, 3_000_000)]);
    expect(there.received).toBe(there.sent);
    expect(back.received).toBe(back.sent);
    expect(server.rxDropped).toBe(0);
  });
});
