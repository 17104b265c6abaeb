// Streams of an own peer: credit, fairness, ends, resets, and that nothing of them is left behind.

import { describe, expect, it, vi } from 'vitest';
import { Framer } from '../../native-free/channel/framer.js';
import { OWN_FRAME_BYTES } from '../../native-free/channel/index.js';
import { OwnKind } from '../../native-free/channel/own-wire.js';
import { counting, Pair } from './channel-pair.js';

const NOTHING = new Uint8Array(1);

describe('credit', () => {
  it('stops the writer of a stream whose reader stalls, and not its neighbours', () => {
    const pair = new Pair({ creditFloorBytes: 8192, creditBytes: 8192 }).session();
    pair.lane('webrtc');
    pair.b.reading = false;
    const stalled = pair.open(1);
    pair.send(stalled, 50_000);
    pair.settle();
    expect(pair.b.bytes(1)).toBeLessThanOrEqual(8192);
    expect(pair.b.bytes(1)).toBeGreaterThan(8192 / 2);
    const lively = pair.open(2);
    for (let i = 0; i < 20; i += 1) {
      pair.send(lively, 5000);
      pair.pass(20);
      pair.b.core.consumed(2, 5000, pair.nowMs);
    }
    expect(pair.b.bytes(2)).toBe(100_000);
    expect(pair.b.bytes(1)).toBeLessThanOrEqual(8192);
  });

  it('is told of when a good part was taken, later where the lane takes nothing just then; whoever reports that hears whether to look at the clock', () => {
    const pair = new Pair({ creditFloorBytes: 8192, creditBytes: 8192 }).session();
    const wire = pair.lane('webrtc');
    pair.b.reading = false;
    pair.send(pair.open(1), 6000);
    pair.pass(1000);
    const dueMs = pair.b.core.timeoutMs();
    expect([pair.b.core.consumed(1, 100, pair.nowMs), pair.b.core.timeoutMs()]).toEqual([false, dueMs]);
    const full = vi.spyOn(wire.b, 'trySend').mockReturnValue('full');
    expect(pair.b.core.consumed(1, 5000, pair.nowMs)).toBe(true);
    const againMs = pair.b.core.timeoutMs() as number;
    expect(againMs).toBeGreaterThan(pair.nowMs);
    expect(againMs).toBeLessThan((dueMs as number) - 100);
    full.mockRestore();
    const told = pair.b.count('acksSent');
    pair.pass(againMs - pair.nowMs);
    expect(pair.b.count('acksSent')).toBe(told + 1);
  });

  it('lasts through a reader that stalls for minutes', () => {
    const pair = new Pair({ creditFloorBytes: 8192, creditBytes: 8192 }).session();
    pair.lane('webrtc');
    pair.b.reading = false;
    pair.send(pair.open(1), 20_000);
    pair.pass(300_000);
    expect([pair.a.failure, pair.b.failure]).toEqual([undefined, undefined]);
    pair.b.reading = true;
    pair.b.core.consumed(1, pair.b.bytes(1), pair.nowMs);
    pair.pass(100);
    expect(pair.b.delivered.get(1)).toEqual(counting(20_000));
  });

  it('grows to its ceiling when the round trip holds the writer back, and not when the reader does', () => {
    const limits = { creditFloorBytes: 8192, creditBytes: 65_536 };
    const far = new Pair(limits).session();
    far.lane('webrtc');
    const stream = far.open(1);
    for (let i = 0; i < 20; i += 1) {
      far.send(stream, 40_000);
      far.pass(20);
    }
    expect(far.b.core.in.stream(1)?.creditBytes).toBe(65_536);

    const slow = new Pair(limits).session();
    slow.lane('webrtc');
    slow.b.reading = false;
    const other = slow.open(1);
    slow.send(other, 60_000);
    for (let taken = 0; taken < 30_000; taken += 500) {
      slow.pass(20);
      slow.b.core.consumed(1, 500, slow.nowMs);
    }
    expect(slow.b.core.in.stream(1)?.creditBytes).toBe(8192);
  });

  it('grows before it is used up where what is on its way grows by half each round trip, and asks no more than once in one', () => {
    const pair = new Pair({ creditFloorBytes: 8192, creditBytes: 1_048_576, windowBytes: 1_048_576 }).session();
    const wire = pair.lane('webrtc');
    const stream = pair.open(1);
    let rounds = 0;
    for (let bytes = 1000; bytes < 400_000; bytes *= 1.5) {
      wire.moving = false;
      const before = wire.a.waiting;
      pair.send(stream, bytes);
      expect([Math.round(bytes), stream.starved]).toEqual([Math.round(bytes), false]);
      // One frame for each 1000 bytes, and no more than one question; what begins a stream goes before its first bytes.
      expect(wire.a.waiting - before).toBeLessThanOrEqual(Math.ceil(bytes / 1000) + 1 + Number(rounds === 0));
      wire.moving = true;
      pair.pass(50);
      rounds += 1;
    }
    expect(rounds).toBeGreaterThan(10);
    expect(pair.b.core.in.stream(1)?.creditBytes).toBeGreaterThan(400_000);
  });

  it('exceeded by a broken peer costs that stream on both sides, and no other', () => {
    const pair = new Pair({ creditFloorBytes: 4096, creditBytes: 4096 }).session();
    const wire = pair.lane('webrtc');
    const framer = new Framer(new TextEncoder().encode('a/b'), 'abcde');
    pair.b.reading = false;
    for (let seq = 1; seq <= 5; seq += 1) wire.b.receive(framer.control(OwnKind.data, 1, seq, new Uint8Array(1000)));
    expect(pair.b.said).toContain('reset 1: more was sent than the credit allowed');
    expect(pair.b.count('creditBreaches')).toBe(1);
    expect(pair.b.bytes(1)).toBe(4000);
    pair.b.core.removeStream(1);
    expect(wire.b.waiting).toBeGreaterThan(0);
    pair.settle();
    expect(pair.a.core.in.nextSeq).toBe(2);
    wire.b.receive(framer.control(OwnKind.data, 2, 6, new Uint8Array(1000)));
    expect(pair.b.bytes(2)).toBe(1000);
    expect(pair.b.failure).toBeUndefined();
  });
});

describe('a stream that both sides were about to open', () => {
  it('keeps the credit that was begged for it although its first frame is late', () => {
    const pair = new Pair({ creditFloorBytes: 4096, creditBytes: 16_384 }).session();
    const wire = pair.lane('relay');
    const mine = pair.b.core.openStream(1, true, false, pair.nowMs);
    let first = true;
    wire.lose = (_message, from) => {
      const lost = first && from === 'a';
      first = false;
      return lost;
    };
    pair.send(pair.open(1), 12_000);
    pair.settle();
    // The application on the other side leaves without a word, and another one comes.
    pair.b.core.resetStream(mine, 'gone', pair.nowMs);
    pair.b.core.removeStream(1);
    pair.pass(2000);
    expect(pair.b.count('creditBreaches')).toBe(0);
  });

  it('and was given up by one of them when its half had ended, is reset for the other', () => {
    const pair = new Pair({ creditFloorBytes: 4096, creditBytes: 4096 }).session();
    const wire = pair.lane('webrtc');
    pair.open(1);
    const mine = pair.b.core.openStream(1, true, false, pair.nowMs);
    pair.b.core.endStream(mine, pair.nowMs);
    pair.settle();
    const framer = new Framer(new TextEncoder().encode('a/b'), 'abcde');
    pair.b.reading = false;
    for (let seq = 1; seq <= 5; seq += 1) wire.b.receive(framer.control(OwnKind.data, 1, seq, new Uint8Array(1000)));
    pair.settle();
    expect(pair.a.said).toContain('reset 1: more was sent than the credit allowed');
  });
});

describe('many streams', () => {
  it('take turns on a lane that is always full', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc', { highBytes: 2000 });
    wire.moving = false;
    const streams = [1, 2, 3, 4].map((id) => pair.open(id));
    for (const stream of streams) pair.send(stream, 50_000);
    for (let i = 0; i < 40; i += 1) {
      const message = wire.a.transmit();
      if (message !== undefined) wire.b.receive(message);
    }
    const got = streams.map(({ id }) => pair.b.bytes(id));
    expect(Math.min(...got)).toBeGreaterThan(0);
    expect(Math.max(...got) - Math.min(...got)).toBeLessThanOrEqual(1000);
  });

  it('opened in one order and first used in another all arrive', () => {
    const pair = new Pair().session();
    pair.lane('webrtc');
    const [first, second] = [pair.open(1), pair.open(2)];
    pair.send(second, 10);
    pair.settle();
    pair.send(first, 10);
    pair.settle();
    expect([pair.b.bytes(1), pair.b.bytes(2)]).toEqual([10, 10]);
  });

  it('leave nothing behind, ten thousand of them', () => {
    const pair = new Pair({ windowBytes: 4096, chunkBytes: 512 }).session();
    pair.lane('webrtc');
    for (let i = 0; i < 10_000; i += 1) {
      const id = pair.a.core.highestStream + 1;
      const stream = pair.open(id);
      pair.send(stream, 100);
      pair.a.core.endStream(stream, pair.nowMs);
      pair.settle();
      pair.b.core.endStream(pair.b.core.openStream(id, false, false, pair.nowMs), pair.nowMs);
      pair.settle();
      pair.a.core.removeStream(id);
      pair.b.core.removeStream(id);
      if (i % 100 === 0) pair.pass(20);
    }
    pair.pass(50);
    for (const { core, counters } of [pair.a, pair.b]) {
      expect([core.in.streamCount, core.out.streamCount, core.out.inFlightFrames, core.in.heldFrames]).toEqual([0, 0, 0, 0]);
      expect(core.out.pending).toBe(false);
      expect(core.timeoutMs()).toBeUndefined();
      expect(counters[23]).toBe(0);
    }
    expect(pair.a.core.highestStream).toBe(10_000);
  });

  it('that nobody has heard of leave their number to the next', () => {
    const pair = new Pair();
    for (let i = 0; i < 1000; i += 1) {
      const stream = pair.open(pair.a.core.highestStream + 1);
      pair.send(stream, 10);
      pair.a.core.resetStream(stream, 'gone', pair.nowMs);
      pair.a.core.removeStream(stream.id);
    }
    expect([pair.a.core.highestStream, pair.a.core.out.pending, pair.a.core.out.streamCount]).toEqual([0, false, 0]);
  });
});

describe('the end of a stream', () => {
  it('travels behind the last byte, one half at a time', () => {
    const pair = new Pair().session();
    pair.lane('webrtc');
    const stream = pair.open();
    pair.send(stream, 3000);
    pair.a.core.endStream(stream, pair.nowMs);
    pair.settle();
    expect(pair.b.said.slice(-2)).toEqual(['opened 1', 'ended 1']);
    expect(pair.b.bytes(1)).toBe(3000);
    const back = pair.b.core.openStream(1, false, false, pair.nowMs);
    pair.b.core.take(back, new Uint8Array(500), -1, pair.nowMs);
    pair.settle();
    expect(pair.a.bytes(1)).toBe(500);
    expect(pair.a.said).not.toContain('ended 1');
  });

  it('can be followed by a reset, since the other half may still be coming', () => {
    const pair = new Pair().session();
    pair.lane('webrtc');
    const stream = pair.open();
    pair.a.core.endStream(stream, pair.nowMs);
    pair.settle();
    pair.a.core.resetStream(stream, 'the application crashed', pair.nowMs);
    pair.settle();
    expect(pair.b.said).toContain('reset 1: the application crashed');
  });

  it('that an owner forgets to say is said for it', () => {
    const pair = new Pair().session();
    pair.lane('webrtc');
    pair.send(pair.open(), 10);
    pair.settle();
    pair.b.core.removeStream(1);
    pair.settle();
    expect(pair.a.said.some((line) => line.startsWith('reset 1'))).toBe(true);
    pair.a.core.removeStream(1);
    pair.pass(50);
    // The reset is not answered by another one.
    expect([pair.a.core.out.streamCount, pair.b.core.in.streamCount, pair.b.said.filter((line) => line.startsWith('reset'))]).toEqual([
      0,
      0,
      [],
    ]);
  });

  it('by reset overtakes what was not sent, and nothing that was', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc', { highBytes: 2000 });
    wire.moving = false;
    const stream = pair.open();
    pair.send(stream, 10_000);
    pair.a.core.resetStream(stream, 'enough', pair.nowMs);
    wire.moving = true;
    pair.settle();
    expect(pair.b.bytes(1)).toBe(2000);
    expect(pair.b.said.at(-1)).toBe('reset 1: enough');
  });

  it('in the middle of a record that was cut does not harm the next stream', () => {
    const pair = new Pair({ chunkBytes: 4096 }).session();
    const wire = pair.lane('webrtc', { maxFrameBytes: 600, highBytes: 1000 });
    wire.moving = false;
    const [cut, next] = [pair.open(1), pair.open(2)];
    pair.send(cut, 4000, 4000);
    pair.send(next, 4000, 4000);
    pair.a.core.resetStream(cut, 'enough', pair.nowMs);
    pair.a.core.removeStream(1);
    wire.moving = true;
    pair.settle();
    expect(pair.b.delivered.get(2)).toEqual(counting(4000));
    expect(pair.b.bytes(1)).toBeLessThan(4000);
  });
});

describe('frames', () => {
  it('between own peers never exceed what every lane of theirs takes', () => {
    const pair = new Pair({ chunkBytes: 1_048_576, windowBytes: 4_194_304 }).session();
    const wire = pair.lane('webrtc');
    let largest = 0;
    wire.lose = (message) => {
      largest = Math.max(largest, message.length);
      return false;
    };
    pair.a.core.take(pair.open(), new Uint8Array(1_048_576), -1, pair.nowMs);
    pair.pass(20);
    expect(pair.b.bytes(1)).toBe(1_048_576);
    expect(largest).toBeLessThanOrEqual(OWN_FRAME_BYTES);
    expect(largest).toBeGreaterThan(OWN_FRAME_BYTES - 200);
  });

  it('of strangers are refused and counted, whatever they hold', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    const framer = new Framer(new TextEncoder().encode('a/b'), 'abcde');
    const odd = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      framer.control(OwnKind.ack, 0, 0, NOTHING),
      framer.control(OwnKind.ping, 0, 0, NOTHING),
      framer.control(OwnKind.data, 1, 0, NOTHING),
      framer.control(OwnKind.ack, 1, 5, NOTHING),
    ];
    for (const message of odd) wire.b.receive(message);
    expect(pair.b.count('framesRefused')).toBe(odd.length);
    expect(pair.b.failure).toBeUndefined();
  });
});
