// The direct lane between two data planes in this process: when it carries, when it does not and why, and who else would like it to.
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { DIRECT_SIGNAL, writeDirectSignal } from '../../native-free/index.js';
import type { HotlinkOptions, LaneKind } from '../../src/index.js';
import { BOB, dial, type Party, Sandbox, transfer, until } from '../support/sandbox.js';
import { RelayClient } from './relay-client.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

const ALL: Partial<HotlinkOptions> = { lanes: ['direct', 'webrtc', 'relay'] };

async function connected(alice: Party, bob: Party): Promise<[Awaited<ReturnType<typeof dial>>, Awaited<ReturnType<typeof dial>>]> {
  const [a, b] = [await dial(alice.port), await dial(bob.port)];
  a.write('x');
  await once(b, 'data');
  return [a, b];
}

const lane = ({ link }: Party): LaneKind | undefined =>
  link.status().channels[0]?.sessions.find((session) => session.lane !== undefined)?.lane;

describe('the direct lane', () => {
  it('carries by default between two of us, both ways at once, and WebRTC stands by', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair(ALL);
    const [a, b] = await connected(alice, bob);
    await until('it carries', () => lane(alice) === 'direct');
    const before = alice.link.status().channels[0]!.counters;
    const [there, back] = await Promise.all([transfer(a, b, 40_000_000), transfer(b, a, 30_000_000)]);
    expect(there.received).toBe(there.sent);
    expect(back.received).toBe(back.sent);
    const { counters } = alice.link.status().channels[0]!;
    expect(counters.txDirectPackets - before.txDirectPackets).toBe(counters.txPackets - before.txPackets);
    expect(counters.txWsPackets + counters.wsFallbacks + counters.directRefused).toBe(0);
    // On a busy machine all bytes are over before the second connection is up.
    await until('both lanes of every session are up', () =>
      alice.link.status().channels[0]!.sessions.every(({ direct, webrtc }) => direct === 'connected' && webrtc === 'connected'),
    );
  });

  it('counts as peer to peer where the relay may not carry, WebRTC or not', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ lanes: ['direct', 'relay'], p2pOnly: true, strict: true });
    const [a, b] = await connected(alice, bob);
    const result = await transfer(a, b, 5_000_000);
    expect(result.received).toBe(result.sent);
    expect(alice.link.status().channels[0]?.counters).toMatchObject({ txWsPackets: 0, strictViolations: 0 });
    expect(alice.fatal).toEqual([]);
  });

  it.each([
    ['the side that sends', 0],
    ['the other side', 1],
  ])('is left alone when %s has switched it off, and both say so', async (_, off) => {
    sandbox = await Sandbox.open();
    const settings = [ALL, ALL].map((one, i) => (i === off ? { ...one, direct: 'off' } : one));
    const [alice, bob] = await sandbox.pair(settings[0], settings[1]);
    const [a, b] = await connected(alice, bob);
    const [there, back] = await Promise.all([transfer(a, b, 3_000_000), transfer(b, a, 3_000_000)]);
    expect([there.received, back.received]).toEqual([there.sent, back.sent]);
    const wants = off === 0 ? bob : alice;
    // Long before an offer that never comes would have been waited for in vain.
    const said = (): string | undefined => wants.link.status().channels[0]?.lanes.find((one) => one.lane === 'direct')?.reason;
    await until('its status has it from the peer', () => said() === 'the peer says: the direct lane is switched off on this side', 5000);
    await until('the reason is known', () =>
      wants.link.status().channels[0]!.sessions.some(({ directReason }) => directReason?.includes('switched off on this side') === true),
    );
    expect(wants.link.status().channels[0]!.counters.txDirectPackets).toBe(0);
  });

  it('changes its connection in mid-burst, over and over, without a byte lost', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ lanes: ['direct'] });
    const [a, b] = await connected(alice, bob);
    const transfers = Promise.all([transfer(a, b, 60_000_000), transfer(b, a, 60_000_000)]);
    const opened = (): number =>
      [alice, bob].reduce((sum, { events }) => sum + events.filter(({ what }) => what === 'direct open').length, 0);
    for (let i = 0; i < 4; i += 1) {
      const before = opened();
      bob.link.renegotiate();
      await until('both have another connection', () => opened() >= before + 2);
    }
    const [there, back] = await transfers;
    expect(there.received).toBe(there.sent);
    expect(back.received).toBe(back.sent);
  });

  it('gives way to WebRTC when the peer comes back without it', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair(ALL);
    const [a, b] = await connected(alice, bob);
    await until('direct', () => lane(alice) === 'direct');
    a.destroy();
    b.destroy();
    await bob.link.stop();
    const again = await sandbox.start(BOB, bob.port, bob.markerDir, { lanes: ['webrtc', 'relay'] });
    await until('bob is back', () => again.link.status().relay.state === 'up' && again.link.status().channels[0]?.listening === true);
    const [c, d] = await connected(alice, again);
    const result = await transfer(c, d, 3_000_000);
    expect(result.received).toBe(result.sent);
    await until('WebRTC carries', () => lane(alice) === 'webrtc');
  });

  it('is not reached by the signals of somebody who has no part in the session', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair(ALL);
    const [a, b] = await connected(alice, bob);
    await until('it carries', () => lane(alice) === 'direct');
    const mallory = await RelayClient.connect(sandbox.relay, 'mallory@example.com');
    const strangers = sandbox.relay.stats().strangers;
    const party = { token: 'ab'.repeat(16), fingerprint: 'cd'.repeat(32), addresses: ['127.0.0.1:9'] };
    const sids = [alice, bob].flatMap(({ link }) => link.status().channels[0]!.sessions.map(({ sid }) => sid));
    const opened = alice.events.length + bob.events.length;
    for (const sid of sids) {
      mallory.send({ typ: 14, sid, knd: DIRECT_SIGNAL, ...writeDirectSignal({ kind: 'offer', party }) });
      mallory.send({ typ: 14, sid, knd: DIRECT_SIGNAL, ...writeDirectSignal({ kind: 'answer', party, re: 'ab'.repeat(16) }) });
    }
    await until('the relay turned them away', () => sandbox.relay.stats().strangers === strangers + 2 * sids.length);
    const result = await transfer(a, b, 1_000_000);
    expect(result.received).toBe(result.sent);
    expect(
      [alice, bob]
        .flatMap(({ events }) => events)
        .slice(opened)
        .filter(({ what }) => what.startsWith('direct')),
    ).toEqual([]);
    await mallory.close();
  });
});
