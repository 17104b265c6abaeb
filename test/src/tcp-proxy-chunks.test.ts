// Upstream's TCP proxy test (TestHotlinkTCPProxy, wire.md 9.1) against our daemon and relay: the receiver connects first, the sender half a second
// later; 20 indexed chunks of 4096 bytes arrive in order.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { HotlinkOptions } from '../../src/index.js';
import { dial, Sandbox, until } from '../support/sandbox.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

it.each([
  ['over whatever is best', {}],
  ['over WebRTC', { lanes: ['webrtc'] }],
  ['over the relay', { lanes: ['relay'] }],
] as [string, Partial<HotlinkOptions>][])('upstream’s TCP proxy test: 20 chunks in order %s', async (_name, options) => {
  sandbox = await Sandbox.open();
  const [alice, bob] = await sandbox.pair(options);
  const receiver = await dial(bob.port);
  const received: Buffer[] = [];
  receiver.on('data', (bytes: Buffer) => received.push(bytes));
  // The half second is the shape of upstream's test, not a wait for something.
  await wait(500);
  const sender = await dial(alice.port);
  for (let i = 0; i < 20; i += 1) {
    const chunk = Buffer.alloc(4096, i);
    chunk.writeUInt32BE(i);
    sender.write(chunk);
  }
  await until('everything arrived', () => received.reduce((sum, { length }) => sum + length, 0) === 81_920, 60_000);
  const all = Buffer.concat(received);
  for (let i = 0; i < 20; i += 1) {
    const chunk = all.subarray(i * 4096, (i + 1) * 4096);
    expect(chunk.readUInt32BE()).toBe(i);
    expect(chunk.subarray(4).every((byte) => byte === i)).toBe(true);
  }
});
