// Our client and a Rust client, which speaks WebRTC through a stack of another make: both roles, the relay as its fallback, and what each
// of the Rust client's habits would break.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay } from '../../src/relay/index.js';
import type { RustClient } from '../doubles/rust-client.js';
import { goServer, type Scene, withRust } from '../support/interop.js';
import { type AnyRelay, BOB, dial, until } from '../support/sandbox.js';
import { sendCounted } from '../support/upstream-stream.js';

let scene: Scene<RustClient>;
afterEach(async () => scene.close());

const ourRelay = (): Promise<AnyRelay> => startRelay({ listen: '127.0.0.1:0' });
const relays: [string, () => Promise<AnyRelay>][] = [
  ['a Go server', () => goServer()],
  ['our relay', ourRelay],
];
/** Loaded machines take their time to connect and to send; the relay must not step in. */
const patient = { fallbackGraceMs: 10_000 };
const patientPeer = { graceMs: 10_000, backpressureMs: 20_000 };

describe.each(relays)('a Rust client at %s', (_name, relay) => {
  it('gets a stream over a data channel that it offered, and answers ours for its own', async () => {
    scene = await withRust(await relay(), patientPeer, { ours: patient });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 5_000_000);
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 5_000_000);
    expect(back.received).toBe(back.sent);
    expect(scene.clients).toEqual(['rust']);
    expect(scene.peer.labels).toEqual(['hotlink', 'hotlink']);
    expect(scene.peer.offered).toEqual(['application']);
    expect(scene.peer.connected).toBe(2);
    expect(scene.peer.counts).toMatchObject({ ws: 0, panics: 0 });
    expect(scene.peer.lostFrames).toBe(0);
    expect(scene.us.link.status().channels[0]?.counters).toMatchObject({ txWsPackets: 0, wsFallbacks: 0 });
    expect([scene.peer.undecodable, scene.peer.tooLarge]).toEqual([0, 0]);
  });

  it('gets a stream over the relay when it has no WebRTC', async () => {
    scene = await withRust(await relay(), { webrtc: false, graceMs: 300 }, { ours: { lanes: ['relay'] } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 3_000_000, 'one letter');
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 3_000_000);
    expect(back.received).toBe(back.sent);
    expect(scene.peer.counts.ws).toBeGreaterThan(0);
    expect(scene.clients).toEqual(['rust']);
  });
});

describe('a Rust client', () => {
  it('gets no message larger than its receive buffer, whatever our chunk size says', async () => {
    scene = await withRust(await ourRelay(), {}, { ours: { ...patient, chunkBytes: 1_048_576 } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 3_000_000);
    expect(there.received).toBe(there.sent);
    expect(scene.peer.tooLarge).toBe(0);
    expect(scene.peer.largestFrameBytes).toBeGreaterThan(60_000);
    expect(scene.peer.largestFrameBytes).toBeLessThanOrEqual(65_535);
  });

  it('in p2p-only mode answers on the session that we opened, and its bytes arrive', async () => {
    scene = await withRust(await ourRelay(), { p2pOnly: true }, { ours: { p2pOnly: true }, layout: 'one tree', we: BOB });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 1_000_000);
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 1_000_000);
    expect(back.received).toBe(back.sent);
    expect(scene.peer.counts).toMatchObject({ ws: 0, lostChunks: 0 });
    expect(scene.peer.adopted).toBe(1);
    expect(scene.sessions.map(({ direction }) => direction)).toEqual(['out']);
  });

  it('gets the rest of a stream whose session had to be opened again, counted from 1', async () => {
    scene = await withRust(await ourRelay(), { webrtc: false }, { ours: { lanes: ['relay'] } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 300_000);
    scene.peer.closeInbound('restarted');
    await until('we noticed', () => scene.said('session lost').length > 0);
    const rest = await sendCounted(ours, theirs, 300_000);
    expect(rest.received).toBe(rest.sent);
    expect(scene.peer.inboundSids).toHaveLength(1);
  });

  it('that loses its data channel in mid-stream costs the stream loudly: no byte is skipped', async () => {
    scene = await withRust(await ourRelay(), {}, { ours: patient });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 1_000_000);
    const reset = once(ours, 'error');
    scene.peer.cutChannels();
    const [error] = (await reset) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await until('it is said why', () => scene.said('channel failed').length > 0);
    expect(scene.said('channel failed')[0]).toMatchObject({ code: 'ERR_HLNK_GAP' });
  });

  it('connects at a Go server whose workers let its signals overtake each other, and loses candidates on the way', async () => {
    const server = await goServer({ workers: 8, lateTurns: 12, seed: 3 });
    scene = await withRust(server, { p2pOnly: true }, { ours: { p2pOnly: true } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 1_000_000);
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 1_000_000);
    expect(back.received).toBe(back.sent);
    expect(server.overtaken).toBeGreaterThan(0);
  });

  it('whose only offer overtakes its Accept in the server is connected all the same', async () => {
    scene = await withRust(await goServer({ acceptMs: 300, lateTurns: 0 }), { p2pOnly: true }, { ours: { p2pOnly: true } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
  });

  it('whose only offer overtakes its Accept and is dropped for that makes another one for a new session', async () => {
    scene = await withRust(await goServer({ acceptsOvertaken: 1, lateTurns: 0 }), { p2pOnly: true }, { ours: { p2pOnly: true } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    expect(scene.said('session ended')).toMatchObject([{ reason: 'the peer made no offer' }]);
  });

  it('that is started anew costs the stream loudly when it speaks, and gets the next one', async () => {
    scene = await withRust(await ourRelay(), { webrtc: false, graceMs: 100 }, { ours: { lanes: ['relay'] } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 300_000);
    await sendCounted(theirs, ours, 300_000);
    const reset = once(ours, 'error');
    await scene.restartPeer();
    const [oursAgain, theirsAgain] = [await dial(scene.us.port), await dial(scene.peerPort)];
    theirsAgain.write('hello again');
    const [error] = (await reset) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await once(oursAgain, 'data');
    const there = await sendCounted(oursAgain, theirsAgain, 300_000);
    expect(there.received).toBe(there.sent);
  });

  it('that sends an empty frame on its data channel loses nothing but that', async () => {
    scene = await withRust(await ourRelay(), patientPeer, { ours: patient });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const read: string[] = [];
    ours.on('data', (data: Buffer) => read.push(data.toString()));
    theirs.write('first ');
    await until('the first words arrived', () => read.length > 0, 20_000);
    expect(scene.peer.counts).toMatchObject({ p2p: 1, ws: 0 });
    await scene.peer.sendFrame(2, new Uint8Array(0));
    theirs.write('second');
    await until('the second did too', () => read.join('') === 'first second');
    expect(scene.said('frame refused')).toMatchObject([{ reason: 'empty-payload' }]);
  });

  it('whose reading stands still for seconds is asked again until it answers, and gets the stream from its first byte', async () => {
    const server = await goServer();
    scene = await withRust(server, { webrtc: false, stallMs: 3500 }, { ours: { lanes: ['relay'] } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    expect(server.sessions.dataVanished).toBe(0);
    // It accepts every Open that waited for it; only one of those sessions is not over.
    expect(scene.peer.openedPaths.length).toBeGreaterThan(1);
    expect(scene.peer.rejects).toEqual(scene.peer.openedPaths.slice(1).map(() => 'unknown session'));
  });

  it('gets what was written before we were stopped', async () => {
    scene = await withRust(await ourRelay(), {}, { ours: patient });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const transfer = sendCounted(ours, theirs, 500_000, 'random', true);
    await until('the last byte was read from the application', () => scene.us.link.status().channels[0]!.counters.txBytes === 500_000);
    await Promise.all([transfer, scene.us.link.stop()]);
    expect((await transfer).received).toBe((await transfer).sent);
  });
});
