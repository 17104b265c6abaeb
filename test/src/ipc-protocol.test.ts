// Upstream's protocol test (TestHotlinkProtocolE2E, wire.md 9.1) against our daemon and relay: an application on each side, frames of 1, 10 and
// 100 KiB, a sender that reconnects, consent that comes late, and consent that never comes.

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quantile } from '../../src/bench/quantile.js';
import type { HotlinkOptions } from '../../src/index.js';
import { IpcApp, put, rpcDirectory } from '../support/ipc-app.js';
import { ALICE, BOB, Sandbox, until } from '../support/sandbox.js';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.close());

const nothing = (party: string): string => put(sandbox, party, `${party}/nothing`, 'keep');

async function bothUp(options: Partial<HotlinkOptions> = {}): Promise<void> {
  for (const party of [ALICE, BOB]) await sandbox.start(party, 0, nothing(party), options);
  await until('both are at the relay', () => sandbox.parties.every(({ link }) => link.status().relay.state === 'up'));
}

describe.each([
  ['over the relay', { lanes: ['relay'] }],
  ['over WebRTC', {}],
  ['over the relay, endpoints on TCP', { lanes: ['relay'], ipc: 'tcp' }],
] as [string, Partial<HotlinkOptions>][])('upstream’s protocol test %s', (_name, options) => {
  const marker = options.ipc === 'tcp' ? 'stream.tcp' : 'stream.sock';

  it('carries 1, 10 and 100 KiB frames with their exact paths and sizes', async () => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'hotlink-protocol');
    await bothUp(options);
    put(sandbox, BOB, rpc, 'stream.accept', '1');
    const senderMarker = put(sandbox, ALICE, rpc, marker);
    const receiverMarker = senderMarker.replace(sandbox.dataDir(ALICE), sandbox.dataDir(BOB));
    const sender = await IpcApp.connect(senderMarker);
    sender.send(`${rpc}/warmup.request`, randomBytes(64));
    const receiver = await IpcApp.connect(receiverMarker);
    expect((await receiver.next()).path).toBe(`${rpc}/warmup.request`);
    const latencies: number[] = [];
    for (const [size, rounds] of [
      [1024, 10],
      [10_240, 10],
      [102_400, 5],
    ] as const) {
      for (let i = 0; i < rounds; i += 1) {
        const payload = randomBytes(size);
        const path = `${rpc}/proto-${size}-${i}.request`;
        const from = performance.now();
        sender.send(path, payload);
        const frame = await receiver.next();
        latencies.push(frame.atMs - from);
        expect({ path: frame.path, same: frame.payload.equals(payload) }).toEqual({ path, same: true });
      }
    }
    const figures = [0.5, 0.9, 0.95, 0.99].map((q) => `p${q * 100} ${quantile(latencies, q).toFixed(2)} ms`);
    process.stdout.write(`IPC, one way, ${_name}: ${figures.join(', ')}\n`);
    await sender.close();
    const again = await IpcApp.connect(senderMarker);
    const payload = randomBytes(256);
    again.send(`${rpc}/reconnect.request`, payload);
    expect((await receiver.next()).payload).toEqual(payload);
    if (marker === 'stream.sock') {
      const { address } = sandbox.parties[0]!.link.status().ipc[0]!;
      expect(address).toMatch(new RegExp(`^/tmp/syftbox-hotlink(-${process.getuid?.()})?/[0-9a-f]{40}\\.sock$`));
      expect(statSync(address).mode & 0o777).toBe(0o600);
    }
  });

  it('delivers what was sent before consent once it is given', async () => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'hotlink-delayed');
    await bothUp(options);
    const senderMarker = put(sandbox, ALICE, rpc, marker);
    const sender = await IpcApp.connect(senderMarker);
    const payload = randomBytes(512);
    sender.send(`${rpc}/delayed.request`, payload);
    await until('the frame waits for a receiver', () => sandbox.parties[0]!.link.status().ipc[0]!.counters.waitingFrames === 1);
    put(sandbox, BOB, rpc, 'stream.accept', '1');
    const receiver = await IpcApp.connect(senderMarker.replace(sandbox.dataDir(ALICE), sandbox.dataDir(BOB)));
    const frame = await receiver.next();
    expect(frame).toMatchObject({ path: `${rpc}/delayed.request`, payload });
  });

  it('delivers nothing without consent, and rejects nobody', async () => {
    const rpc = await rpcDirectory(sandbox, ALICE, [BOB], 'hotlink-noaccept');
    await bothUp(options);
    const sender = await IpcApp.connect(put(sandbox, ALICE, rpc, marker));
    const receiver = await IpcApp.connect(put(sandbox, BOB, rpc, marker));
    sender.send(`${rpc}/noaccept.request`, randomBytes(512));
    await expect(receiver.next(undefined, 1500)).rejects.toThrow('no such frame');
    expect(sandbox.parties[0]!.events.filter(({ what }) => what === 'session rejected')).toEqual([]);
  });
});
