// Small frames beside the data channel: which go there, and which stay on it. With a real stack: test/workers/datagram-lane.test.ts.
import { describe, expect, it } from 'vitest';
import { RTP_TYPE } from '../../native-free/datagrams.js';
import { begun, packet, World } from '../support/datagram-world.js';

describe('frames beside the data channel', () => {
  it('go there once each side has answered the other, and arrive once each', () => {
    const world = new World();
    expect(world.offer(0, 'too early')).toBe(false);
    world.begin();
    expect([world.near.usable, world.far.usable]).toEqual([true, true]);
    world.answer = (end, text) => {
      if (end === 1) expect(world.offer(1, `re ${text}`)).toBe(true);
    };
    for (let i = 0; i < 1000; i += 1) {
      expect(world.offer(0, `${i}`)).toBe(true);
      world.run(1);
    }
    expect(world.came[1]).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`));
    expect(world.came[0]).toEqual(Array.from({ length: 1000 }, (_, i) => `re ${i}`));
    expect(world.repairs).toEqual([0, 0]);
  });

  it('number every packet anew, in RTP, also when the 16 bits are used up', () => {
    const world = begun();
    world.answer = (end, text) => {
      if (end === 1) world.offer(1, text);
    };
    for (let i = 0; i < 70_000; i += 1) {
      expect(world.offer(0, 'x')).toBe(true);
      world.run(0.25);
    }
    expect(world.came[0]?.length).toBe(70_000);
    expect(world.repairs).toEqual([0, 0]);
    const numbers = (world.packets[0] as Uint8Array[]).map((packet) => new DataView(packet.buffer).getUint16(2));
    expect(numbers).toEqual(numbers.map((_, i) => i & 0xffff));
    expect(new Set((world.packets[0] as Uint8Array[]).map(([version, type]) => `${version} ${(type as number) & 0x7f}`))).toEqual(
      new Set([`128 ${RTP_TYPE}`]),
    );
  });

  it('are acknowledged when nothing goes the other way, and the silence after it is complete', () => {
    const world = begun();
    expect(world.offer(0, 'one')).toBe(true);
    world.run(1000);
    expect(world.repairs).toEqual([0, 0]);
    expect(world.run(600_000)).toBe(0);
    const packets = world.packets.map(({ length }) => length);
    world.run(600_000);
    expect(world.packets.map(({ length }) => length)).toEqual(packets);
  });

  it('go over the data channel while four are under way, until all of them are acknowledged', () => {
    const world = begun();
    expect(['a', 'b', 'c', 'd', 'e', 'f'].map((text) => world.offer(0, text))).toEqual([true, true, true, true, false, false]);
    world.run(1);
    expect(world.offer(0, 'g')).toBe(false);
    world.run(50);
    expect(world.offer(0, 'h')).toBe(true);
    world.run(50);
    expect(world.came[1]).toEqual(['a', 'b', 'c', 'd', 'h']);
    expect(world.repairs).toEqual([0, 0]);
  });

  it('are not larger than a packet', () => {
    const size = (mtu: number, bytes: number): boolean => {
      const world = new World(mtu);
      world.begin();
      return world.near.offer(new Uint8Array(bytes), world.nowMs);
    };
    expect([size(1280, 1180), size(1280, 1181), size(4096, 1181), size(600, 520), size(600, 521)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
  });

  it('are kept as they were, whatever becomes of the caller’s bytes', () => {
    const world = begun();
    const frame = new TextEncoder().encode('kept');
    world.fate = () => [];
    world.near.offer(frame, world.nowMs);
    frame.fill(0);
    world.run(200);
    expect(world.came[1]).toEqual(['kept']);
  });
});

describe('a numbered frame on the data channel', () => {
  it('is not overtaken, and rounds come back to the track by themselves', () => {
    const both = begun();
    both.answer = (end, text) => {
      if (end === 1) both.send(1, `re ${text}`);
    };
    for (const end of [0, 1]) {
      both.channelMs = 30;
      for (let i = 0; i < 3; i += 1) expect(both.send(end, 'x'.repeat(2000))).toBe(false);
    }
    expect(both.send(0, 'behind')).toBe(false);
    both.run(100);
    both.channelMs = 0.3;
    const ways = Array.from({ length: 4 }, (_, i) => {
      const beside = both.send(0, `${i}`);
      both.run(10);
      return beside;
    });
    expect(ways.at(-1)).toBe(true);
    expect(both.came[1]?.filter((text) => text.length < 100)).toEqual(['behind', '0', '1', '2', '3']);
  });

  it('that is only sent one way keeps small ones there', () => {
    const world = begun();
    for (let i = 0; i < 100; i += 1) {
      world.send(0, 'y'.repeat(1500));
      expect(world.send(0, `${i}`)).toBe(false);
      world.run(1);
    }
    // A probe and an answer.
    expect(world.packets[0]?.length).toBe(2);
  });

  it('that is only sent one way costs no reports, also where the peer acknowledges it there, and rounds behind it come back to the track', () => {
    const world = begun();
    world.send(0, 'y'.repeat(1500));
    const before = world.packets.map(({ length }) => length);
    for (let i = 0; i < 10_000; i += 1) {
      expect(world.send(0, `${i}`)).toBe(false);
      if (i % 2 === 0) world.control(1);
      world.run(1);
    }
    expect(world.packets.map(({ length }) => length)).toEqual(before);
    world.answer = (end, text) => {
      if (end === 1) world.send(1, text);
    };
    const beside = Array.from({ length: 10 }, () => {
      const way = world.send(0, 'round');
      world.run(1);
      return way;
    });
    expect(beside.slice(5)).not.toContain(false);
    world.answer = () => {};
    // Reports are quick again.
    world.run(20);
    for (let i = 0; i < 3; i += 1) {
      world.send(1, 'y'.repeat(1500));
      world.run(10);
      const reported = world.packets[0]?.length as number;
      world.send(0, 'y'.repeat(1500));
      expect(world.send(0, 'behind it')).toBe(false);
      expect(world.packets[0]?.length).toBe(reported + 1);
    }
  });

  it('that crosses one of the peer each time is told of ever more rarely, and of both sides the later one brings them back to the track', () => {
    const world = begun();
    for (const end of [0, 1]) world.send(end, 'y'.repeat(1500));
    world.run(10);
    const before = world.packets[0]?.length as number;
    // Each sends before it can have been told of the last one.
    for (let i = 0; i < 10_000; i += 1) {
      for (const end of [0, 1]) expect(world.send(end, `${i}`)).toBe(false);
      world.run(0.2);
    }
    const reports = (world.packets[0]?.length as number) - before;
    expect(reports).toBeGreaterThan(35);
    expect(reports).toBeLessThan(60);
    const beside = Array.from({ length: 200 }, () => {
      const early = world.send(0, 'early');
      world.run(0.35);
      const late = world.send(1, 'late');
      world.run(0.4);
      return early && late;
    });
    expect(beside.slice(100)).not.toContain(false);
  });

  it('may be a repair', () => {
    const world = begun();
    world.channelMs = 1000;
    world.fate = () => [];
    world.offer(0, 'lost');
    world.run(110);
    expect(world.repairs[0]).toBe(1);
    world.fate = () => [0.1];
    world.run(150);
    world.offer(0, 'asks');
    world.run(10);
    expect([world.near.usable, world.offer(0, 'behind it')]).toEqual([true, false]);
    world.run(1000);
    expect(world.came[1]).toEqual(['lost']);
    world.offer(1, 'tells');
    world.run(1);
    expect(world.offer(0, 'behind it')).toBe(true);
  });

  it('is reported, also when it is a repair', () => {
    const world = begun();
    world.fate = (from) => (from === 1 ? [] : [0.1]);
    world.offer(1, 'lost');
    world.run(110);
    expect(world.came[0]).toEqual(['lost']);
    const before = world.packets[0]?.length as number;
    world.send(0, 'y'.repeat(1500));
    expect(world.send(0, 'behind it')).toBe(false);
    expect(world.packets[0]?.length).toBe(before + 1);
  });

  it('is where it is, whatever the peer says it has heard, and stays heard when it says less', () => {
    const world = begun();
    world.channelMs = 1000;
    expect(world.send(0, 'y'.repeat(1500))).toBe(false);
    world.near.packet(packet(10, { marked: true, messages: 7 }), world.nowMs);
    expect(world.offer(0, 'too early')).toBe(false);
    world.near.packet(packet(11, { marked: true, messages: 1 }), world.nowMs);
    world.near.packet(packet(12, { marked: true, messages: 0 }), world.nowMs);
    expect(world.offer(0, 'behind it')).toBe(true);
  });
});

it('what is under way when the track goes is repaired, and then all goes over the data channel', () => {
  const world = begun();
  world.fate = () => [];
  world.offer(0, 'a');
  world.offer(0, 'b');
  world.near.end(world.nowMs);
  world.run(10);
  expect(world.came[1]).toEqual(['a', 'b']);
  expect(world.offer(0, 'c')).toBe(false);
  world.run(100_000);
  expect(world.offer(0, 'd')).toBe(false);
});

it('nothing goes out behind the end of the track', () => {
  const world = begun();
  world.offer(1, 'to be acknowledged');
  world.run(1);
  world.near.end(world.nowMs);
  const before = world.packets[0]?.length;
  world.run(1000);
  expect(world.offer(0, 'x')).toBe(false);
  expect(world.packets[0]?.length).toBe(before);
});

it('an acknowledgement that the track refuses goes out a little later, or never', () => {
  const world = begun();
  for (let i = 0; i < 5; i += 1) {
    world.offer(1, 'heard');
    world.run(10);
    world.takes = false;
    world.run(20);
    world.takes = true;
    world.run(500);
  }
  expect([world.repairs[1], world.far.usable]).toEqual([0, true]);
  world.offer(1, 'heard, too');
  world.run(1);
  world.takes = false;
  expect(world.run(10_000)).toBeLessThan(15);
  expect(world.came[0]).toEqual([...Array<string>(5).fill('heard'), 'heard, too']);
});

it('a track that takes nothing is not tried again at once, and what was lost before is repaired', () => {
  const world = begun();
  world.fate = () => [];
  expect(world.offer(0, 'lost')).toBe(true);
  world.takes = false;
  for (let i = 0; i < 1000; i += 1) expect(world.offer(0, 'x')).toBe(false);
  world.takes = true;
  world.fate = () => [0.1];
  for (let i = 0; i < 300; i += 1) {
    world.offer(0, 'x');
    world.run(1);
  }
  expect(world.came[1]?.[0]).toBe('lost');
  expect(world.repairs[0]).toBe(1);
  expect(world.packets[0]?.length).toBeLessThan(300);
});

it('a retired path takes no frame and still passes on what comes', () => {
  const world = begun();
  expect(world.offer(0, 'under way')).toBe(true);
  world.near.retire();
  expect(world.offer(0, 'x')).toBe(false);
  expect(world.offer(1, 'y')).toBe(true);
  world.run(500);
  expect(world.came).toEqual([['y'], ['under way']]);
  expect(world.repairs).toEqual([0, 0]);
});

it('the peer is asked once, however often the way is said to be open', () => {
  const world = new World();
  world.near.begin(world.nowMs);
  world.near.begin(world.nowMs);
  expect(world.packets[0]).toHaveLength(1);
});
