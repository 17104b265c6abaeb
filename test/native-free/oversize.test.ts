// A lane that refuses large messages, whatever it named as its limit: the sender steps down without a byte lost or a sequence number burned, and
// up again when enough went through. With a peer of our own kind, which acknowledges, and with an upstream one, which does not.
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { OutFlow } from '../../native-free/channel/out-flow.js';
import { Chunker } from '../../native-free/chunker.js';
import { COUNTER_NAMES, Counter } from '../../native-free/counters.js';
import { FrameView } from '../../native-free/hlnk/index.js';
import type { Lane, SendVerdict } from '../../native-free/lane.js';

const KIB = 1024;
const STEP_UP_BYTES = 128 * KIB;

/** Takes what is not too large, and keeps it. */
class StrictLane implements Lane {
  readonly kind = 'webrtc';
  readonly sid = 's1';
  /** What it says it takes. */
  readonly maxFrameBytes = Number.POSITIVE_INFINITY;
  /** What it does take. */
  limitBytes = Number.POSITIVE_INFINITY;
  refusals = 0;
  readonly frames: { seq: number; payload: Uint8Array }[] = [];

  trySend(frame: Uint8Array): SendVerdict {
    if (frame.length > this.limitBytes) {
      this.refusals += 1;
      return 'oversize';
    }
    const view = new FrameView();
    expect(view.read(frame)).toBe('ok');
    this.frames.push({ seq: view.seq, payload: frame.slice(view.payloadStart, view.payloadStart + view.payloadBytes) });
    return 'taken';
  }
  bufferedBytes(): number {
    return 0;
  }
  close(): void {}
}

for (const own of [true, false]) {
  it(`steps down and up again toward ${own ? 'a peer of our own kind' : 'an upstream peer'}, with every byte and every number in order`, () => {
    const counters = new Float64Array(COUNTER_NAMES.length);
    const lane = new StrictLane();
    const flow = new OutFlow({
      path: new TextEncoder().encode('a/b'),
      limits: { ...DEFAULT_LIMITS, chunkBytes: 60 * KIB, ownChunkBytes: 240 * KIB },
      chunker: new Chunker({ chunkBytes: 60 * KIB, stepUpAfterBytes: STEP_UP_BYTES }),
      counters,
      salt: 'abcde',
      ports: { room: () => {}, streamDone: () => {}, hungry: () => {}, blocked: () => {} },
    });
    flow.setPeer(own, new TextEncoder().encode('a/b'));
    flow.lane = lane;
    const stream = flow.openStream(1, true, false);
    if (own) flow.grant(1, Number.MAX_SAFE_INTEGER);
    const sent: number[] = [];
    /** @returns the largest payload of a frame meanwhile */
    const send = (bytes: number): number => {
      const from = lane.frames.length;
      for (let left = bytes; left > 0; ) {
        const piece = Uint8Array.from({ length: Math.min(left, 64 * KIB) }, (_, index) => (sent.length + index * 7) & 0xff);
        expect(flow.take(stream, piece)).toBe(true);
        for (const byte of piece) sent.push(byte);
        left -= piece.length;
        expect(flow.pump(0)).toBe('idle');
        if (own) flow.acknowledged(flow.nextSeq);
      }
      return Math.max(...lane.frames.slice(from).map(({ payload }) => payload.length));
    };

    const full = send(300 * KIB);
    expect(lane.refusals).toBe(0);
    // Refused in the middle of a stream, twice over, until the pieces fit.
    lane.limitBytes = 20 * KIB;
    expect(send(300 * KIB)).toBeLessThanOrEqual(20 * KIB);
    const refusals = lane.refusals;
    expect(refusals).toBeGreaterThanOrEqual(2);
    expect(counters[Counter.chunkSteps]).toBe(refusals);
    // The limit goes, and after enough bytes the size grows back to what it was.
    lane.limitBytes = Number.POSITIVE_INFINITY;
    send(4 * STEP_UP_BYTES);
    expect(send(300 * KIB)).toBe(full);
    expect(lane.refusals).toBe(refusals);

    const arrived = lane.frames.flatMap(({ payload }) => [...payload]);
    expect(arrived.length).toBe(sent.length);
    expect(Buffer.compare(Buffer.from(arrived), Buffer.from(sent))).toBe(0);
    expect(lane.frames.map(({ seq }) => seq)).toEqual(lane.frames.map((_, index) => index + 1));
  });
}
