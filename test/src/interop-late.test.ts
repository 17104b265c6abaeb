// A Rust client gives an unanswered Open 1.5 s, sends all the same, and uses up numbers for what the server drops (defects R3, R4). Nothing can
// bring those bytes back; what can be had is that nobody takes the rest for the whole.
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { RustClient } from '../doubles/rust-client.js';
import { goServer } from '../support/interop.js';
import { ALICE, BOB, dial, freePort, Sandbox, until } from '../support/sandbox.js';

it('a Rust client that sent on although nobody had accepted costs the stream loudly: the numbers it used up are missed', {
  timeout: 60_000,
}, async () => {
  const server = await goServer();
  const sandbox = Sandbox.over(server);
  const ports = { [ALICE]: await freePort(), [BOB]: await freePort() };
  await sandbox.writeMarker(BOB, ALICE, '1_to_0', ports);
  const { link, events } = await sandbox.start(ALICE, ports[ALICE] as number, '');
  const rust = await RustClient.start({
    server: server.url,
    email: BOB,
    datasites: `${sandbox.dataDir(BOB)}/datasites`,
    webrtc: false,
    graceMs: 100,
  });
  try {
    await until('we are at the relay', () => link.status().relay.state === 'up');
    const theirs = await dial(ports[BOB] as number);
    theirs.write('words that the server drops');
    await until('they are gone', () => server.sessions.dataVanished > 0);
    await sandbox.writeMarker(ALICE, BOB, '0_to_1', ports);
    await until('the session is accepted after all', () => server.sessions.accepts.size > 0);
    await until('its port is there', () => link.status().channels[0]?.listening === true);
    const ours = await dial(ports[ALICE] as number);
    let read = 0;
    ours.on('data', (data: Buffer) => {
      read += data.length;
    });
    ours.write('ours');
    const reset = once(ours, 'error');
    theirs.write('later words');
    await until('they wait for what is missing', () => link.status().channels[0]?.counters.heldFrames === 1);
    const [error] = (await reset) as [NodeJS.ErrnoException];
    expect([error.code, read]).toEqual(['ECONNRESET', 0]);
    await until('it is said why', () => events.some(({ what }) => what === 'channel failed'));
    expect(events.find(({ what }) => what === 'channel failed')?.fields).toMatchObject({
      code: 'ERR_HLNK_GAP',
      reason: expect.stringContaining('sequence number 1 never arrived'),
    });
  } finally {
    await rust.close();
    await sandbox.close();
  }
});
