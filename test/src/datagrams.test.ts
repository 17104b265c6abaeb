// Small rounds of an application over a WebRTC lane, whole: the counters say which way they went, and the option decides it.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { HotlinkOptions } from '../../src/index.js';
import { dial, type Party, Sandbox, until } from '../support/sandbox.js';

const LEAST = 300;
const MOST_MS = 60_000;
const LANES: Partial<HotlinkOptions> = { lanes: ['webrtc'], p2pOnly: true };

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

interface Pair {
  parties: [Party, Party];
  ends: [Socket, Socket];
}

async function pair(here: Partial<HotlinkOptions>, there = here): Promise<Pair> {
  sandbox = await Sandbox.open();
  const parties = await sandbox.pair({ ...LANES, ...here }, { ...LANES, ...there });
  const ends = await Promise.all([dial(parties[0].port), dial(parties[1].port)]);
  ends[1].pipe(ends[1]);
  return { parties, ends };
}

const sent = ({ link }: Party): number => link.status().channels[0]?.counters.txDatagrams ?? 0;

/** Rounds until there were enough, or for a minute: a busy machine may take some to answer a probe in time. @returns how many */
async function rounds([near]: [Socket, Socket], enough: () => boolean): Promise<number> {
  const began = performance.now();
  for (let round = 1; ; round += 1) {
    const message = Buffer.alloc(64, round);
    near.write(message);
    const [answer] = (await once(near, 'data')) as [Buffer];
    expect(answer.equals(message)).toBe(true);
    if (round >= LEAST && (enough() || performance.now() - began > MOST_MS)) return round;
  }
}

it('small rounds go beside the data channel', { timeout: 90_000 }, async () => {
  const { parties, ends } = await pair({});
  const count = await rounds(ends, () => parties.every((party) => sent(party) > 100));
  for (const party of parties) expect(sent(party)).toBeGreaterThan(100);
  // Counted behind the sending: the last answer may be here before.
  const packets = ({ link }: Party): number => link.status().channels[0]?.counters.txP2pPackets ?? 0;
  await until('both counted every round', () => parties.every((party) => packets(party) >= count));
  for (const end of ends) end.destroy();
});

it.each([
  ['here', 'off', 'auto'],
  ['there', 'auto', 'off'],
] as const)('they go over it where that is switched off %s', async (_where, here, there) => {
  const { parties, ends } = await pair({ datagrams: here }, { datagrams: there });
  await rounds(ends, () => true);
  expect(parties.map(sent)).toEqual([0, 0]);
  for (const end of ends) end.destroy();
});

it('they go over it in a lane of two connections', { timeout: 90_000 }, async () => {
  const { parties, ends } = await pair({ stripes: 2 });
  const two = ({ link }: Party): boolean => link.status().channels[0]?.sessions.some(({ connections }) => connections === 2) === true;
  await rounds(ends, () => parties.every(two));
  expect(parties.map(two)).toEqual([true, true]);
  const before = parties.map(sent);
  await rounds(ends, () => true);
  expect(parties.map(sent)).toEqual(before);
  for (const end of ends) end.destroy();
});
