// A track that loses, doubles and swaps packets: each frame arrives once, whatever happens, and nothing goes that way for a while after a loss.
import { describe, expect, it } from 'vitest';
import { Random } from '../../native-free/sim/random.js';
import { begun, packet, repair, World } from '../support/datagram-world.js';

describe('a packet that gets lost', () => {
  it('is repaired within a fifth of a second, and nothing goes that way for a while', () => {
    const world = begun();
    world.fate = () => [];
    expect(world.offer(0, 'lost')).toBe(true);
    world.run(110);
    expect(world.came[1]).toEqual(['lost']);
    expect([world.repairs[0], world.near.usable]).toEqual([1, false]);
    expect(world.offer(0, 'next')).toBe(false);
    world.fate = () => [0.1];
    world.run(1000);
    // The first one asks whether it gets through again.
    expect(world.offer(0, 'ask')).toBe(false);
    world.run(10);
    expect(world.offer(0, 'through')).toBe(true);
    world.run(10);
    expect(world.came[1]).toEqual(['lost', 'through']);
  });

  it('is repaired at once when later ones are heard', () => {
    const world = begun();
    let count = 0;
    world.fate = (from) => (from === 0 && ++count === 1 ? [] : [0.1]);
    for (const text of ['1', '2', '3']) world.offer(0, text);
    world.run(0.2);
    world.offer(1, 'heard 3');
    world.run(0.2);
    world.offer(0, '4');
    world.run(0.2);
    expect(world.repairs[0]).toBe(0);
    // Two later ones may have overtaken it; four have not.
    world.offer(0, '5');
    world.run(0.2);
    world.offer(1, 'heard 5');
    world.run(0.5);
    expect(world.repairs[0]).toBe(1);
    expect(world.came[1]?.toSorted()).toEqual(['1', '2', '3', '4', '5']);
  });

  it('comes once, when only its acknowledgement got lost, or when it was only late', () => {
    const deaf = begun();
    deaf.fate = (from) => (from === 1 ? [] : [0.1]);
    deaf.offer(0, 'heard');
    deaf.run(500);
    expect([deaf.repairs[0], deaf.came[1]]).toEqual([1, ['heard']]);
    const late = begun();
    late.fate = (from) => (from === 0 ? [150] : [0.1]);
    late.offer(0, 'late');
    late.run(500);
    expect([late.repairs[0], late.came[1]]).toEqual([1, ['late']]);
  });

  it('is repaired, too, where the thread is always late', () => {
    for (const lateMs of [0, 40, 60, 300]) {
      const world = begun();
      world.fate = () => [];
      world.offer(0, 'lost');
      world.run(1000, lateMs);
      expect([lateMs, world.came[1]]).toEqual([lateMs, ['lost']]);
      world.run(60_000, lateMs);
      expect([world.repairs[0], world.came[1]]).toEqual([1, ['lost']]);
    }
  });

  it('is none when a later one overtook it', () => {
    const world = begun();
    let count = 0;
    world.fate = (from) => (from === 0 && ++count === 1 ? [5] : [0.1]);
    world.offer(0, 'late');
    world.offer(0, 'early');
    world.run(1000);
    expect([world.repairs[0], world.came[1]]).toEqual([0, ['early', 'late']]);
  });

  it('is none because a peer says it heard what was never sent', () => {
    const world = begun();
    world.fate = () => [5];
    world.offer(0, 'under way');
    world.near.packet(packet(10, { marked: true, heard: 40 }), world.nowMs);
    expect(world.repairs[0]).toBe(0);
  });

  it('is repaired within 120 ms, and one that came acknowledged within 30, at whatever moment between two looks', () => {
    for (let intoMs = 0.1; intoMs < 40; intoMs += 0.7) {
      const heard = begun();
      heard.offer(0, 'before');
      heard.run(intoMs);
      heard.offer(0, 'heard');
      const said = heard.packets[1]?.length;
      heard.run(30.2);
      expect([intoMs, heard.packets[1]?.length === said]).toEqual([intoMs, false]);
      const lost = begun();
      lost.offer(0, 'before');
      lost.run(intoMs);
      lost.fate = () => [];
      lost.offer(0, 'lost');
      lost.run(120.5);
      expect([intoMs, lost.came[1]]).toEqual([intoMs, ['before', 'lost']]);
    }
  });

  it('is not thought of where the thread stood still', () => {
    const world = begun();
    world.fate = (from) => (from === 1 ? [145] : [0.1]);
    world.offer(0, 'slowly');
    world.run(90);
    // The look at 100 ms comes 60 ms late; what has arrived meanwhile is read after it.
    world.run(72, 60);
    expect([world.repairs[0], world.near.usable]).toEqual([0, true]);
    world.run(1000);
    expect([world.repairs[0], world.near.usable]).toEqual([0, true]);
  });

  it('costs more time with each loss, a minute at most, and is forgotten after a good while', () => {
    const world = begun();
    const gaps: number[] = [];
    for (let i = 0; i < 14; i += 1) {
      while (!world.near.usable) {
        world.offer(0, 'ask');
        world.run(20);
      }
      world.fate = () => [];
      world.offer(0, 'lost');
      world.run(120);
      world.fate = () => [0.1];
      const sinceMs = world.nowMs;
      while (!world.near.usable) {
        world.offer(0, 'ask');
        world.run(20);
      }
      gaps.push(world.nowMs - sinceMs);
    }
    expect(gaps[0]).toBeLessThan(500);
    expect(gaps.at(-1)).toBeGreaterThan(59_000);
    expect(gaps.at(-1)).toBeLessThan(61_000);
    world.run(20_000);
    world.fate = () => [];
    world.offer(0, 'lost');
    world.run(120);
    world.fate = () => [0.1];
    world.run(200);
    world.offer(0, 'ask');
    world.run(10);
    expect(world.near.usable).toBe(true);
  });
});

it('a repair comes once, whether its packet comes before or after it, or never', () => {
  const packetsOf = (world: World): Uint8Array[] => world.packets[0] as Uint8Array[];
  for (const order of ['before', 'after', 'never']) {
    const world = begun();
    world.fate = () => [];
    world.offer(0, 'once');
    const packet = packetsOf(world).at(-1) as Uint8Array;
    if (order === 'before') world.far.packet(packet.slice(), world.nowMs);
    world.run(200);
    if (order === 'after') world.far.packet(packet.slice(), world.nowMs);
    world.fate = () => [0.1];
    world.run(1000);
    expect([order, world.came[1]]).toEqual([order, ['once']]);
  }
});

it('a repair is passed on however far ahead it is, once; so many are remembered, and no more', () => {
  const world = begun();
  const heard = (number: bigint): string[] => {
    world.came[0] = [];
    expect(world.near.heardOnChannel(repair(number, `${number}`), false)).toBe(true);
    return world.came[0];
  };
  expect([heard(5000n), heard(5000n), heard(2n ** 53n - 1n), heard(2n ** 53n)]).toEqual([['5000'], [], ['9007199254740991'], []]);
  for (let i = 0n; i < 300n; i += 1n) expect(heard(6000n + i)).toHaveLength(1);
  expect([heard(6299n), heard(5000n)]).toEqual([[], ['5000']]);
});

it('a repair is passed on once, also when its packet comes behind many that got lost', () => {
  const world = begun();
  world.near.heardOnChannel(repair(990n, 'once'), false);
  world.near.packet(packet(1000), world.nowMs);
  world.near.packet(packet(990, { frame: 'once' }), world.nowMs);
  expect(world.came[0]).toEqual(['once']);
});

it.each(Array.from({ length: 40 }, (_, seed) => seed))('each frame once, with losses, repeats and swaps (seed %i)', (seed) => {
  const random = new Random(seed);
  const world = new World();
  const loss = 1 / random.between(2, 60);
  world.fate = () => {
    if (random.chance(loss)) return [];
    const delay = random.chance(0.1) ? random.between(0, random.chance(0.2) ? 300 : 3) : 0.1;
    return random.chance(0.05) ? [delay, delay + random.between(0, 5)] : [delay];
  };
  world.channelMs = random.chance(0.5) ? 0.3 : 2000;
  world.begin();
  const sent: string[][] = [[], []];
  for (let i = 0; i < 5000; i += 1) {
    const from = random.between(0, 1);
    const text = `${from} ${i}`;
    world.send(from, text);
    sent[1 - from]?.push(text);
    world.run(random.chance(0.25) ? random.between(0, 400) : random.between(0, 2));
  }
  world.run(10_000);
  for (const end of [0, 1]) expect(world.came[end]?.toSorted()).toEqual(sent[end]?.toSorted());
});
