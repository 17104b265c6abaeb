// Lanes of several peer connections between real data planes: so many as both sides take, none where nobody asked, bytes exact, vouched for like the first.

import { afterEach, describe, expect, it } from 'vitest';
import type { HotlinkOptions } from '../../src/index.js';
import type { AddressUse } from '../../src/options.js';
import { dial, type Party, Sandbox, transfer, until } from '../support/sandbox.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

const connections = ({ link }: Party): number[] =>
  link.status().channels.flatMap(({ sessions }) => sessions.map((session) => session.connections ?? 0));

async function pair(options: Partial<HotlinkOptions>, bobOptions = options): Promise<[Party, Party]> {
  sandbox = await Sandbox.open();
  return sandbox.pair({ lanes: ['webrtc'], ...options }, { lanes: ['webrtc'], ...bobOptions });
}

async function exact(alice: Party, bob: Party): Promise<void> {
  const [from, to] = [await dial(alice.port), await dial(bob.port)];
  const [out, home] = [await transfer(from, to, 20_000_000), await transfer(to, from, 5_000_000)];
  expect(out.received).toBe(out.sent);
  expect(home.received).toBe(home.sent);
  from.destroy();
  to.destroy();
}

describe('a lane of several peer connections', () => {
  it('has as many as were asked for, in each session, and carries bytes exactly', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({ stripes: 3 });
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    from.write('hello');
    const every = (count: number): boolean =>
      [alice, bob].every((party) => connections(party).length > 0 && connections(party).every((one) => one === count));
    await until('three connections are up at both ends', () => every(3), 30_000);
    from.destroy();
    to.destroy();
    await exact(alice, bob);
    const { counters } = alice.link.status().channels[0] as NonNullable<ReturnType<typeof alice.link.status>['channels'][0]>;
    expect(counters.framesRefused).toBe(0);
    expect(counters.txP2pPackets).toBeGreaterThan(0);
  });

  it('comes up with certificates vouched for, where identities are required', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({ stripes: 2, identity: 'pin' });
    await exact(alice, bob);
    await until('both connections are up', () => connections(alice).every((one) => one === 2), 30_000);
  });

  it('is never larger than the other side takes', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({ stripes: 4 }, { stripes: 2 });
    await exact(alice, bob);
    await until('two connections are up', () => connections(alice).includes(2), 30_000);
    expect(Math.max(...connections(alice), ...connections(bob))).toBe(2);
  });

  it('has none whose addresses the program refuses', { timeout: 60_000 }, async () => {
    const sides = new Set<string>();
    const first = (): boolean => alice?.link.status().events.some(({ what }) => what === 'webrtc open') === true;
    const addressFilter = ({ side }: AddressUse): boolean => {
      if (first()) sides.add(side);
      return !first();
    };
    let alice: Party | undefined;
    sandbox = await Sandbox.open();
    const parties = await sandbox.pair(
      { lanes: ['webrtc', 'relay'], stripes: 3, addressFilter },
      { lanes: ['webrtc', 'relay'], stripes: 3 },
    );
    [alice] = parties;
    await exact(...parties);
    const widened = ({ link }: Party): boolean => link.status().events.some(({ what }) => what === 'webrtc widened');
    await until('further connections were wanted', () => parties.some(widened));
    await until('it was asked about those', () => sides.size === 2);
    expect(Math.max(...connections(alice))).toBe(1);
  });

  it('is not made with a side that does not stripe', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({ stripes: 4 }, { stripes: 1 });
    await exact(alice, bob);
    expect(Math.max(...connections(alice), ...connections(bob))).toBe(1);
  });

  it('is not made on one machine unless somebody asks for it', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair({});
    await exact(alice, bob);
    expect(Math.max(...connections(alice), ...connections(bob))).toBe(1);
  });
});
