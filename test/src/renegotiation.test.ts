// New connections that are asked for while the ones before are still being agreed on, as a network that changes twice in a moment does: words of
// the old ones are on their way everywhere, and none may be taken for the new ones'.
import { afterEach, expect, it } from 'vitest';
import { dial, Sandbox, until } from '../support/sandbox.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

it('asked for twice in a row, whatever lies between, new connections come up at once and not after a deadline', {
  timeout: 120_000,
}, async () => {
  sandbox = await Sandbox.open();
  const [alice, bob] = await sandbox.pair();
  for (const { port } of [alice, bob]) (await dial(port)).write('hello');
  const sessions = () => [alice, bob].flatMap(({ link }) => link.status().channels[0]!.sessions);
  const connected = (): boolean => sessions().length === 4 && sessions().every(({ webrtc }) => webrtc === 'connected');
  await until('all are connected', connected, 30_000);
  for (let round = 0; round < 24; round += 1) {
    alice.link.renegotiate();
    // From before the worker has begun to after the answer came: a step of half a millisecond to the next.
    const next = performance.now() + round / 2;
    while (performance.now() < next) await new Promise((resolve) => setImmediate(resolve));
    alice.link.renegotiate();
    expect(connected()).toBe(false);
    await until(`round ${round} is connected`, connected, 10_000);
  }
});
