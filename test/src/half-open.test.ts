// A peer that takes part in a handshake only halfway: it accepts and never offers, or opens and never answers. Neither hangs: both are given up at
// the deadline, the status says what did not come, and the relay carries meanwhile.
import { expect, it } from 'vitest';
import { ALICE, BOB, dial, freePort, Sandbox, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

it('a peer that accepts without an offer, and opens without an answer, is given up on with a reason', async () => {
  const sandbox = await Sandbox.open();
  const port = await freePort();
  const markerDir = await sandbox.writeMarker(ALICE, BOB, '0_to_1', { [ALICE]: port, [BOB]: port });
  const bobPath = `${BOB}/shared/flows/test/run1/_mpc/1_to_0/stream.tcp.request`;
  await sandbox.writeMarker(BOB, ALICE, '1_to_0', { [ALICE]: port, [BOB]: port });
  const alice = await sandbox.start(ALICE, port, markerDir);
  const bob = await RelayClient.connect(sandbox.relay, BOB);
  try {
    await until('alice is at the relay', () => alice.link.status().relay.state === 'up');
    bob.send({ typ: 9, sid: 'opened-by-bob-1', pth: bobPath, to: ALICE });
    const socket = await dial(port);
    socket.write('hello');
    let accepted = false;
    while (!accepted) {
      const { message } = await bob.next();
      if (message.typ !== 9) continue;
      bob.send({ typ: 10, sid: message.sid });
      accepted = true;
    }
    const reasons = (): (string | undefined)[] => (alice.link.status().channels[0]?.sessions ?? []).map(({ webrtcReason }) => webrtcReason);
    await until('both sessions are given up', () => reasons().length === 2 && reasons().every((reason) => reason !== undefined), 30_000);
    expect(reasons().sort()).toEqual([
      'connect deadline: the offer was not answered within 15 s',
      'the peer accepted the session and made no offer: its WebRTC is off, or its log says why it cannot',
    ]);
    socket.destroy();
  } finally {
    await bob.close();
    await sandbox.close();
  }
});
