import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { FrameReader, LANDING_BYTES } from '../../workers/direct/frame-reader.js';

const MAX = 300_000;

function frame(seq: number, payloadBytes: number): Uint8Array {
  return encodeFrame('a@b.co/x', 'h1d-00000001', seq, new Uint8Array(payloadBytes).fill(seq));
}

describe('frames out of what TLS hands over', () => {
  it('finds every frame, whatever the pieces, and leaves its memory alone afterwards', () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 250_000 })), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), fc.boolean(), (payloads, cuts, landing) => {
        const frames = payloads.map((bytes, i) => frame(i + 1, bytes));
        const stream = Buffer.concat(frames);
        const found: Uint8Array[] = [];
        const reader = new FrameReader(MAX, (message, lasting) => found.push(lasting ? message : message.slice()));
        for (let at = 0, i = 0; at < stream.length; i += 1) {
          let piece = stream.subarray(at, at + (cuts[i % cuts.length] as number));
          if (landing) {
            const space = reader.space();
            piece = piece.subarray(0, space.length);
            space.set(piece);
            expect(reader.landed(piece.length)).toBeUndefined();
          } else expect(reader.push(piece)).toBeUndefined();
          at += piece.length;
        }
        expect(Buffer.concat(found).equals(stream)).toBe(true);
        expect(found.map((one) => one.length)).toEqual(frames.map((one) => one.length));
      }),
      { numRuns: 60 },
    );
  });

  it('always has room for a TLS record', () => {
    const reader = new FrameReader(MAX, () => {});
    const stream = Buffer.concat(Array.from({ length: 40 }, (_, i) => frame(i + 1, 61_440)));
    for (let at = 0; at < stream.length; ) {
      const space = reader.space();
      expect(space.length).toBeGreaterThanOrEqual(LANDING_BYTES);
      const piece = stream.subarray(at, at + Math.min(space.length, LANDING_BYTES));
      space.set(piece);
      reader.landed(piece.length);
      at += piece.length;
    }
  });

  it('says what is wrong instead of hunting for the next frame', () => {
    const reader = (): FrameReader => new FrameReader(MAX, () => {});
    expect(reader().push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('bad-magic');
    const good = frame(1, 10);
    expect(reader().push(Buffer.concat([good, Buffer.from('x')]))).toBe('bad-magic');
    expect(reader().push(frame(1, MAX))).toBe('frame-too-long');
    // Known from the head alone, before the bytes came.
    expect(reader().push(frame(1, MAX).subarray(0, 40))).toBe('frame-too-long');
  });
});
