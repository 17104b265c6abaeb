// Peers that do not answer, answer slowly or say what is not so: nothing goes beside the data channel without a quick answer, and nobody is harmed.
import { describe, expect, it } from 'vitest';
import { RTP_TYPE } from '../../native-free/datagrams.js';
import { Random } from '../../native-free/sim/random.js';
import { begun, packet, World } from '../support/datagram-world.js';

describe('a peer', () => {
  it('that never answers gets no frame, and ever fewer questions', () => {
    const world = new World();
    world.fate = (from) => (from === 1 ? [] : [0.1]);
    world.begin();
    for (let i = 0; i < 30_000; i += 1) {
      expect(world.offer(0, 'x')).toBe(false);
      world.run(20);
    }
    // Ten minutes.
    expect(world.packets[0]?.length).toBeLessThan(25);
  });

  it('that answered slowly for long is asked again within two seconds', () => {
    const world = new World();
    world.fate = () => [4];
    world.begin();
    for (let i = 0; i < 3000; i += 1) {
      world.offer(0, 'x');
      world.run(20);
    }
    expect(world.near.usable).toBe(false);
    world.fate = () => [0.1];
    for (let i = 0; i < 110; i += 1) {
      world.offer(0, 'x');
      world.run(20);
    }
    expect(world.near.usable).toBe(true);
  });

  it('that has heard nothing for long gets no frame', () => {
    const world = begun();
    world.fate = () => [];
    for (let i = 0; i < 60; i += 1) world.near.packet(packet(10 + i), world.nowMs);
    expect(world.near.usable).toBe(true);
    for (let i = 60; i < 70; i += 1) world.near.packet(packet(10 + i), world.nowMs);
    expect([world.near.usable, world.offer(0, 'x')]).toEqual([false, false]);
    expect(world.packets[0]?.length).toBeGreaterThan(70);
  });

  it('is answered once for each question', () => {
    const world = begun();
    const before = world.packets[0]?.length as number;
    for (let i = 0; i < 100; i += 1) world.near.packet(packet(10), world.nowMs);
    expect(world.packets[0]?.length).toBe(before + 1);
  });

  it('that speaks another version is not heard', () => {
    const world = begun();
    world.near.packet(packet(10, { version: 0x90, marked: true, frame: 'padded' }), world.nowMs);
    world.near.packet(packet(11, { version: 0x00, marked: true, frame: 'old' }), world.nowMs);
    world.near.packet(packet(12, { marked: true, frame: 'this one' }), world.nowMs);
    expect(world.came[0]).toEqual(['this one']);
  });

  it('that is far gets no frame', () => {
    const world = new World();
    world.fate = () => [4];
    world.begin();
    for (let i = 0; i < 1000; i += 1) {
      expect(world.offer(0, 'x')).toBe(false);
      world.run(20);
    }
  });

  it('cannot do harm with packets and messages that make no sense, or speak of what was never sent', () => {
    const random = new Random(1);
    const extreme = (): number => random.pick([0, 1, 0x1f, 0x20, 0x7f, 0x80, 0xff]);
    const world = begun();
    world.answer = () => {};
    for (let i = 0; i < 20_000; i += 1) {
      const packet = Uint8Array.from({ length: random.between(0, 39) }, () => (random.chance(0.5) ? extreme() : random.between(0, 255)));
      if (random.chance(0.7)) packet.set([0x80, RTP_TYPE | (random.between(0, 1) << 7)].slice(0, packet.length));
      world.near.packet(packet, world.nowMs);
      const message = Uint8Array.from({ length: random.between(0, 39) }, () => (random.chance(0.7) ? extreme() : random.between(0, 255)));
      if (random.chance(0.7)) message.set([0x68, 0x31, 0x64, 0x72].slice(0, message.length));
      world.near.heardOnChannel(message, random.chance(0.5));
      if (random.chance(0.1)) world.offer(0, `${i}`);
    }
    world.run(1000);
    world.send(0, 'still there');
    world.run(500);
    expect(world.came[1]).toContain('still there');
  });

  it('that stood still with the acknowledgement is not taken for a loss for long', () => {
    const world = begun();
    world.fate = (from) => (from === 1 ? [150] : [0.1]);
    world.offer(0, 'a');
    world.run(300);
    expect([world.repairs[0], world.came[1]]).toEqual([1, ['a']]);
    world.fate = () => [0.1];
    for (let i = 0; i < 20; i += 1) {
      world.fate = (from) => (from === 1 ? [150] : [0.1]);
      world.send(0, `slow ${i}`);
      world.run(300);
      world.fate = () => [0.1];
      world.send(0, `asks ${i}`);
      world.run(150);
      world.send(0, `asks again ${i}`);
      world.run(50);
      world.answer = (end, text) => {
        if (end === 1) world.send(1, text);
      };
      world.send(0, 'told');
      world.run(10);
      world.answer = () => {};
      // Never a minute.
      expect(world.near.usable).toBe(true);
    }
  });
});
