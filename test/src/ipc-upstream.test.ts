// Local IPC toward upstream's clients, played by a bare WebSocket client with a Go client's message ids: one frame of the application is one
// Data of the session, and one Data is one frame, exactly as upstream has it (wire.md 3.4, 6.2, 6.3); and what a stranger may not do.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DataMessage, type Decoded, MessageType, type OpenMessage } from '../../native-free/index.js';
import { GoServer } from '../doubles/go-server.js';
import { IpcApp, put, rpcDirectory } from '../support/ipc-app.js';
import { ALICE, BOB, Sandbox, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

const CAROL = 'carol@example.com';

let sandbox: Sandbox;
const clients: RelayClient[] = [];
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await sandbox.close();
});

let nextId = 0xa00000;
const goId = (): string => (nextId++).toString(16);

async function upstream(user: string): Promise<RelayClient> {
  const client = await RelayClient.connect(sandbox.relay, user);
  clients.push(client);
  return client;
}

/** The next message of one kind; others are passed over. */
async function expectMessage<T>(client: RelayClient, typ: number): Promise<T> {
  for (;;) {
    const { message }: Decoded = await client.next();
    if (message.typ === typ) return message as T;
  }
}

async function aliceWith(rpc: string, consent: boolean): Promise<IpcApp> {
  if (consent) put(sandbox, ALICE, rpc, 'stream.accept', '1');
  const marker = put(sandbox, ALICE, rpc, 'stream.sock');
  await sandbox.start(ALICE, 0, '', { lanes: ['relay'] });
  await until('alice is at the relay', () => sandbox.parties[0]!.link.status().relay.state === 'up');
  return IpcApp.connect(marker);
}

describe('toward an upstream receiver', () => {
  it('opens the path of the frame without a receiver, and sends each frame as one Data that no Go client takes for another', async () => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB, CAROL], 'work');
    const [bob, carol] = [await upstream(BOB), await upstream(CAROL)];
    const app = await aliceWith(rpc, false);
    app.send(`${rpc}/first.request`, Buffer.from('same'));
    const open = await expectMessage<OpenMessage>(bob, MessageType.Open);
    expect(open).toMatchObject({ pth: `${rpc}/first.request`, frm: ALICE });
    expect(open.to ?? '').toBe('');
    for (const client of [bob, carol]) client.send({ typ: MessageType.Accept, sid: open.sid }, goId());
    app.send(`${rpc}/second.request`, Buffer.from('same'));
    app.send(`${rpc}/third.request`, Buffer.alloc(102_400, 5), 'my-etag');
    const got = [];
    for (let i = 0; i < 3; i += 1) got.push(await expectMessage<DataMessage>(bob, MessageType.Data));
    expect(got.map(({ sid, pth, seq, pay }) => [sid, pth, seq, pay.length])).toEqual([
      [open.sid, `${rpc}/first.request`, 1, 4],
      [open.sid, `${rpc}/second.request`, 2, 4],
      [open.sid, `${rpc}/third.request`, 3, 102_400],
    ]);
    expect(got[2]!.etg).toBe('my-etag');
    expect(new Set(got.map(({ etg }) => etg)).size).toBe(3);
    expect(got.every(({ etg }) => (etg ?? '') !== '')).toBe(true);
    // Carol accepted the same session: the server fans out.
    expect((await expectMessage<DataMessage>(carol, MessageType.Data)).seq).toBeGreaterThanOrEqual(1);
  });

  it('writes what waits as plain files, under the names the frames have, when the relay is gone', async () => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'work');
    const bob = await upstream(BOB);
    const app = await aliceWith(rpc, false);
    app.send(`${rpc}/1.request`, Buffer.from('by hotlink'));
    const open = await expectMessage<OpenMessage>(bob, MessageType.Open);
    bob.send({ typ: MessageType.Accept, sid: open.sid }, goId());
    await expectMessage(bob, MessageType.Data);
    clients.length = 0;
    await bob.close();
    await sandbox.relay.close();
    await until('alice knows', () => sandbox.parties[0]!.link.status().relay.state === 'down');
    app.send(`${rpc}/2.request`, Buffer.from('by file'));
    app.send(`${rpc}/2.request`, Buffer.from('again'));
    const folder = sandbox.folder(ALICE, rpc);
    await until('both are there', () => readdirSync(folder).filter((name) => name.endsWith('.request')).length === 2);
    expect(readFileSync(join(folder, '2.request'), 'utf8')).toBe('by file');
    expect(readFileSync(join(folder, '00000003.request'), 'utf8')).toBe('again');
    await until('nothing waits', () => sandbox.parties[0]!.link.status().ipc[0]!.counters.waitingFrames === 0);
  });
});

describe('from an upstream sender', () => {
  const open = (sid: string, pth: string): OpenMessage => ({ typ: MessageType.Open, sid, pth });
  const data = (sid: string, seq: number, pth: string, text: string, etg = ''): DataMessage => ({
    typ: MessageType.Data,
    sid,
    seq,
    pth,
    etg,
    pay: Buffer.from(text),
  });

  it('hands on path, etag and number of each Data, in the order of the numbers', async () => {
    const rpc = await rpcDirectory(sandbox, BOB, [ALICE], 'work');
    const app = await aliceWith(rpc, true);
    const bob = await upstream(BOB);
    bob.send(open('0123456789abcdef', `${rpc}/a.request`), goId());
    await expectMessage(bob, MessageType.Accept);
    bob.send(data('0123456789abcdef', 2, `${rpc}/b.request`, 'two', 'e2'), goId());
    bob.send(data('0123456789abcdef', 1, `${rpc}/a.request`, 'one'), goId());
    const frames = [await app.next(), await app.next()];
    expect(frames.map(({ path, etag, seq, payload }) => [path, etag, seq, payload.toString()])).toEqual([
      [`${rpc}/a.request`, '', 1, 'one'],
      [`${rpc}/b.request`, 'e2', 2, 'two'],
    ]);
  });

  it('refuses a path outside of the session’s directory, a TCP channel’s above all', async () => {
    // Our own relay does not let such Data through; upstream's server does (defect S9).
    await sandbox.close();
    sandbox = Sandbox.over(await GoServer.start({ workers: 1 })) as unknown as Sandbox;
    const rpc = await rpcDirectory(sandbox, BOB, [ALICE], 'work');
    const app = await aliceWith(rpc, true);
    const bob = await upstream(BOB);
    bob.send(open('0123456789abcdef', `${rpc}/a.request`), goId());
    await expectMessage(bob, MessageType.Accept);
    for (const [i, pth] of [`${BOB}/else/a.request`, `${rpc}/deeper/a.request`, `${BOB}/_mpc/0_to_1/stream.tcp.request`].entries()) {
      bob.send(data('0123456789abcdef', i + 1, pth, 'stray'), goId());
    }
    bob.send(data('0123456789abcdef', 4, `${rpc}/good.request`, 'good'), goId());
    expect((await app.next()).payload.toString()).toBe('good');
    expect(app.frames).toEqual([]);
    expect(sandbox.parties[0]!.link.status().ipc[0]!.counters.framesRefused).toBe(3);
  });

  it('is not answered without consent, and accepted when it is given', async () => {
    const rpc = await rpcDirectory(sandbox, BOB, [ALICE], 'work');
    await aliceWith(rpc, false);
    const bob = await upstream(BOB);
    bob.send(open('0123456789abcdef', `${rpc}/a.request`), goId());
    put(sandbox, ALICE, rpc, 'stream.accept');
    expect((await bob.next()).message).toMatchObject({ typ: MessageType.Accept, sid: '0123456789abcdef' });
  });

  it('may fall back to files: they are replayed by name, each content once', async () => {
    const rpc = await rpcDirectory(sandbox, BOB, [ALICE], 'work');
    const app = await aliceWith(rpc, true);
    const bob = await upstream(BOB);
    const folder = sandbox.folder(ALICE, rpc);
    for (const name of ['00000002', '00000001', 'by-hotlink']) writeFileSync(join(folder, `${name}.request`), `file ${name}`);
    // One of them hotlink has brought before.
    bob.send(open('ffffffffffffffff', `${rpc}/a.request`), goId());
    await expectMessage(bob, MessageType.Accept);
    bob.send(data('ffffffffffffffff', 1, `${rpc}/by-hotlink.request`, 'file by-hotlink'), goId());
    expect((await app.next()).path).toBe(`${rpc}/by-hotlink.request`);
    for (const sid of ['0123456789abcdef', 'fedcba9876543210']) {
      bob.send(open(sid, `${rpc}/a.request`), goId());
      await expectMessage(bob, MessageType.Accept);
      bob.send({ typ: MessageType.Close, sid, rsn: 'fallback' }, goId());
      if (sid.startsWith('0')) {
        for (const name of ['00000001', '00000002']) {
          const { path, payload, etag } = await app.next();
          expect([path, payload.toString()]).toEqual([`${rpc}/${name}.request`, `file ${name}`]);
          expect(etag).toBe(createHash('md5').update(payload).digest('hex'));
        }
        writeFileSync(join(folder, '00000003.request'), 'new');
      }
    }
    // Of the second fallback only what is new comes.
    expect((await app.next()).payload.toString()).toBe('new');
    expect(app.frames).toEqual([]);
  });
});
