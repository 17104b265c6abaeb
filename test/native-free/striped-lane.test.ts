// A lane of several members: nothing is lost, repeated to the application or put out of order, whichever member is slow, stands still or dies; what is merely
// late is not sent again; and a lane of one member is that member.

import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { carry, type TwinLane, twinLanes } from '../../native-free/lane-twin.js';
import { Random } from '../../native-free/sim/index.js';
import { StripedLane, type StripedLaneEvents } from '../../native-free/stripes/index.js';
import { type MemberShape, StripedWorld } from './striped-world.js';

const FAST: MemberShape = { delayMs: 20, bytesPerMs: 1000 };
const SLOW: MemberShape = { delayMs: 30, bytesPerMs: 100 };

function silent(events: Partial<StripedLaneEvents> = {}): StripedLaneEvents {
  const nothing = (): void => {};
  return {
    frame: nothing,
    writable: nothing,
    closed: nothing,
    lost: nothing,
    resized: nothing,
    stuck: nothing,
    tooWide: nothing,
    review: () => false,
    wake: nothing,
    ...events,
  };
}

describe('a striped lane with one member', () => {
  it('passes everything on as it is, and says nothing of its own', () => {
    const world = new StripedWorld(FAST);
    const content = world.send(300_000);
    world.pass(5000);
    expect(Buffer.compare(world.received, content)).toBe(0);
    const plain = new StripedWorld(FAST);
    plain.send(300_000);
    plain.pass(5000);
    expect(world.messages).toBe(plain.messages);
    expect(world.ends[0].count('framesRefused') + world.ends[1].count('framesRefused')).toBe(0);
    // The largest frames between own peers, as over any lane of theirs.
    expect(world.ends[0].count('txPackets')).toBeLessThan(300_000 / 10_000 + 2);
  });

  it('is gone when the member is gone', () => {
    const [a] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const said: string[] = [];
    const lane = new StripedLane(a, () => 0, silent({ closed: (_lane, reason) => said.push(reason) }));
    lane.remove(a, 'the path died');
    expect(said).toEqual(['the path died']);
    expect(lane.trySend(encodeFrame('a', 'b', 1, new Uint8Array(1)))).toBe('closed');
  });
});

describe('a striped lane with several members', () => {
  it('adds up what they carry', () => {
    const took = (members: number): number => {
      const world = new StripedWorld(SLOW, 2_000_000);
      world.begin();
      for (let i = 1; i < members; i += 1) world.add(SLOW);
      const content = world.send(1_000_000);
      while (world.ends[1].deliveredBytes < content.length && world.clock.nowMs < 60_000) world.pass(50);
      expect(Buffer.compare(world.received, content)).toBe(0);
      return world.clock.nowMs;
    };
    expect(took(4)).toBeLessThan(took(1) / 2.5);
  });

  it('does not send again what is merely late on one of them', () => {
    const world = new StripedWorld(FAST, 2_000_000);
    world.begin();
    world.add({ delayMs: 400, bytesPerMs: 50 });
    const content = world.send(2_000_000);
    world.pass(10_000);
    expect(Buffer.compare(world.received, content)).toBe(0);
    // Holes older than those that are reported were there; what went twice went while there was nothing else to send.
    expect(world.ends[1].count('holeReports')).toBeGreaterThan(0);
    expect(world.ends[0].count('retransmits')).toBeLessThan(world.ends[0].count('txPackets') / 4);
  });

  it('goes on without one that dies, and only its frames are sent again', () => {
    const world = new StripedWorld(FAST, 2_000_000);
    world.begin();
    world.add(FAST);
    world.add(FAST);
    const content = world.send(3_000_000);
    world.pass(300);
    const before = world.ends[0].count('retransmits');
    world.kill(1, [5, 30]);
    world.pass(20_000);
    expect(Buffer.compare(world.received, content)).toBe(0);
    expect(world.laneClosed).toBe(false);
    expect(world.ends[0].count('retransmits') - before).toBeGreaterThan(0);
    expect(world.ends[0].count('retransmits') - before).toBeLessThan(world.ends[0].count('txPackets') / 4);
  });

  it('goes on when the first member dies with what it was given before there were others', () => {
    const world = new StripedWorld({ delayMs: 50, bytesPerMs: 20 }, 500_000);
    const content = world.send(400_000);
    world.pass(100);
    world.begin();
    world.add(FAST);
    world.pass(200);
    world.kill(0, [0, 0]);
    world.pass(20_000);
    expect(Buffer.compare(world.received, content)).toBe(0);
  });

  // Whose turn it is for what is small depends on how many small messages there were.
  it.each([0, 1, 2, 3])('gives up a member that stands still in silence, and does not wait for it meanwhile (after %i pings)', (pings) => {
    const world = new StripedWorld(FAST, 2_000_000);
    world.begin();
    world.add(FAST);
    const content = world.send(1_000_000);
    for (let i = 1; i <= pings; i += 1) world.ends[0].core.ping(i, world.clock.nowMs);
    world.pass(100);
    world.stall(1, 1_000_000);
    world.pass(1500);
    expect(Buffer.compare(world.received, content)).toBe(0);
    world.pass(12_000);
    expect(world.ends[0].lane?.members).toBe(1);
    expect(world.ends[0].said.filter((line) => line.startsWith('failed'))).toEqual([]);
  });

  it('counts what members bring while one of them is late and the application gets nothing', () => {
    const world = new StripedWorld(FAST, 2_000_000);
    world.begin();
    world.add(FAST);
    const content = world.send(3_000_000);
    world.pass(300);
    world.stall(1, 200);
    world.pass(30);
    const [sender, receiver] = world.ends;
    const [got, brought] = [receiver.deliveredBytes, sender.lane?.deliveredBytes ?? 0];
    world.pass(60);
    expect(receiver.deliveredBytes).toBe(got);
    expect((sender.lane?.deliveredBytes ?? 0) - brought).toBeGreaterThan(20_000);
    world.pass(10_000);
    expect(Buffer.compare(world.received, content)).toBe(0);
    expect(sender.lane?.deliveredBytes).toBeGreaterThanOrEqual(content.length);
  });

  it('cuts frames smaller where many members or a slow path would take long for each', () => {
    const world = new StripedWorld(FAST, 2_000_000);
    const largest = (): number | undefined => world.ends[0].lane?.maxFrameBytes;
    expect(largest()).toBe(262_144);
    world.begin();
    expect(largest()).toBe(61_440);
    for (let i = 0; i < 7; i += 1) world.add(FAST);
    expect(largest()).toBe(24_576);
  });

  it('cuts frames smaller once a path shows that it is slow, and larger again when it is no longer', () => {
    const world = new StripedWorld(FAST, 2_000_000);
    world.begin();
    const messagesFor = (bytes: number): number => {
      const before = world.ends[0].count('txPackets');
      world.send(bytes);
      world.pass(5000);
      return world.ends[0].count('txPackets') - before;
    };
    messagesFor(2_000_000);
    expect(messagesFor(1_000_000)).toBeGreaterThan(1_000_000 / 24_576);
    world.add({ delayMs: 20, bytesPerMs: 20_000 });
    messagesFor(8_000_000);
    expect(world.ends[0].lane?.maxFrameBytes).toBe(61_440);
    expect(messagesFor(1_000_000)).toBeLessThan(1_000_000 / 24_576);
  });

  it('is silent when nothing is to be sent', () => {
    const world = new StripedWorld(FAST);
    world.begin();
    world.add(FAST);
    const content = world.send(100_000);
    world.pass(5000);
    expect(Buffer.compare(world.received, content)).toBe(0);
    world.answer();
    world.pass(5000);
    const { messages } = world;
    world.pass(100_000);
    expect(world.messages).toBe(messages);
  });
});

describe('a member whose path has to carry a packet first', () => {
  const PROBE = { probeBytes: 1500 };
  const NARROW = { ...PROBE, stopsBytes: 1400 };

  it('gets its part once it did, and the channels hear nothing of it', () => {
    const world = new StripedWorld(SLOW, 2_000_000);
    world.begin();
    for (let i = 1; i < 4; i += 1) world.add({ ...SLOW, ...PROBE });
    expect(world.ends[0].lane?.proven).toBe(1);
    const content = world.send(1_000_000);
    while (world.ends[1].deliveredBytes < content.length && world.clock.nowMs < 60_000) world.pass(50);
    expect(Buffer.compare(world.received, content)).toBe(0);
    expect(world.ends[0].lane?.proven).toBe(4);
    // One alone takes 10 s.
    expect(world.clock.nowMs).toBeLessThan(4500);
    for (const end of world.ends) {
      expect(end.count('framesRefused')).toBe(0);
      expect(end.said.filter((line) => line.startsWith('too') || line.startsWith('refused'))).toEqual([]);
    }
  });

  it.each([
    [1, 3000],
    [3, 1000],
  ])('is given up when it does not, of %i such after %i ms, and was entrusted with nothing', (members, givenUpMs) => {
    const world = new StripedWorld(SLOW, 2_000_000);
    world.begin();
    world.pass(500);
    const from = world.clock.nowMs;
    for (let i = 0; i < members; i += 1) world.add({ ...FAST, ...NARROW });
    const content = world.send(2_000_000);
    const [a] = world.ends;
    const gone = (): number => a.said.filter((line) => line === 'too wide').length;
    world.pass(givenUpMs - 60);
    expect(gone()).toBe(0);
    world.pass(200);
    expect(gone()).toBe(members);
    expect(a.lane?.lanes).toHaveLength(1);
    while (world.ends[1].deliveredBytes < content.length && world.clock.nowMs - from < 60_000) world.pass(50);
    expect(Buffer.compare(world.received, content)).toBe(0);
    expect(a.count('retransmits')).toBe(0);
  });

  it('is not given what is urgent either', () => {
    const [first] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const [second] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const lane = new StripedLane(first, () => 0, silent());
    lane.add(second, 1, 1500);
    const before = first.waiting;
    for (let n = 1; n <= 10; n += 1) expect(lane.trySend(encodeFrame('a', 'b', n, new Uint8Array(1000)), true)).toBe('taken');
    expect([first.waiting - before, second.waiting]).toEqual([10, 1]);
  });

  it('does not take over from the last one that was in use: the lane is gone with that', () => {
    const world = new StripedWorld(SLOW, 2_000_000);
    world.begin();
    world.pass(500);
    for (let i = 0; i < 2; i += 1) world.add({ ...FAST, ...NARROW });
    world.send(500_000);
    world.pass(100);
    expect(world.laneClosed).toBe(false);
    world.kill(0, [1, 1]);
    world.pass(50);
    expect(world.laneClosed).toBe(true);
  });

  it('of which one has shown it is not given up for what is lost on others', () => {
    const world = new StripedWorld(SLOW, 2_000_000);
    world.begin();
    world.add({ ...SLOW, ...PROBE });
    world.pass(500);
    for (let i = 0; i < 3; i += 1) world.add({ ...FAST, ...NARROW });
    world.send(2_000_000);
    world.pass(2500);
    expect(world.ends[0].said).not.toContain('too wide');
    world.pass(700);
    expect(world.ends[0].said.filter((line) => line === 'too wide')).toHaveLength(3);
    expect(world.ends[0].lane?.lanes).toHaveLength(2);
  });
});

describe('a lane of which one end knows before the other that it is striped', () => {
  function ends(): { a: StripedLane; b: StripedLane; there: () => number; back: () => number } {
    const [ta, tb] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const a = new StripedLane(ta, () => 0, silent());
    const b = new StripedLane(tb, () => 0, silent());
    const listen = (twin: TwinLane, lane: StripedLane): void =>
      twin.listen({
        frame: (from, message, lasting) => lane.received(from, message, lasting),
        writable: (from) => lane.writable(from),
        closed: () => {},
      });
    listen(ta, a);
    listen(tb, b);
    const frame = (seq: number): Uint8Array => encodeFrame('a', 'b', seq, new Uint8Array(5000));
    for (let seq = 1; seq <= 3; seq += 1) a.trySend(frame(seq));
    expect(carry(ta, tb)).toBe(3);
    return { a, b, there: () => carry(ta, tb), back: () => carry(tb, ta) };
  }
  const next = encodeFrame('a', 'b', 4, new Uint8Array(5000));

  it('takes a receipt for what it sent before it knew', () => {
    const { a, b, back } = ends();
    b.begin();
    expect(back()).toBe(1);
    expect(a.carries(3)).toBe(false);
    expect(a.trySend(next)).toBe('taken');
  });

  it('is told at once what had arrived before the other end knew, and goes on', () => {
    const { a, there, back } = ends();
    a.begin();
    expect(a.trySend(next)).toBe('full');
    expect(there()).toBe(1);
    back();
    expect(a.trySend(next)).toBe('taken');
  });
});

describe('a member that ends while it is given something', () => {
  it('leaves the others full, not closed, and their room is reported', () => {
    let writable = 0;
    const [other] = twinLanes({ kind: 'webrtc', sid: 's1', highBytes: 1 });
    const [ending] = twinLanes({ kind: 'webrtc', sid: 's1' });
    const lane = new StripedLane(other, () => 0, silent({ writable: () => writable++ }));
    other.listen({ frame: () => {}, closed: () => {}, writable: (from) => lane.writable(from) });
    lane.begin();
    // A receipt is in the way: the first member is full.
    expect(other.waiting).toBe(1);
    ending.trySend = () => {
      lane.remove(ending, 'it took nothing for too long');
      return 'closed';
    };
    lane.add(ending, 2);
    expect(lane.trySend(encodeFrame('a', 'b', 1, new Uint8Array(1)))).toBe('full');
    const before = writable;
    other.transmit();
    expect(writable).toBe(before + 1);
  });
});

describe('a striped lane whose members come, stall and die at random', () => {
  const SEEDS = 400;
  it(`delivers every byte once and in order in ${SEEDS} runs`, { timeout: 60_000 }, () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const random = new Random(seed);
      const shape = (): MemberShape => ({ delayMs: random.pick([1, 20, 150]), bytesPerMs: random.pick([20, 200, 2000]) });
      const world = new StripedWorld(shape(), random.pick([262_144, 1_000_000]));
      const beginMs = random.between(0, 300);
      // What each end tells the other goes through the relay, in its time.
      world.clock.after(beginMs, () => world.begin(0));
      world.clock.after(random.between(0, 500), () => world.begin(1));
      const count = random.between(1, 6);
      for (let i = 0; i < count; i += 1) world.clock.after(beginMs + random.between(1, 800), () => world.add(shape()));
      for (let i = random.between(0, 3); i > 0; i -= 1) {
        const notice: [number, number] = [random.between(0, 400), random.between(0, 400)];
        world.clock.after(beginMs + random.between(100, 2000), () => {
          if (world.members > 1) world.kill(random.between(0, world.members - 1), notice);
        });
        world.clock.after(random.between(0, 2000), () => world.stall(random.between(0, world.members), random.between(0, 3000)));
      }
      const content = world.send(random.pick([0, 5000, 60_000, 400_000]), random.pick([100, 10_000, 60_000]));
      world.pass(120_000);
      const [a, b] = world.ends;
      const failures = [...a.said, ...b.said].filter((line) => /^(failed|reset|refused)/.test(line));
      if (failures.length > 0) throw new Error(`seed ${seed}: ${failures.join('; ')}`);
      if (Buffer.compare(world.received, content) !== 0)
        throw new Error(`seed ${seed}: ${world.received.length} of ${content.length} bytes, or others`);
      expect(b.said.filter((line) => line === 'ended')).toHaveLength(1);
      expect(b.core.in.heldFrames + a.core.out.inFlightFrames).toBe(0);
      expect(b.core.in.heldBytes).toBeLessThanOrEqual(DEFAULT_LIMITS.reorderBytes);
    }
  });
});
