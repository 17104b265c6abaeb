// A hostile or broken peer and relay: each bad thing is told once, counted, and everything else keeps running.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { encodeFrame } from '../../native-free/index.js';
import { createHotlink } from '../../src/index.js';
import { ALICE, BOB, dial, freePort, type Party, Sandbox, transfer, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

const BOBS_PATH = `${BOB}/shared/flows/test/run1/_mpc/1_to_0/stream.tcp.request`;
const OWN_ID = 'hl1-0badc0de-0badc0de-00000001';

interface Scene {
  alice: Party;
  bobPort: number;
  ports: Record<string, number>;
}

/** Alice is real; who speaks as Bob is up to the test. */
async function scene(): Promise<Scene> {
  sandbox = await Sandbox.open();
  const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
  const markerDir = await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports);
  await sandbox.writeMarker(BOB, ALICE, '1_to_0', ports);
  const alice = await sandbox.start(ALICE, ports[ALICE] as number, markerDir);
  await until('Alice is ready', () => alice.link.status().relay.state === 'up' && alice.link.status().channels[0]?.listening === true);
  return { alice, bobPort: ports[BOB] as number, ports };
}

/** A real Bob takes over, and the channel works. */
async function worksAfterwards({ alice, bobPort, ports }: Scene): Promise<void> {
  await sandbox.start(BOB, bobPort, await sandbox.writeMarker(BOB, ALICE, '1_to_0', ports));
  await until('Bob listens', () => sandbox.parties[1]?.link.status().channels[0]?.listening === true);
  const [from, to] = [await dial(alice.port), await dial(bobPort)];
  const result = await transfer(from, to, 1_000_000);
  expect(result.received).toBe(result.sent);
}

const frame = encodeFrame(BOBS_PATH, 'h1d-00000001', 1, new Uint8Array([1, 2, 3]));
function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(bytes, at);
  return copy;
}

describe('a peer that sends broken frames', () => {
  it('is refused each one by name, and nothing reaches the application', async () => {
    const set = await scene();
    const { alice } = set;
    const bob = await RelayClient.connect(sandbox.relay, BOB);
    const sid = '11111111-2222-4333-8444-555555555555';
    bob.send({ typ: 9, sid, pth: BOBS_PATH, to: ALICE }, OWN_ID);
    expect((await bob.next()).message).toMatchObject({ typ: 10, sid });
    // So that frames go as they are.
    bob.send({ typ: 14, sid, knd: 'hl1_key', tok: '{"v":1,"off":"this peer does not seal"}' }, OWN_ID);
    const application = await dial(alice.port);
    let leaked = 0;
    application.on('data', (data: Buffer) => {
      leaked += data.length;
    });
    const bad: [string, Uint8Array][] = [
      ['bad-magic', changed(0, 0x58)],
      ['bad-version', changed(4, 9)],
      ['path-too-long', changed(5, 0x10, 0x01)],
      ['etag-too-long', changed(7, 0, 129)],
      ['payload-too-long', changed(9, 1, 0, 0, 1)],
      ['bad-seq', changed(13, 0xff)],
      ['truncated', frame.subarray(0, frame.length - 1)],
      ['truncated', frame.subarray(0, 10)],
      ['trailing-bytes', new Uint8Array([...frame, 0])],
      ['bad-etag', encodeFrame(BOBS_PATH, 'not-ours', 1, new Uint8Array([1]))],
    ];
    for (const [, bytes] of bad) bob.send({ typ: 14, sid, knd: 'hl1_frame', tok: Buffer.from(bytes).toString('base64') }, OWN_ID);
    const reasons = (): unknown[] => alice.events.filter(({ what }) => what === 'frame refused').map(({ fields }) => fields['reason']);
    // Counters are in shared memory; the worker's words about them come behind.
    await until('all are counted and told', () => alice.link.status().totals.framesRefused >= bad.length && reasons().length >= bad.length);
    expect(reasons()).toEqual(bad.map(([reason]) => reason));
    expect(leaked).toBe(0);
    application.destroy();
    await bob.close();
    await worksAfterwards(set);
  });

  it('cannot open a session on a path that escapes, is absolute, or belongs to somebody else', async () => {
    const set = await scene();
    const { alice } = set;
    // The second data plane takes over Alice's directory and ports.
    await alice.link.stop();
    // Our relay refuses such paths, so a relay that does not check is played here, at the level of what Alice is told.
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const accepted: unknown[] = [];
    const { encodeEnvelope, decodeEnvelope } = await import('../../native-free/index.js');
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => accepted.push(decodeEnvelope(data)));
      for (const [index, pth] of [`/etc/${BOBS_PATH}`, `${BOB}/../${BOBS_PATH}`, `${BOB}\\x`, 'no-mail/stream.tcp.request'].entries()) {
        socket.send(encodeEnvelope('abcdef', { typ: 9, sid: `aaaaaaaa-${index}`, pth, frm: BOB, to: ALICE }, 'msgpack'));
      }
      socket.send(encodeEnvelope('abcdef', { typ: 9, sid: 'aaaaaaaa-9', pth: BOBS_PATH, frm: 'mallory@example.com' }, 'msgpack'));
      socket.send(Buffer.from('this is no envelope'));
      socket.send(Buffer.from([0x53, 0x42, 1, 1, 0xc1, 0xff]));
      socket.send('{"id":"x","typ":12,"dat":{');
    });
    const port = await freePort();
    const markers = await sandbox.writeMarker(ALICE, BOB, '0_to_1', { [ALICE]: port, [BOB]: 1 });
    expect(markers).toBe(alice.markerDir);
    const address = server.address() as { port: number };
    const other = createHotlink({ email: ALICE, server: `http://127.0.0.1:${address.port}`, dataDir: sandbox.dataDir(ALICE), threads: 1 });
    await other.start();
    try {
      await until('all are counted', () => other.status().totals.opensRefused >= 5 && other.status().totals.envelopesRefused >= 3);
      expect(other.status().totals).toMatchObject({ opensRefused: 5, envelopesRefused: 3 });
      expect(accepted).toEqual([]);
      expect(other.status().channels[0]?.listening).toBe(true);
    } finally {
      await other.stop();
      for (const client of server.clients) client.terminate();
      server.close();
    }
  });
});

describe('a marker', () => {
  it('for a peer we are not in is left alone', async () => {
    const { alice } = await scene();
    await sandbox.writeMarker(ALICE, BOB, '4_to_5', {});
    expect(alice.link.status().channels).toHaveLength(1);
  });
});
