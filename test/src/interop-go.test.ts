// Our client and a Go client, at a Go server and at our own relay: whole streams, and what each of the Go client's habits would break.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay } from '../../src/relay/index.js';
import { Typ } from '../doubles/dialect.js';
import type { GoClient } from '../doubles/go-client.js';
import type { GoServer } from '../doubles/go-server.js';
import { goServer, type Scene, share, withGo } from '../support/interop.js';
import { ALICE, type AnyRelay, BOB, dial, until } from '../support/sandbox.js';
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

  it('that speaks first is answered on its own path, although its marker has it in `from` as ours has us', async () => {
    scene = await withGo(await relay(), { layout: 'shared' });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const back = await sendCounted(theirs, ours, 300_000);
    expect(back.received).toBe(back.sent);
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    expect(scene.peer.openedPaths).toEqual([expect.stringMatching(/^bob@example\.com\/.*\/0_to_1\//)]);
  });

  it('that may not be opened on its path is opened on ours after all', async () => {
    scene = await withGo(await relay(), { we: BOB });
    await share(scene.sandbox.relay.url, ALICE, `${scene.ourPath.replace(BOB, ALICE).replace('1_to_0', '0_to_1')}`, []);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    ours.write('anybody there?');
    await until('ours is opened', () => scene.peer.openedPaths.at(-1)?.startsWith(BOB) === true);
    expect(theirs.destroyed).toBe(false);
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
    // What it had brought about would be with the peer before the peer's own stream is here.
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const back = await sendCounted(theirs, ours, 300_000);
    expect(back.received).toBe(back.sent);
    expect(scene.peer.openedPaths).toEqual([]);
  });
});

describe('a busy Go server that drops what does not fit its queue', () => {
  const busy = { workMs: 1, lateTurns: 3 };
  const small = { chunkBytes: 4096 };

  it('loses no frame of ours on the way to a Go client: we keep the queue short', { timeout: 60_000 }, async () => {
    const server = await goServer(busy);
    scene = await withGo(server, { ours: small });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const there = await sendCounted(ours, theirs, 6_000_000);
    expect(there.received).toBe(there.sent);
    expect(server.rxDropped).toBe(0);
    expect(server.overtaken).toBeGreaterThan(0);
  });
});

describe('a connection to the Go server that is cut', () => {
  it('while nothing is on its way costs nothing, in either direction', async () => {
    const server = await goServer();
    scene = await withGo(server);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    await sendCounted(ours, theirs, 300_000);
    await sendCounted(theirs, ours, 300_000);
    await until('the relay confirmed our last frame', () => lastPaceAnswered(server));
    // Behind the answer, on the same connection: then we have read it.
    await sendCounted(theirs, ours, 1000);
    server.cut(ALICE);
    await until('we are back', () => scene.said('relay up').length > 1);
    await until('our session is accepted again', () => scene.said('session re-opened').length > 0);
    const there = await sendCounted(ours, theirs, 300_000);
    expect(there.received).toBe(there.sent);
    const back = await sendCounted(theirs, ours, 300_000);
    expect(back.received).toBe(back.sent);
    expect([...server.sessions.accepts.values()].every((times) => times <= 2)).toBe(true);
  });

  it('in mid-stream resets the stream: nobody can say which frames arrived', async () => {
    const server = await goServer({ workMs: 4 });
    scene = await withGo(server, { ours: { chunkBytes: 4096 } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const reset = once(ours, 'error');
    const transfer = sendCounted(ours, theirs, 5_000_000);
    transfer.catch(() => {});
    await until('bytes flow', () => scene.us.link.status().channels[0]!.counters.txBytes > 500_000);
    server.cut(ALICE);
    const [error] = (await reset) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await until('it is said why', () => scene.said('channel failed').length > 0);
    expect(scene.said('channel failed')[0]).toMatchObject({ code: 'ERR_HLNK_GAP' });
  });
});

describe.each(relays)('a Go client that is started anew at %s', (_name, relay) => {
  it('costs the stream loudly when it speaks, and gets the next one from its first byte', async () => {
    scene = await withGo(await relay());
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
});

describe('a stop of ours', () => {
  it('delivers what was written, through a Go server that lets messages overtake each other, and crashes nobody', async () => {
    const server = await goServer({ workMs: 60, quick: Typ.close });
    scene = await withGo(server, { ours: { chunkBytes: 4096 } });
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    const transfer = sendCounted(ours, theirs, 100_000, 'random', true);
    await until('the last byte was read from the application', () => scene.us.link.status().channels[0]!.counters.txBytes === 100_000);
    await Promise.all([transfer, scene.us.link.stop()]);
    expect((await transfer).received).toBe((await transfer).sent);
    expect(server.crashes).toEqual([]);
    expect(server.sessions.size).toBe(0);
  });

  it('while a Go client streams to us does not end in a message for a connection that is gone', async () => {
    const server = await goServer({ workMs: 8 });
    scene = await withGo(server);
    const [ours, theirs] = [await dial(scene.us.port), await dial(scene.peerPort)];
    ours.resume();
    theirs.write(Buffer.alloc(50_000_000, 'x'));
    await until('bytes flow', () => scene.us.link.status().channels[0]!.counters.rxBytes > 1_000_000);
    await scene.us.link.stop();
    // The server has hundreds of its messages left; one that it deals with before it has forgotten our connection ends it.
    await until('our connection is forgotten', () => [...server.connections].every(({ user }) => user !== ALICE));
    expect(server.crashes.filter((why) => why.startsWith('send on closed'))).toEqual([]);
  });
});

/** Every Signal of ours that only asks for an answer was dealt with, and nothing else came behind it. */
function lastPaceAnswered(server: GoServer): boolean {
  const sent = server.from(ALICE).filter(({ typ, dat }) => typ === Typ.data || dat['knd'] === 'hl1_pace');
  return server.sessions.unknownSignals.has(sent.at(-1)?.dat['sid'] as string);
}
