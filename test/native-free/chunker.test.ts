// The chunker: lane limits, refusals, the slow way back up, and that no byte is lost in between.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunker } from '../../native-free/chunker.js';

const KIB = 1024;

describe('the size of a payload', () => {
  it('is the chunk size, or what the lane leaves of it after the head', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    expect(chunker.payloadBytes).toBe(61440);
    chunker.setLane(65535, 21 + 37);
    expect(chunker.payloadBytes).toBe(61440);
    chunker.setLane(16 * KIB, 84);
    expect(chunker.payloadBytes).toBe(16 * KIB - 84);
    chunker.setLane(Number.POSITIVE_INFINITY, 84);
    expect(chunker.payloadBytes).toBe(61440);
  });

  it('is at least one byte, even on a lane that hardly takes the head', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    chunker.setLane(50, 84);
    expect(chunker.payloadBytes).toBe(1);
    expect(chunker.refusedOversize(1)).toBe('at-floor');
  });
});

describe('a refusal', () => {
  it('halves down to the floor and says when there is no way on', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    const sizes: number[] = [];
    while (chunker.refusedOversize(chunker.payloadBytes) === 'split') sizes.push(chunker.payloadBytes);
    expect(sizes).toEqual([30720, 15360, 7680, 4096]);
    expect(chunker.payloadBytes).toBe(4096);
  });

  it('of several frames cut at the same size halves once and backs off once', () => {
    const chunker = new Chunker({ chunkBytes: 61440, stepUpAfterBytes: 1000_000 });
    for (let i = 0; i < 5; i += 1) expect(chunker.refusedOversize(61440)).toBe('split');
    expect(chunker.payloadBytes).toBe(30720);
    chunker.delivered(1000_000);
    expect(chunker.payloadBytes).toBe(61440);
  });

  it('that arrives late, of a size given up long ago, does not undo what was learned since', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    chunker.refusedOversize(61440);
    chunker.refusedOversize(30720);
    expect(chunker.refusedOversize(61440)).toBe('split');
    expect(chunker.payloadBytes).toBe(15360);
  });

  it('of a short last piece counts from what was refused', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    expect(chunker.refusedOversize(20000)).toBe('split');
    expect(chunker.payloadBytes).toBe(10000);
    expect(chunker.refusedOversize(100)).toBe('at-floor');
    expect(chunker.payloadBytes).toBe(10000);
  });

  it('is forgotten with the lane', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    chunker.refusedOversize(61440);
    chunker.setLane(65535, 100);
    expect(chunker.payloadBytes).toBe(61440);
  });

  it('below the floor by lane limit is at the floor at once', () => {
    const chunker = new Chunker({ chunkBytes: 61440 });
    chunker.setLane(1280, 80);
    expect(chunker.refusedOversize(1200)).toBe('at-floor');
    expect(chunker.payloadBytes).toBe(1200);
  });
});

describe('the way back up', () => {
  it('doubles after enough bytes got through, up to the chunk size', () => {
    const chunker = new Chunker({ chunkBytes: 61440, stepUpAfterBytes: 1000_000 });
    chunker.refusedOversize(61440);
    chunker.refusedOversize(30720);
    chunker.delivered(999_999);
    expect(chunker.payloadBytes).toBe(15360);
    chunker.delivered(1);
    expect(chunker.payloadBytes).toBe(30720);
    chunker.delivered(1000_000);
    expect(chunker.payloadBytes).toBe(61440);
  });

  it('asks a lane with a lasting limit half as often each time', () => {
    const chunker = new Chunker({ chunkBytes: 61440, stepUpAfterBytes: 1000 * KIB });
    const limitBytes = 40_000;
    const refusedAfter: number[] = [];
    let sentBytes = 0;
    while (refusedAfter.length < 5) {
      if (chunker.payloadBytes > limitBytes) {
        refusedAfter.push(sentBytes);
        chunker.refusedOversize(chunker.payloadBytes);
        sentBytes = 0;
      }
      chunker.delivered(KIB);
      sentBytes += KIB;
    }
    expect(refusedAfter).toEqual([0, 1000 * KIB, 2000 * KIB, 4000 * KIB, 8000 * KIB]);
  });

  it('is not taken by a lane that never refused', () => {
    const chunker = new Chunker({ chunkBytes: 10_000, stepUpAfterBytes: 1 });
    chunker.delivered(1e9);
    expect(chunker.payloadBytes).toBe(10_000);
  });
});

describe('cutting', () => {
  it('covers the bytes exactly in as many parts as promised', () => {
    fc.assert(
      fc.property(
        fc.nat(3_000_000),
        fc.integer({ min: 4096, max: 1048576 }),
        fc.integer({ min: 1, max: 300_000 }),
        (total, chunkBytes, lane) => {
          const chunker = new Chunker({ chunkBytes });
          chunker.setLane(lane + 4500, 90);
          const cuts: number[] = [];
          for (let at = 0; at < total; at += cuts.at(-1)!) cuts.push(Math.min(chunker.payloadBytes, total - at));
          expect(cuts).toHaveLength(chunker.partsOf(total));
          expect(cuts.reduce((sum, n) => sum + n, 0)).toBe(total);
          expect(cuts.every((n) => n >= 1 && n <= chunkBytes && n + 90 <= lane + 4500)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('again after refusals by a lane whose limit changes loses nothing and ends', () => {
    const limits = fc.array(fc.integer({ min: 4096, max: 100_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(2_000_000), limits, (total, laneLimits) => {
        const chunker = new Chunker({ chunkBytes: 61440, stepUpAfterBytes: 200_000 });
        let at = 0;
        let attempts = 0;
        while (at < total) {
          const pieceBytes = Math.min(chunker.payloadBytes, total - at);
          const limitBytes = laneLimits[attempts++ % laneLimits.length]!;
          if (pieceBytes > limitBytes) {
            expect(chunker.refusedOversize(pieceBytes)).toBe('split');
            expect(chunker.payloadBytes).toBeLessThan(pieceBytes);
          } else {
            at += pieceBytes;
            chunker.delivered(pieceBytes);
          }
        }
        expect(at).toBe(total);
        expect(attempts).toBeLessThan(2 * Math.ceil(total / 4096) + 10);
      }),
      { numRuns: 100 },
    );
  });
});
