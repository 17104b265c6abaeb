// The ring of one stream's unacknowledged bytes against a list that does the same the slow way.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SendWindow } from '../../native-free/channel/index.js';
import { Random } from '../../native-free/sim/index.js';

const HEAD = 10;
const CHUNK = 100;

/** Bytes in the order they were taken, over however many records they came in. */
class Model {
  readonly unsent: number[] = [];
  readonly sent: number[][] = [];
}

function headAndPayload(window: SendWindow): number[] {
  const at = window.unsentAt;
  // Whoever sends writes a head there; it must belong to nobody else.
  window.bytes.fill(0xee, at - HEAD, at);
  return [...window.bytes.subarray(at, at + window.unsentRecordBytes)];
}

describe('a send window', () => {
  it('keeps every byte until it is released, wherever the ring wraps and however reads gather', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('copy' as const), bytes: fc.integer({ min: 1, max: CHUNK }) }),
      fc.record({ kind: fc.constant('land' as const), bytes: fc.integer({ min: 1, max: CHUNK }) }),
      fc.record({ kind: fc.constant('send' as const), bytes: fc.constant(0) }),
      fc.record({ kind: fc.constant('release' as const), bytes: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 4000 }), (steps, capacityBytes) => {
        const window = new SendWindow({ capacityBytes, headRoomBytes: HEAD, chunkBytes: CHUNK });
        const model = new Model();
        const records: { at: number; bytes: number[] }[] = [];
        let next = 0;
        for (const { kind, bytes } of steps) {
          const payload = Uint8Array.from({ length: bytes }, (_, i) => (next + i) & 127);
          if (kind === 'copy') {
            if (!window.take(payload)) continue;
          } else if (kind === 'land') {
            const at = window.landingAt();
            if (at < 0) continue;
            window.bytes.set(payload, at);
            expect(window.take(window.bytes.subarray(at, at + bytes), at)).toBe(true);
          } else if (kind === 'send') {
            if (window.unsentRecords === 0) continue;
            const record = headAndPayload(window);
            expect(record).toEqual(model.unsent.splice(0, record.length));
            records.push({ at: window.unsentAt, bytes: record });
            window.markSent();
          } else if (window.inFlightRecords > 0) {
            window.releaseOldest();
            records.shift();
          }
          if (kind === 'copy' || kind === 'land') {
            model.unsent.push(...payload);
            next += bytes;
          }
          expect(window.unsentBytes).toBe(model.unsent.length);
          expect(window.usedBytes).toBeLessThanOrEqual(window.bytes.length);
          // What was sent is still there, to be sent again.
          for (const record of records)
            expect([...window.bytes.subarray(record.at, record.at + record.bytes.length)]).toEqual(record.bytes);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps every byte in bursts and lulls, when a place is chosen long before a read lands there, too', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new Random(seed);
      const window = new SendWindow({ capacityBytes: random.between(330, 5000), headRoomBytes: HEAD, chunkBytes: CHUNK });
      const taken: number[] = [];
      const released: number[] = [];
      const sent: { at: number; bytes: number }[] = [];
      let [releasing, at] = [1, -1];
      for (let step = 0; step < 600; step += 1) {
        if (random.chance(0.02)) releasing = random.between(1, 9);
        // A place is kept while records are sent and released, but not while others are taken.
        if (at < 0) at = window.landingAt();
        if (random.between(0, 9) >= releasing) {
          const bytes = Uint8Array.from({ length: random.between(1, CHUNK) }, (_, i) => (taken.length + i) & 255);
          if (at >= 0) window.bytes.set(bytes, at);
          if (window.take(at < 0 ? bytes : window.bytes.subarray(at, at + bytes.length), at)) taken.push(...bytes);
          else expect(at).toBe(-1);
          at = -1;
        } else if (window.unsentRecords > 0 && random.chance(0.6)) {
          headAndPayload(window);
          sent.push({ at: window.unsentAt, bytes: window.unsentRecordBytes });
          window.markSent();
        } else if (sent.length > 0) {
          const { at: from, bytes } = sent.shift() as { at: number; bytes: number };
          released.push(...window.bytes.subarray(from, from + bytes));
          window.releaseOldest();
        }
        const records = window.inFlightRecords + window.unsentRecords;
        expect(window.usedBytes).toBeGreaterThanOrEqual(taken.length - released.length + records * HEAD);
      }
      expect(released).toEqual(taken.slice(0, released.length));
    }
  });

  it('does not go on with a read that landed on what was taken since its place was chosen', () => {
    const window = new SendWindow({ capacityBytes: 1000, headRoomBytes: HEAD, chunkBytes: CHUNK });
    const at = window.landingAt();
    expect(window.take(new Uint8Array(CHUNK))).toBe(true);
    expect(() => window.take(window.bytes.subarray(at, at + CHUNK), at)).toThrow(RangeError);
  });

  it('has room again with half of it free; a large one much sooner, though it is crowded still', () => {
    for (const [capacityBytes, freeBytes] of [
      [1_048_576, 524_288],
      [33_554_432, 2_097_152],
    ] as const) {
      const window = new SendWindow({ capacityBytes, headRoomBytes: 0, chunkBytes: 65_536 });
      const record = new Uint8Array(65_536);
      while (window.take(record)) window.markSent();
      let released = 0;
      while (!window.roomy) {
        expect(window.crowded).toBe(true);
        window.releaseOldest();
        released += record.length;
      }
      expect(released).toBe(freeBytes);
      expect(window.crowded).toBe(freeBytes * 2 < capacityBytes);
    }
  });

  it('takes a third of itself sooner or later, and never more than it is', () => {
    const window = new SendWindow({ capacityBytes: 1000, headRoomBytes: HEAD, chunkBytes: CHUNK });
    expect(window.take(new Uint8Array(1001))).toBe(false);
    expect(window.take(new Uint8Array(300))).toBe(true);
    expect(window.take(new Uint8Array(300))).toBe(true);
    window.markSent();
    window.markSent();
    window.releaseOldest();
    expect(window.take(new Uint8Array(300))).toBe(true);
    expect(window.roomy).toBe(false);
    window.releaseOldest();
    window.markSent();
    window.releaseOldest();
    expect([window.empty, window.usedBytes, window.roomy]).toEqual([true, 0, true]);
  });
});

it('never asks for a copy between regions that overlap, wherever a small read landed', () => {
  const copy = (target: Uint8Array, source: Uint8Array, at: number): void => {
    const from = source.buffer === target.buffer ? source.byteOffset - target.byteOffset : -Infinity;
    if (from < at + source.length && at < from + source.length) throw new Error(`${source.length} bytes from ${from} to ${at}`);
    target.set(source, at);
  };
  const memory = { allocate: (bytes: number) => new Uint8Array(bytes), copy };
  const window = new SendWindow({ capacityBytes: 1000, headRoomBytes: HEAD, chunkBytes: CHUNK, memory });
  const all = Uint8Array.from({ length: 70 }, (_, i) => i);
  expect(window.take(all.subarray(0, 20))).toBe(true);
  const at = window.landingAt();
  window.bytes.set(all.subarray(20), at);
  expect(window.take(window.bytes.subarray(at, at + 50), at)).toBe(true);
  expect(window.unsentRecords).toBe(1);
  expect([...window.bytes.subarray(window.unsentAt, window.unsentAt + 70)]).toEqual([...all]);
});
