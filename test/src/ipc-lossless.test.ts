// What an application of local IPC may count on between two daemons of our kind: every frame once and in order, whatever becomes of the relay,
// the daemons and the applications meanwhile; and files in place of hotlink while there is none (seeds 000, 001). The directories of two
// parties are separate here, so a test that wants files carried copies them, as a file synchronisation would.
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HotlinkOptions } from '../../src/index.js';
import type { IpcCounters } from '../../src/status.js';
import { IpcApp, put, restartRelay, rpcDirectory } from '../support/ipc-app.js';
import { ALICE, BOB, type Party, Sandbox, until } from '../support/sandbox.js';

const RELAY_ONLY: Partial<HotlinkOptions> = { lanes: ['relay'] };
const CAROL = 'carol@example.com';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.close());

interface Scene {
  rpc: string;
  folders: Record<string, string>;
  marker: Record<string, string>;
}

/** Directories, markers and consent for Alice, who sends, and her receivers; then the daemons. */
async function scene(options: Partial<HotlinkOptions> = RELAY_ONLY, receivers = [BOB]): Promise<Scene> {
  const rpc = await rpcDirectory(sandbox, ALICE, receivers, 'work');
  const made: Scene = { rpc, folders: {}, marker: {} };
  for (const party of [ALICE, ...receivers]) {
    if (party !== ALICE) put(sandbox, party, rpc, 'stream.accept', '1');
    made.marker[party] = put(sandbox, party, rpc, options.ipc === 'tcp' ? 'stream.tcp' : 'stream.sock');
    made.folders[party] = join(sandbox.dataDir(party), 'datasites', rpc);
    await sandbox.start(party, 0, '', options);
  }
  await until('all are at the relay', () => sandbox.parties.every(({ link }) => link.status().relay.state === 'up'));
  return made;
}

const party = (email: string): Party => sandbox.parties.find((one) => one.email === email) as Party;
const counters = (email: string): IpcCounters => party(email).link.status().ipc[0]!.counters;
const fallbackFiles = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('hl1-'));
const payload = (i: number, size = 700): Uint8Array => {
  const bytes = Buffer.alloc(size, i % 251);
  bytes.writeUInt32BE(i);
  return bytes;
};
const sendRange = (app: IpcApp, rpc: string, from: number, to: number, size?: (i: number) => number): void => {
  for (let i = from; i < to; i += 1) app.send(`${rpc}/${i % 3}.request`, payload(i, size?.(i)), i % 2 === 0 ? '' : `tag${i}`);
};

/** Takes as many frames as expected and says which came, in which order. */
async function indexes(app: IpcApp, count: number, ms = 30_000): Promise<number[]> {
  const got: number[] = [];
  while (got.length < count) got.push((await app.next(undefined, ms)).payload.readUInt32BE());
  return got;
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('frames between two daemons of ours', () => {
  it.each([
    ['over the relay', RELAY_ONLY],
    ['over WebRTC', { lanes: ['webrtc'] }],
    ['over whatever is best', {}],
  ] as [string, Partial<HotlinkOptions>][])('arrive once, in order, with path and etag, %s', async (_name, options) => {
    const { rpc, marker } = await scene(options);
    const [sender, receiver] = [await IpcApp.connect(marker[ALICE]!), await IpcApp.connect(marker[BOB]!)];
    sendRange(sender, rpc, 0, 3000, (i) => 4 + ((i * 37) % 9000));
    for (let i = 0; i < 3000; i += 1) {
      const frame = await receiver.next();
      expect({ i: frame.payload.readUInt32BE(), bytes: frame.payload.length, path: frame.path, etag: frame.etag }).toEqual({
        i,
        bytes: 4 + ((i * 37) % 9000),
        path: `${rpc}/${i % 3}.request`,
        etag: i % 2 === 0 ? '' : `tag${i}`,
      });
      expect(frame.seq).toBe(i + 1);
    }
    expect(counters(BOB)['duplicates']).toBe(0);
    await until('everything is acknowledged', () => counters(ALICE)['waitingFrames'] === 0);
  });

  it('take frames of 16 MiB, and answers the other way', async () => {
    const { rpc, marker } = await scene({});
    put(sandbox, ALICE, rpc, 'stream.accept', '1');
    const [sender, receiver] = [await IpcApp.connect(marker[ALICE]!), await IpcApp.connect(marker[BOB]!)];
    const large = Buffer.alloc(16 * 1024 * 1024, 7);
    sender.send(`${rpc}/large.request`, large);
    expect((await receiver.next(undefined, 60_000)).payload.equals(large)).toBe(true);
    receiver.send(`${rpc}/large.response`, Buffer.from('got it'));
    expect((await sender.next()).payload.toString()).toBe('got it');
  });

  it.each([
    ['over the relay', RELAY_ONLY],
    ['while connections are made anew', { lanes: ['webrtc', 'relay'] }],
  ] as [string, Partial<HotlinkOptions>][])('go both ways at once from the first one on, %s', async (_name, options) => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'work', true);
    const markers: string[] = [];
    for (const email of [ALICE, BOB]) {
      put(sandbox, email, rpc, 'stream.accept', '1');
      markers.push(put(sandbox, email, rpc, 'stream.sock'));
      await sandbox.start(email, 0, '', options);
    }
    const [alice, bob] = [await IpcApp.connect(markers[0]!), await IpcApp.connect(markers[1]!)];
    for (const app of [alice, bob]) sendRange(app, rpc, 0, 1500, (i) => 4 + ((i * 331) % 30_000));
    const both = Promise.all([indexes(alice, 1500), indexes(bob, 1500)]);
    for (let round = 0; round < 3 && options.lanes?.length === 2; round += 1) {
      const opened = party(BOB).events.length;
      party(BOB).link.renegotiate();
      await until('it was heard', () => party(BOB).events.length > opened || counters(BOB)['framesToApplication'] === 1500);
    }
    const [fromBob, fromAlice] = await both;
    expect(fromBob.join()).toBe(range(0, 1500).join());
    expect(fromAlice.join()).toBe(range(0, 1500).join());
  });

  it('reach several receivers, each all of them', async () => {
    const { rpc, marker } = await scene(RELAY_ONLY, [BOB, CAROL]);
    const [bob, carol] = [await IpcApp.connect(marker[BOB]!), await IpcApp.connect(marker[CAROL]!)];
    const sender = await IpcApp.connect(marker[ALICE]!);
    sendRange(sender, rpc, 0, 1);
    await until('both receivers are known', () => party(ALICE).link.status().ipc[0]!.peers.length === 2);
    sendRange(sender, rpc, 1, 400);
    expect((await indexes(bob, 400)).join()).toBe(range(0, 400).join());
    // The first frame may have been through before the second receiver had said who it is.
    const got = await indexes(carol, 399);
    expect(got.join()).toBe(range(got[0]!, got[0]! + 399).join());
  });

  it('wait for an application that is away, in order, and stop the sender instead of filling memory', async () => {
    const { rpc, marker } = await scene({ ...RELAY_ONLY, socketOnly: true, windowBytes: 262_144 });
    const first = await IpcApp.connect(marker[BOB]!);
    const sender = await IpcApp.connect(marker[ALICE]!);
    sendRange(sender, rpc, 0, 10);
    expect(await indexes(first, 10)).toEqual(range(0, 10));
    await first.close();
    sendRange(sender, rpc, 10, 3000, () => 8192);
    // Credit and window are full: 24 MB do not fit.
    await until('the sender is stopped', () => sender.socket.writableLength > 1_000_000);
    const second = await IpcApp.connect(marker[BOB]!);
    expect((await indexes(second, 2990)).join()).toBe(range(10, 3000).join());
  });

  it('go to one application at a time: the next takes over when the first leaves', async () => {
    const { rpc, marker } = await scene();
    const sender = await IpcApp.connect(marker[ALICE]!);
    const first = await IpcApp.connect(marker[BOB]!);
    sendRange(sender, rpc, 0, 5);
    expect(await indexes(first, 5)).toEqual(range(0, 5));
    const second = await IpcApp.connect(marker[BOB]!);
    sendRange(sender, rpc, 5, 10);
    expect(await indexes(first, 5)).toEqual(range(5, 10));
    expect(second.frames).toEqual([]);
    await first.close();
    sendRange(sender, rpc, 10, 15);
    expect(await indexes(second, 5)).toEqual(range(10, 15));
  });

  it('survive a relay that is restarted with its memory gone', async () => {
    const { rpc, marker } = await scene({ ...RELAY_ONLY, socketOnly: true });
    const [sender, receiver] = [await IpcApp.connect(marker[ALICE]!), await IpcApp.connect(marker[BOB]!)];
    sendRange(sender, rpc, 0, 500);
    const head = await indexes(receiver, 100);
    await restartRelay(sandbox);
    await rpcDirectory(sandbox, ALICE, [BOB], 'work');
    sendRange(sender, rpc, 500, 1000);
    expect([...head, ...(await indexes(receiver, 900))].join()).toBe(range(0, 1000).join());
  });

  it('survive a restart of the sending daemon, and of the receiving one while no application is there', async () => {
    const { rpc, marker } = await scene();
    const first = await IpcApp.connect(marker[BOB]!);
    let sender = await IpcApp.connect(marker[ALICE]!);
    sendRange(sender, rpc, 0, 20);
    expect(await indexes(first, 20)).toEqual(range(0, 20));
    await first.close();
    sendRange(sender, rpc, 20, 60);
    await until('they arrived', () => counters(ALICE)['waitingFrames'] === 0);
    await sandbox.stop(BOB);
    sendRange(sender, rpc, 60, 100);
    await until('they wait', () => counters(ALICE)['waitingFrames'] === 40);
    await sandbox.stop(ALICE);
    await sandbox.start(BOB, 0, '', RELAY_ONLY);
    await sandbox.start(ALICE, 0, '', RELAY_ONLY);
    sender = await IpcApp.connect(marker[ALICE]!);
    sendRange(sender, rpc, 100, 120);
    const receiver = await IpcApp.connect(marker[BOB]!);
    const got = await indexes(receiver, 100);
    expect([...got].sort((a, b) => a - b).join()).toBe(range(20, 120).join());
    // What a daemon left behind comes in order; two runs' frames may be interleaved only where two daemons held them.
    expect(got.filter((i) => i < 60).join()).toBe(range(20, 60).join());
    expect(got.filter((i) => i >= 60).join()).toBe(range(60, 120).join());
    await until(
      'no file is left',
      () => fallbackFiles(sandbox.folder(ALICE, rpc)).length + fallbackFiles(sandbox.folder(BOB, rpc)).length === 0,
    );
  });
});

describe('files in place of hotlink', () => {
  it('are written when the relay is gone, replayed in order, and delivered once although hotlink brings them too', async () => {
    const { rpc, marker, folders } = await scene();
    const [sender, receiver] = [await IpcApp.connect(marker[ALICE]!), await IpcApp.connect(marker[BOB]!)];
    sendRange(sender, rpc, 0, 10);
    expect(await indexes(receiver, 10)).toEqual(range(0, 10));
    await until('they are acknowledged', () => counters(ALICE)['waitingFrames'] === 0);
    await sandbox.relay.close();
    sendRange(sender, rpc, 10, 40);
    await until('files stand for them', () => fallbackFiles(folders[ALICE]!).length === 30);
    // A synchronisation keeps no order: the last come first, one is missing for a while.
    const names = fallbackFiles(folders[ALICE]!).sort().reverse();
    for (const name of names.filter((_, i) => i !== 20)) copyFileSync(join(folders[ALICE]!, name), join(folders[BOB]!, name));
    expect(await indexes(receiver, 9)).toEqual(range(10, 19));
    copyFileSync(join(folders[ALICE]!, names[20]!), join(folders[BOB]!, names[20]!));
    expect(await indexes(receiver, 21)).toEqual(range(19, 40));
    await restartRelay(sandbox);
    await rpcDirectory(sandbox, ALICE, [BOB], 'work');
    sendRange(sender, rpc, 40, 50);
    expect(await indexes(receiver, 10)).toEqual(range(40, 50));
    expect(counters(BOB)['duplicates']).toBe(30);
    await until('every file is gone again', () => fallbackFiles(folders[ALICE]!).length + fallbackFiles(folders[BOB]!).length === 0);
  });

  it('stay away when told so: the application waits, and nothing is lost', async () => {
    const { rpc, marker, folders } = await scene({ ...RELAY_ONLY, socketOnly: true });
    const [sender, receiver] = [await IpcApp.connect(marker[ALICE]!), await IpcApp.connect(marker[BOB]!)];
    sendRange(sender, rpc, 0, 1);
    expect(await indexes(receiver, 1)).toEqual([0]);
    await sandbox.relay.close();
    sendRange(sender, rpc, 1, 20);
    // Longer than it takes to see that hotlink is down: the same look that would write them tells of a waiting frame's age.
    const from = performance.now();
    await until('the outage has lasted', () => performance.now() - from > 4000);
    expect(fallbackFiles(folders[ALICE]!)).toEqual([]);
    await restartRelay(sandbox);
    await rpcDirectory(sandbox, ALICE, [BOB], 'work');
    expect(await indexes(receiver, 19)).toEqual(range(1, 20));
  });

  it('are not replayed without consent', async () => {
    const { rpc, folders, marker } = await scene();
    const { rmSync } = await import('node:fs');
    const sender = await IpcApp.connect(marker[ALICE]!);
    rmSync(join(folders[BOB]!, 'stream.accept'));
    await until('consent is gone', () => !party(BOB).link.status().ipc[0]!.consent);
    await sandbox.relay.close();
    sendRange(sender, rpc, 0, 3);
    await until('files stand for them', () => fallbackFiles(folders[ALICE]!).length === 3);
    for (const name of fallbackFiles(folders[ALICE]!)) copyFileSync(join(folders[ALICE]!, name), join(folders[BOB]!, name));
    const receiver = await IpcApp.connect(marker[BOB]!);
    await expect(receiver.next(undefined, 1200)).rejects.toThrow('no such frame');
    put(sandbox, BOB, rpc, 'stream.accept');
    expect(await indexes(receiver, 3)).toEqual(range(0, 3));
    await until('they are gone', () => fallbackFiles(folders[BOB]!).length === 0);
    expect(existsSync(marker[BOB]!)).toBe(true);
  });
});
