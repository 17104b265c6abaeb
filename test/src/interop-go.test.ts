// Our client and a Go client, at a Go server and at our own relay: whole streams, and what each of the Go client's habits would break.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay } from '../../src/relay/index.js';
import type { GoClient } from '../doubles/go-client.js';
import { goServer, type Scene, withGo } from '../support/interop.js';
import { type AnyRelay, BOB, dial, until } from '../support/sandbox.js';
import { sendCounted } from '../support/upstream-stream.js';

let scene: Scene<GoClient>;
afterEach(async () => scene.close());

const relays: [string, () => Promise<AnyRelay>][] = [
  ['a Go server', () => goServer()],
  ['our relay', () => startRelay({ listen: '127.0.0.1:0' })],
];

describe.each(relays)('a Go client at %s', (_name, relay) => {
  it('gets a stream byte for byte, and we get its', async () => {
    scene = await withGo(await relay());
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 5_000_000);
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 5_000_000);
    expect(back.received).toBe(back.sent);
    expect(scene.clients).toEqual(['go']);
    expect(scene.peer.heldFrames).toBe(0);
  });

  it('gets a stream of one letter, although it drops content that it saw before', async () => {
    scene = await withGo(await relay());
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 2_000_000, 'one letter');
    expect(there.received).toBe(there.sent);
    expect(scene.peer.deduped).toBe(0);
  });

  it('is opened on the path of the lower party, the only one that it maps', async () => {
    scene = await withGo(await relay(), { we: BOB });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 500_000);
    expect(there.received).toBe(there.sent);
    expect(scene.peer.openedPaths.at(-1)).toContain('alice@example.com/');
  });

  it('gets the rest of a stream whose session had to be opened again', async () => {
    scene = await withGo(await relay());
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 300_000);
    scene.peer.closeInbound('restarted');
    await until('we noticed', () => scene.said('session lost').length > 0);
    const rest = await sendCounted(ours, theirs, 300_000);
    expect(rest.received).toBe(rest.sent);
  });
});

describe('a Go client', () => {
  it('does not see its end of a stream disturbed by a probe of our port', async () => {
    scene = await withGo(await goServer());
    const probe = await dial(scene.us.port);
    probe.destroy();
    await once(probe, 'close');
    expect(scene.peer.openedPaths).toEqual([]);
  });
});
