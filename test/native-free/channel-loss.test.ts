// Frames, acknowledgements and credit that are lost, lanes that die, peers that fall silent: what an own peer's core makes of it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACK_DELAY_MS, PING_FIRST_MS } from '../../native-free/channel/limits.js';
import { FrameView } from '../../native-free/hlnk/index.js';
import { carry, twinLanes } from '../../native-free/lane-twin.js';
import { counting, Pair } from './channel-pair.js';

const view = new FrameView();
const seqOf = (message: Uint8Array): number => {
  expect(view.read(message)).toBe('ok');
  return view.seq;
};

describe('a frame that is lost inside a lane', () => {
  it('is sent again, it alone, soon after the hole shows', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    let lost = 0;
    wire.lose = (message) => seqOf(message) === 3 && lost++ === 0;
    pair.send(pair.open(), 6000);
    pair.pass(190);
    expect(pair.b.bytes(1)).toBe(2000);
    pair.pass(30);
    expect(pair.b.delivered.get(1)).toEqual(counting(6000));
    expect(pair.a.count('retransmits')).toBe(1);
    expect(pair.a.count('pings')).toBe(0);
  });

  it('is asked for again when the repair is lost too', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    let lost = 0;
    wire.lose = (message) => seqOf(message) === 3 && lost++ < 3;
    pair.send(pair.open(), 6000);
    pair.pass(2500);
    expect(pair.b.bytes(1)).toBe(6000);
  });

  it('is found by a ping when nothing follows that would show the hole', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    let lost = 0;
    wire.lose = (message) => seqOf(message) >= 5 && lost++ < 2;
    pair.send(pair.open(), 6000);
    pair.pass(ACK_DELAY_MS + PING_FIRST_MS - 50);
    expect(pair.b.bytes(1)).toBe(4000);
    pair.pass(100);
    expect(pair.b.delivered.get(1)).toEqual(counting(6000));
    expect(pair.a.count('retransmits')).toBe(2);
  });
});

describe('frames of which the memory is used again after the call', () => {
  it.each([
    ['a Buffer', (bytes: number) => Buffer.alloc(bytes)],
    ['shared memory', (bytes: number) => new Uint8Array(new SharedArrayBuffer(bytes))],
  ])('are kept behind a hole all the same (%s)', (_what, allocate) => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    const frames: Uint8Array[] = [];
    wire.lose = (message) => frames.push(message) > 0;
    pair.send(pair.open(), 4000);
    pair.settle();
    const scratch = allocate(2000);
    for (const frame of frames.reverse()) {
      scratch.set(frame);
      pair.b.core.frame(wire.b, scratch.subarray(0, frame.length), false, pair.nowMs);
      scratch.fill(0xee);
    }
    expect(pair.b.delivered.get(1)).toEqual(counting(4000));
  });
});

describe('an ordered lane', () => {
  it('with a queue of many seconds makes nobody send anything twice', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    wire.moving = false;
    pair.send(pair.open(), 40_000);
    for (let i = 0; i < 60; i += 1) {
      const message = wire.a.transmit();
      if (message !== undefined) wire.b.receive(message);
      for (let answer = wire.b.transmit(); answer !== undefined; answer = wire.b.transmit()) wire.a.receive(answer);
      pair.pass(700);
    }
    expect(pair.b.bytes(1)).toBe(40_000);
    expect(pair.a.count('retransmits')).toBe(0);
    expect(pair.a.failure).toBeUndefined();
  });
});

describe('a lane that dies', () => {
  it('leaves its frames to the next one, at once and under the same numbers', () => {
    const pair = new Pair().session();
    const first = pair.lane('webrtc');
    const second = pair.lane('relay');
    first.moving = false;
    pair.send(pair.open(), 5000);
    const numbers: number[] = [];
    second.lose = (message, from) => {
      if (from === 'a' && seqOf(message) > 0) numbers.push(view.seq);
      return false;
    };
    pair.kill(first);
    pair.settle();
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
    expect(pair.b.delivered.get(1)).toEqual(counting(5000));
  });

  it('and came up before its session was known, is used as any other', () => {
    const pair = new Pair();
    pair.lane('webrtc');
    pair.session();
    pair.send(pair.open(), 10);
    pair.settle();
    expect(pair.b.bytes(1)).toBe(10);
  });

  it('with its session is followed by those of the next session, and the streams go on', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    wire.moving = false;
    const stream = pair.open();
    pair.send(stream, 3000);
    for (const { core } of [pair.a, pair.b]) core.sessionDown('s1', pair.nowMs);
    pair.kill(wire);
    expect(pair.a.said).toContain('want session');
    pair.session('s2');
    pair.lane('relay', { sid: 's2' });
    pair.settle();
    expect(pair.b.delivered.get(1)).toEqual(counting(3000));
  });

  it('in silence is passed over for the relay within seconds, and used again when it answers', () => {
    const pair = new Pair().session();
    const quiet = pair.lane('webrtc');
    quiet.moving = false;
    const stream = pair.open();
    pair.send(stream, 3000);
    pair.pass(3500);
    expect(pair.a.said).toContain('want relay s1');
    pair.lane('relay');
    pair.settle();
    expect(pair.b.delivered.get(1)).toEqual(counting(3000));
    expect(pair.a.core.lane?.kind).toBe('relay');
    quiet.moving = true;
    pair.pass(5000);
    expect(pair.a.core.lane?.kind).toBe('webrtc');
  });

  it('as too small for frames that are numbered already is set aside for one that takes them', () => {
    const pair = new Pair({ chunkBytes: 4096 }).session();
    const wide = pair.lane('webrtc');
    wide.moving = false;
    pair.send(pair.open(), 8000, 4000);
    pair.kill(wide);
    pair.lane('webrtc', { maxFrameBytes: 1000 });
    expect(pair.a.said).toContain('want relay s1');
    pair.lane('relay');
    pair.settle();
    expect(pair.b.bytes(1)).toBe(8000);
    expect(pair.a.failure).toBeUndefined();
  });
});

describe('a lane that takes over from a silent one', () => {
  it('is asked on at once, so that the peer is not given up before it had a chance to answer', () => {
    const pair = new Pair().session();
    const quiet = pair.lane('webrtc');
    const second = pair.lane('webrtc');
    pair.send(pair.open(), 1000);
    pair.pass(ACK_DELAY_MS);
    quiet.moving = false;
    second.moving = false;
    pair.pass(9400 - ACK_DELAY_MS);
    pair.kill(quiet);
    second.moving = true;
    pair.pass(5000);
    expect([pair.a.failure, pair.b.failure]).toEqual([undefined, undefined]);
  });
});

describe('credit and acknowledgements that are lost', () => {
  it('never stop a sender for good', () => {
    const pair = new Pair({ creditFloorBytes: 4096, creditBytes: 4096 }).session();
    const wire = pair.lane('relay');
    let deaf = true;
    wire.lose = (_message, from) => from === 'b' && deaf;
    const stream = pair.open();
    expect(pair.send(stream, 20_000)).toBe(20_000);
    pair.pass(3000);
    expect(pair.b.bytes(1)).toBeLessThanOrEqual(4096);
    deaf = false;
    pair.pass(4000);
    expect(pair.b.delivered.get(1)).toEqual(counting(20_000));
  });
});

describe('a peer that falls silent', () => {
  it('is asked, and given up within ten seconds with a lane up; nothing is taken or sent after that', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    const stream = pair.open();
    pair.send(stream, 1000);
    pair.pass(ACK_DELAY_MS);
    wire.lose = () => true;
    pair.pass(9300);
    expect(pair.a.failure).toBeUndefined();
    expect(pair.a.count('pings')).toBeGreaterThan(2);
    pair.pass(250);
    expect(pair.a.failure).toMatch(/^failed ERR_HLNK_PEER_UNAVAILABLE nothing was heard from the peer for 9500 ms/);
    expect(pair.b.failure).toMatch(/^failed ERR_HLNK_PEER_UNAVAILABLE/);
    expect(pair.a.core.over).toBe(true);
    expect(pair.a.core.timeoutMs()).toBeUndefined();
    expect(pair.a.core.take(stream, new Uint8Array(1), -1, pair.nowMs)).toBe(false);
  });

  it('is given up within ten seconds although its data channel is closed meanwhile and the relay takes over', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    const stream = pair.open();
    pair.send(stream, 1000);
    pair.pass(ACK_DELAY_MS);
    wire.lose = () => true;
    pair.send(stream, 1000);
    // What a full data channel does when nothing is taken from it; the relay is there at once, or nearly.
    pair.pass(1500);
    pair.kill(wire);
    expect(pair.a.said).toContain('want relay s1');
    pair.pass(400);
    pair.lane('relay').lose = () => true;
    pair.pass(7400);
    expect(pair.a.failure).toBeUndefined();
    pair.pass(200);
    expect([pair.a.failure, pair.b.failure].filter((failure) => failure?.includes('nothing was heard'))).toHaveLength(2);
  });

  it('is given up within ten seconds however often the lanes change', () => {
    const pair = new Pair().session();
    const [first, second] = [pair.lane('webrtc'), pair.lane('webrtc')];
    pair.lane('relay').lose = () => true;
    pair.send(pair.open(), 1000);
    pair.pass(ACK_DELAY_MS);
    first.lose = () => true;
    second.lose = () => true;
    pair.pass(4000);
    pair.kill(first);
    pair.pass(5000);
    pair.kill(second);
    expect(pair.a.failure).toBeUndefined();
    pair.pass(600);
    expect(pair.a.failure).toContain('nothing was heard');
  });

  it('is given up within ten seconds, whatever happens to the lanes after the kill', () => {
    const change = fc.record({ afterMs: fc.integer({ min: 0, max: 4000 }), gapMs: fc.integer({ min: 0, max: 1900 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.integer({ min: 0, max: 7000 }), fc.boolean(), (changes, idleMs, busy) => {
        const pair = new Pair().session();
        pair.lane('webrtc');
        pair.lane('webrtc');
        const stream = pair.open();
        pair.send(stream, 1000);
        pair.pass(idleMs);
        if (busy) pair.send(stream, 5000);
        const untilMs = pair.nowMs + 10_000;
        for (const wire of pair.wires) wire.lose = () => true;
        for (const { afterMs, gapMs } of changes) {
          if (pair.nowMs + afterMs + gapMs > untilMs) break;
          pair.pass(afterMs);
          const [wire] = pair.wires;
          if (wire !== undefined) pair.kill(wire);
          if (pair.wires.length > 0) continue;
          // The relay carries for want of better. A gap of more than two seconds is an outage, in which nobody can tell.
          pair.pass(gapMs);
          pair.lane('relay').lose = () => true;
        }
        pair.pass(untilMs - pair.nowMs);
        expect(pair.a.failure).toContain('nothing was heard');
      }),
    );
  });

  it('is heard out when it was this side that stood still: what it said meanwhile lies unread', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    pair.send(pair.open(), 1000);
    pair.pass(ACK_DELAY_MS);
    wire.moving = false;
    // Timers run before reads, so the clock is looked at first.
    pair.nowMs += 12_000;
    pair.a.core.tick(pair.nowMs);
    pair.b.core.tick(pair.nowMs);
    expect(pair.a.failure).toBeUndefined();
    wire.moving = true;
    pair.pass(15_000);
    expect([pair.a.failure, pair.b.failure]).toEqual([undefined, undefined]);
  });

  it('is given up in the end when it was silent and this side stood still as well', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    pair.send(pair.open(), 1000);
    pair.pass(ACK_DELAY_MS);
    wire.lose = () => true;
    pair.nowMs += 12_000;
    pair.a.core.tick(pair.nowMs);
    pair.pass(990);
    expect(pair.a.failure).toBeUndefined();
    pair.pass(20);
    expect(pair.a.failure).toContain('nothing was heard');
  });

  it('is not blamed for an outage: once there is a lane again, it has its time to answer', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    pair.send(pair.open(), 1000);
    pair.pass(ACK_DELAY_MS);
    pair.kill(wire);
    pair.pass(20_000);
    const again = pair.lane('relay');
    again.moving = false;
    pair.pass(9000);
    expect(pair.a.failure).toBeUndefined();
    again.moving = true;
    pair.pass(20_000);
    expect(pair.a.failure).toBeUndefined();
  });

  it('is not given up while it answers, however little there is to say', () => {
    const pair = new Pair().session();
    pair.lane('relay');
    pair.send(pair.open(), 1000);
    pair.pass(600_000);
    expect([pair.a.failure, pair.b.failure]).toEqual([undefined, undefined]);
    // In three seconds one ping and one answer, or, when both ask in the same moment, two of each.
    expect(pair.messages).toBeLessThan(4 * 200 + 20);
  });

  it('is waited for through an outage of less than a minute, and no longer', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    const stream = pair.open();
    pair.send(stream, 1000);
    pair.pass(ACK_DELAY_MS);
    pair.kill(wire);
    pair.send(stream, 2000);
    pair.pass(59_000);
    expect(pair.a.failure).toBeUndefined();
    const again = pair.lane('relay');
    pair.settle();
    expect(pair.b.bytes(1)).toBe(3000);
    pair.kill(again);
    pair.pass(60_001);
    expect(pair.a.failure).toMatch(/^failed ERR_HLNK_PEER_UNAVAILABLE no lane to the peer for 60000 ms/);
  });

  it('is left alone when nothing is open and nothing under way', () => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    const stream = pair.open();
    pair.send(stream, 1000);
    pair.a.core.endStream(stream, pair.nowMs);
    pair.pass(ACK_DELAY_MS);
    pair.b.core.endStream(pair.b.core.openStream(1, false, false, pair.nowMs), pair.nowMs);
    pair.pass(ACK_DELAY_MS);
    pair.a.core.removeStream(1);
    pair.b.core.removeStream(1);
    pair.pass(ACK_DELAY_MS);
    const before = pair.messages;
    wire.lose = () => true;
    pair.pass(3_600_000);
    expect(pair.messages).toBe(before);
    expect([pair.a.failure, pair.b.failure, pair.a.core.timeoutMs()]).toEqual([undefined, undefined, undefined]);
  });
});

describe('a peer that was restarted', () => {
  it('is met with clean numbers, and its old lanes carry nothing any more', () => {
    const pair = new Pair().session();
    const old = pair.lane('webrtc');
    pair.send(pair.open(), 3000);
    pair.settle();
    const before = old.a.waiting;
    pair.a.core.sessionUp({ sid: 's2', direction: 'out', own: true, epoch: 'b2', path: 'a/b' }, pair.nowMs);
    expect(pair.a.said).toContain('peer restarted');
    expect(pair.a.core.lane).toBeUndefined();
    expect([pair.a.core.out.nextSeq, pair.a.core.in.nextSeq, pair.a.core.highestStream]).toEqual([1, 1, 0]);
    pair.send(pair.open(), 100);
    expect(old.a.waiting).toBe(before);
  });

  it('costs no stream that it had not heard of', () => {
    const pair = new Pair().session();
    const old = pair.lane('webrtc');
    const told = pair.open(1);
    pair.send(told, 3000);
    pair.settle();
    pair.a.core.sessionDown('s1', pair.nowMs);
    pair.kill(old);
    const untold = pair.open(2);
    pair.send(untold, 500);
    pair.a.core.sessionUp({ sid: 's2', direction: 'out', own: true, epoch: 'b2', path: 'a/b' }, pair.nowMs);
    expect(pair.a.said.slice(-2)).toEqual(['peer restarted', 'stream 2 is 1 now']);
    const fresh = new Pair();
    fresh.b.core.sessionUp({ sid: 's2', direction: 'in', own: true, epoch: 'a1', path: 'a/b' }, pair.nowMs);
    const [a, b] = twinLanes({ kind: 'webrtc', sid: 's2' });
    b.listen({ frame: (lane, message) => fresh.b.core.frame(lane, message, true, fresh.nowMs), writable: () => {}, closed: () => {} });
    pair.a.core.laneUp(a, pair.nowMs);
    fresh.b.core.laneUp(b, pair.nowMs);
    carry(a, b);
    expect(fresh.b.delivered.get(1)).toEqual(counting(500));
  });

  it('cannot be brought back by a late word of the one before', () => {
    const pair = new Pair().session('s1');
    pair.a.core.sessionUp({ sid: 's2', direction: 'in', own: true, epoch: 'b2', path: 'a/b' }, pair.nowMs);
    pair.a.core.sessionUp({ sid: 's3', direction: 'out', own: true, epoch: 'b1', path: 'a/b' }, pair.nowMs);
    expect(pair.a.said.filter((line) => line === 'peer restarted')).toHaveLength(1);
    expect(pair.a.failure).toBeUndefined();
    // With nothing left of the present one, only a new start of this side is safe: it may have been the late word itself.
    pair.a.core.sessionDown('s2', pair.nowMs);
    pair.a.core.sessionUp({ sid: 's4', direction: 'out', own: true, epoch: 'b1', path: 'a/b' }, pair.nowMs);
    expect(pair.a.failure).toMatch(/^failed ERR_HLNK_GAP the sessions of two starts of the peer came out of order/);
  });
});

describe('two sides that do not agree on the numbering', () => {
  it('end loudly instead of guessing', () => {
    const pair = new Pair().session();
    const wire = pair.lane('relay');
    pair.send(pair.open(), 3000);
    pair.settle();
    pair.pass(50);
    // Another core with the same names, which has received nothing.
    const stranger = new Pair().session();
    const other = stranger.lane('relay');
    stranger.send(stranger.open(), 9000);
    stranger.settle();
    stranger.pass(50);
    stranger.b.core.in.refresh(stranger.nowMs);
    other.moving = false;
    stranger.b.core.tick(stranger.nowMs);
    wire.a.receive(other.b.transmit() as Uint8Array);
    expect(pair.a.failure).toMatch(/^failed ERR_HLNK_GAP the peer acknowledges sequence number 9, and 3 was the last one sent/);
  });
});

describe('a peer that is gone while the relay goes and comes', () => {
  const gone = (): Pair => {
    const pair = new Pair().session();
    const wire = pair.lane('webrtc');
    pair.send(pair.open(), 1000);
    pair.settle();
    wire.lose = () => true;
    return pair;
  };

  it('is given up at the resume limit all the same', () => {
    const pair = gone();
    const { core } = pair.a;
    const goneMs = pair.nowMs;
    while (!core.over && pair.nowMs - goneMs < 300_000) {
      core.relayThere(false, pair.nowMs);
      pair.pass(4000);
      core.relayThere(true, pair.nowMs);
      pair.pass(4000);
    }
    expect(core.over).toBe(true);
    expect(pair.nowMs - goneMs).toBeLessThan(70_000);
  });

  it('is counted from the return of the relay, which was away as long as the peer was silent', () => {
    const pair = gone();
    const { core } = pair.a;
    pair.pass(5000);
    core.relayThere(false, pair.nowMs);
    pair.pass(15_000);
    expect(core.over).toBe(false);
    core.relayThere(true, pair.nowMs);
    pair.pass(8000);
    expect(core.over).toBe(false);
    pair.pass(3000);
    expect(core.over).toBe(true);
  });
});

describe('a lane that is dead one way only', () => {
  /** Two lanes of a kind, as two sessions have; what `a` sends on the first is lost from now on. */
  const dying = (): { pair: Pair; revive: () => void } => {
    const pair = new Pair().session();
    pair.a.core.sessionUp({ sid: 's2', direction: 'in', own: true, epoch: 'b1', path: 'a/b' }, pair.nowMs);
    pair.b.core.sessionUp({ sid: 's2', direction: 'out', own: true, epoch: 'a1', path: 'a/b' }, pair.nowMs);
    const wire = pair.lane('webrtc');
    pair.lane('webrtc', { sid: 's2' });
    wire.lose = (_, from) => from === 'a';
    const revive = (): void => {
      wire.lose = () => false;
    };
    return { pair, revive };
  };

  it('is passed over, although the peer asks on it time and again', () => {
    const { pair } = dying();
    pair.send(pair.open(), 6000);
    pair.pass(14_000);
    expect(pair.b.delivered.get(1)).toEqual(counting(6000));
    pair.pass(60_000);
    expect([pair.a.failure, pair.b.failure]).toEqual([undefined, undefined]);
    expect(pair.a.core.lane?.sid).toBe('s2');
  });

  it('carries again when it answers', () => {
    const { pair, revive } = dying();
    pair.send(pair.open(), 6000);
    pair.pass(14_000);
    revive();
    pair.pass(4000);
    expect(pair.a.core.lane?.sid).toBe('s1');
  });
});
