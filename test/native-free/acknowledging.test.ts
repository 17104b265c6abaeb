// When frames are acknowledged: seldom, since each acknowledgement is in the way of small rounds, and at once where somebody may be waiting for it.
import { describe, expect, it } from 'vitest';
import type { OutStream } from '../../native-free/channel/index.js';
import { ACK_AGAIN_MS, ACK_DELAY_MS, ACK_EVERY_BYTES, ACK_EVERY_FRAMES } from '../../native-free/channel/limits.js';
import { Pair } from './channel-pair.js';

/** Small rounds, so fast that an acknowledgement is to be had for a few hundred of them. */
const ROUND_MS = 0.5;
const ROUND_BYTES = 64;

/** A stream that carries, with nothing unacknowledged, and as much credit as it needs. */
function begun(): { pair: Pair; stream: OutStream; acks: () => number } {
  const pair = new Pair({ creditFloorBytes: 4_194_304 }).session();
  pair.lane('webrtc');
  const stream = pair.open();
  pair.send(stream, 10, 10);
  pair.pass(ACK_DELAY_MS);
  expect(pair.a.core.out.inFlightFrames).toBe(0);
  const before = pair.a.count('acksReceived');
  return { pair, stream, acks: () => pair.a.count('acksReceived') - before };
}

describe('frames between own peers', () => {
  it('are acknowledged together when they are few and small', () => {
    const { pair, stream, acks } = begun();
    const untilMs = pair.nowMs + ACK_DELAY_MS;
    for (let round = 1; pair.nowMs + ROUND_MS < untilMs; round += 1) {
      pair.send(stream, ROUND_BYTES, ROUND_BYTES);
      pair.settle();
      pair.nowMs += ROUND_MS;
      expect(pair.a.core.out.inFlightFrames).toBe(round);
    }
    expect(acks()).toBe(0);
    pair.pass(untilMs - pair.nowMs);
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([1, 0]);
  });

  it.each([
    ['bytes', ACK_EVERY_BYTES, 8192],
    ['frames', ACK_EVERY_FRAMES, 1],
  ])('are acknowledged at once when so many %s came', (_what, bytes, frameBytes) => {
    const { pair, stream, acks } = begun();
    for (let sent = 0; sent < bytes; sent += frameBytes) {
      expect(acks()).toBe(0);
      pair.send(stream, frameBytes, frameBytes);
      pair.settle();
    }
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([1, 0]);
  });

  it("are acknowledged at once with a stream's end", () => {
    const { pair, stream, acks } = begun();
    pair.send(stream, ROUND_BYTES);
    pair.settle();
    expect(acks()).toBe(0);
    pair.a.core.endStream(stream, pair.nowMs);
    pair.settle();
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([1, 0]);
  });

  it('are acknowledged at once, on either side, when somebody waits for it', () => {
    const { pair, stream, acks } = begun();
    pair.send(stream, ROUND_BYTES);
    pair.settle();
    pair.a.core.hasten(pair.nowMs);
    pair.settle();
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([1, 0]);
    pair.send(stream, ROUND_BYTES);
    pair.settle();
    pair.b.core.hasten(pair.nowMs);
    expect(pair.b.core.in.ackDueMs).toBeUndefined();
    pair.settle();
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([2, 0]);
    // And nothing is said when there is nothing to say.
    const { messages } = pair;
    pair.a.core.hasten(pair.nowMs);
    pair.b.core.hasten(pair.nowMs);
    pair.settle();
    expect(pair.messages).toBe(messages);
  });

  it('that come again are acknowledged soon, once for all of them', () => {
    const { pair, stream, acks } = begun();
    const [wire] = pair.wires;
    let heard = 0;
    if (wire !== undefined) wire.lose = (_message, from) => from === 'b' && heard++ === 0;
    pair.send(stream, 5 * ROUND_BYTES, ROUND_BYTES);
    pair.pass(ACK_DELAY_MS);
    expect(acks()).toBe(0);
    pair.a.core.out.resend();
    pair.a.core.pump(pair.nowMs);
    pair.pass(ACK_AGAIN_MS - 1);
    expect([acks(), pair.b.count('duplicates')]).toEqual([0, 5]);
    pair.pass(1);
    expect([acks(), pair.a.core.out.inFlightFrames]).toEqual([1, 0]);
  });
});
