// Small frames beside the data channel, with a track that loses, doubles and swaps packets: each frame arrives once, whatever happens; nothing goes that way
// before a quick answer, nor for a while after a loss. With a real stack: test/workers/datagram-lane.test.ts.
import { describe, expect, it } from 'vitest';
import { Datagrams, RTP_TYPE } from '../../native-free/datagrams.js';
import { Random } from '../../native-free/sim/random.js';

interface Packet {
  to: number;
  bytes: Uint8Array;
  atMs: number;
  /** On the data channel, which loses and swaps nothing. */
  channel: boolean;
}

interface Fate {
  /** Of one packet: at which delays, ms, it arrives; none: lost. */
  delays: (from: number, packet: Uint8Array) => number[];
}

/** Two ends and what is between them, on a clock of their own. */
class World {
  nowMs = 1000;
  readonly ends: Datagrams[];
  /** Frames, as text, as they came. */
  readonly came: string[][] = [[], []];
  readonly repairs = [0, 0];
  readonly packets: Uint8Array[][] = [[], []];
  readonly #way: Packet[] = [];
  readonly #wakes = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  /** What an end does with a frame. */
  answer: (end: number, frame: string) => void = () => {};
  fate: Fate['delays'] = () => [0.1];
  channelMs = 0.3;
  takes = true;

  constructor(mtu = 1280) {
    this.ends = [0, 1].map(
      (end) =>
        new Datagrams(end + 1, mtu, {
          packet: (bytes) => {
            if (!this.takes) return false;
            this.packets[end]?.push(bytes.slice());
            for (const delay of this.fate(end, bytes)) this.#push(1 - end, bytes.slice(), delay, false);
            return true;
          },
          repair: (message) => {
            this.repairs[end] = (this.repairs[end] as number) + 1;
            this.#push(1 - end, message, this.channelMs, true);
            return true;
          },
          frame: (frame) => {
            const text = new TextDecoder().decode(frame);
            this.came[end]?.push(text);
            this.answer(end, text);
          },
          wake: (atMs) => {
            this.#wakes[end] = atMs;
          },
        }),
    );
  }

  get near(): Datagrams {
    return this.ends[0] as Datagrams;
  }
  get far(): Datagrams {
    return this.ends[1] as Datagrams;
  }

  begin(): void {
    for (const end of this.ends) end.begin(this.nowMs);
    this.run(10);
  }

  offer(end: number, text: string): boolean {
    return (this.ends[end] as Datagrams).offer(new TextEncoder().encode(text), this.nowMs);
  }

  /** As a lane does it. @returns whether it went beside the data channel */
  send(end: number, text: string): boolean {
    if (this.offer(end, text)) return true;
    this.#overChannel(end, new TextEncoder().encode(text));
    return false;
  }

  /** A control frame: empty, on the data channel, without a number. */
  control(end: number): void {
    this.#push(1 - end, new Uint8Array(0), this.channelMs, true);
    this.ends[end]?.sentOnChannel(false);
  }

  #overChannel(end: number, message: Uint8Array): void {
    this.#push(1 - end, message, this.channelMs, true);
    this.ends[end]?.sentOnChannel(true);
  }

  /** Lets time pass. @returns how often an end was woken */
  run(ms: number, heldUpMs = 0): number {
    const untilMs = this.nowMs + ms;
    let woken = 0;
    for (;;) {
      const [next] = this.#way.sort((a, b) => a.atMs - b.atMs);
      const wakeMs = Math.min(...this.#wakes) + heldUpMs;
      const atMs = Math.min(next?.atMs ?? Number.POSITIVE_INFINITY, wakeMs);
      if (atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (next !== undefined && next.atMs <= wakeMs) {
        this.#way.shift();
        const end = this.ends[next.to] as Datagrams;
        if (!next.channel) end.packet(next.bytes, this.nowMs);
        else if (!end.heardOnChannel(next.bytes, isNumbered(next.bytes)) && next.bytes.length > 0) {
          const text = new TextDecoder().decode(next.bytes);
          this.came[next.to]?.push(text);
          this.answer(next.to, text);
        }
        continue;
      }
      const due = this.#wakes.indexOf(wakeMs - heldUpMs);
      this.#wakes[due] = Number.POSITIVE_INFINITY;
      this.ends[due]?.tick(this.nowMs);
      woken += 1;
    }
    this.nowMs = untilMs;
    return woken;
  }

  #push(to: number, bytes: Uint8Array, delay: number, channel: boolean): void {
    this.#way.push({ to, bytes, atMs: this.nowMs + delay, channel });
  }
}

/** Control frames are empty here; a repair is not known for one by whoever only looks for a number. */
const isNumbered = (message: Uint8Array): boolean => message.length > 0 && !new TextDecoder().decode(message).startsWith('h1dr');

const begun = (): World => {
  const world = new World();
  world.begin();
  return world;
};

interface Words {
  version?: number;
  marked?: boolean;
  heard?: number;
  bits?: number;
  messages?: number;
  frame?: string;
}

/** A packet as no honest peer would send it, or not just then. */
function packet(number: number, { version = 0x80, marked = false, heard = 0, bits = 0, messages = 0, frame = '' }: Words = {}): Uint8Array {
  const bytes = new Uint8Array(16 + frame.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  view.setUint8(1, RTP_TYPE | (marked ? 0x80 : 0));
  view.setUint16(2, number);
  view.setUint16(4, heard);
  view.setUint16(6, bits);
  view.setUint32(12, messages);
  bytes.set(new TextEncoder().encode(frame), 16);
  return bytes;
}

function repair(number: bigint, frame: string): Uint8Array {
  const bytes = new Uint8Array(12 + frame.length);
  bytes.set(new TextEncoder().encode('h1dr'));
  new DataView(bytes.buffer).setBigUint64(4, number);
  bytes.set(new TextEncoder().encode(frame), 12);
  return bytes;
}

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

  it('is not thought of where the thread stood still', () => {
    const world = begun();
    world.fate = (from) => (from === 1 ? [110] : [0.1]);
    world.offer(0, 'slowly');
    // The tick comes 60 ms late, the acknowledgement before it is read after it.
    world.run(165, 60);
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

it('the peer is asked once, however often the way is said to be open', () => {
  const world = new World();
  world.near.begin(world.nowMs);
  world.near.begin(world.nowMs);
  expect(world.packets[0]).toHaveLength(1);
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
