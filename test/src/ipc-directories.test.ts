// Which directories get an endpoint, where, and what is left alone: markers, consent, and the TCP proxy's files beside them (wire.md 6.1, G10).
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { ipcAddress, ipcMarkerName, isIpcContent } from '../../src/control/ipc-address.js';
import { IpcApp, put, rpcDirectory } from '../support/ipc-app.js';
import { ALICE, BOB, dial, freePort, Sandbox, until } from '../support/sandbox.js';

describe('the address of an endpoint', () => {
  const tcp = { host: '127.0.0.1', port: 0 };
  it('is upstream’s on every platform', () => {
    const marker = '/data/datasites/a@x.io/app_data/t/rpc/e/stream.sock';
    const path = '/tmp/syftbox-hotlink/bb8e44e8092e79f995d1dce03a83c26f86e52a9d.sock';
    expect(ipcAddress('unix', 'linux', marker, tcp)).toEqual({ kind: 'unix', path });
    expect(ipcAddress('unix', 'darwin', marker, tcp)).toEqual({ kind: 'unix', path });
    expect(ipcAddress('unix', 'win32', 'C:\\data\\datasites\\a@x.io\\stream.pipe', tcp)).toEqual({
      kind: 'pipe',
      path: '\\\\.\\pipe\\syftbox-hotlink-474dc693c61380cc771633c915c17eb301213882',
    });
    expect(ipcAddress('tcp', 'win32', marker, { host: '::1', port: 7000 })).toEqual({ kind: 'tcp', host: '::1', port: 7000 });
  });

  it('is named by the marker of the platform', () => {
    expect(ipcMarkerName('unix', 'linux')).toBe('stream.sock');
    expect(ipcMarkerName('unix', 'win32')).toBe('stream.pipe');
    expect(ipcMarkerName('tcp', 'linux')).toBe('stream.tcp');
  });

  it('is told from a TCP proxy’s marker by its content', () => {
    for (const ours of ['', '\n', '127.0.0.1:9000', '[::1]:9000\n', 'host.docker.internal:1']) expect(isIpcContent(ours), ours).toBe(true);
    for (const proxy of ['{"from":"a@x.io"}', '{}', '{"port":1}', 'not an address']) expect(isIpcContent(proxy), proxy).toBe(false);
  });
});

describe('a directory', () => {
  let sandbox: Sandbox;
  afterEach(async () => sandbox.close());

  it('with consent alone gets a marker, which goes when the daemon does; one that an application made is emptied', async () => {
    sandbox = await Sandbox.open();
    put(sandbox, ALICE, `${BOB}/app_data/consent`, 'stream.accept', '1');
    const asked = put(sandbox, ALICE, `${ALICE}/app_data/asked`, 'stream.sock');
    const consented = join(sandbox.folder(ALICE, `${BOB}/app_data/consent`), 'stream.sock');
    await sandbox.start(ALICE, 0, '');
    const sockets = [asked, consented].map((marker) => readFileSync(marker, 'utf8'));
    expect(sockets.every((path) => existsSync(path))).toBe(true);
    await sandbox.stop(ALICE);
    expect(sockets.some((path) => existsSync(path))).toBe(false);
    expect(readFileSync(asked, 'utf8')).toBe('');
    expect(existsSync(consented)).toBe(false);
  });

  it('loses its endpoint with its marker, and gets it again under the same address', async () => {
    sandbox = await Sandbox.open();
    const relative = `${ALICE}/app_data/asked`;
    const marker = put(sandbox, ALICE, relative, 'stream.sock');
    const { link } = await sandbox.start(ALICE, 0, '');
    const address = readFileSync(marker, 'utf8');
    rmSync(marker);
    await until('the endpoint is gone', () => link.status().ipc.length === 0 && !existsSync(address));
    put(sandbox, ALICE, relative, 'stream.sock');
    await until('it is back', () => readFileSync(marker, 'utf8') === address);
    connect(address).destroy();
  });

  it('keeps an address that somebody overwrote in the marker', async () => {
    sandbox = await Sandbox.open();
    const marker = put(sandbox, ALICE, `${ALICE}/app_data/asked`, 'stream.sock');
    await sandbox.start(ALICE, 0, '');
    const address = readFileSync(marker, 'utf8');
    put(sandbox, ALICE, `${ALICE}/app_data/asked`, 'stream.sock', '/nowhere');
    await until('the marker is right again', () => readFileSync(marker, 'utf8') === address);
  });

  it('of a TCP channel stays the channel’s: its marker is not touched, consent opens no endpoint, and neither takes the other’s frames', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ ipc: 'tcp', lanes: ['relay'] });
    const marker = readFileSync(join(alice.markerDir, 'stream.tcp'), 'utf8');
    expect(marker.startsWith('{')).toBe(true);
    const relative = `${ALICE}/shared/flows/test/run1/_mpc/0_to_1`;
    for (const party of [ALICE, BOB]) put(sandbox, party, relative, 'stream.accept', '1');
    // Beside it a directory that is IPC's, in the same mode.
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'work');
    put(sandbox, BOB, rpc, 'stream.accept', '1');
    const ipcMarker = put(sandbox, ALICE, rpc, 'stream.tcp');
    const app = await IpcApp.connect(ipcMarker);
    const receiver = await IpcApp.connect(join(sandbox.folder(BOB, rpc), 'stream.tcp'));
    // A frame for the channel through the endpoint, and a frame through the channel: bytes there, nothing here.
    app.send(`${relative}/stream.tcp.request`, Buffer.from('stray'));
    app.send(`${rpc}/good.request`, Buffer.from('good'));
    expect((await receiver.next()).payload.toString()).toBe('good');
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const frame = encodeFrame(`${rpc}/tcp.request`, '', 1, Buffer.from('bytes'));
    a.write(frame);
    const [data] = (await once(b, 'data')) as [Buffer];
    expect(data.equals(frame)).toBe(true);
    expect(receiver.frames).toEqual([]);
    const { ipc } = alice.link.status();
    expect(ipc.map(({ directory }) => directory)).toEqual([rpc]);
    expect(ipc[0]!.counters.framesRefused).toBe(1);
    expect(readFileSync(join(alice.markerDir, 'stream.tcp'), 'utf8')).toBe(marker);
  });

  it('is served without TCP channels when those are switched off', async () => {
    sandbox = await Sandbox.open();
    const port = await freePort();
    const directory = await sandbox.writeMarker(ALICE, BOB, '0_to_1', { [ALICE]: port });
    const marker = put(sandbox, ALICE, `${ALICE}/app_data/asked`, 'stream.sock');
    const { link } = await sandbox.start(ALICE, port, directory, { tcpProxy: false });
    expect(link.status().channels).toEqual([]);
    await (await IpcApp.connect(marker)).close();
  });
});
