// The reorder window against a sorted list, and the stories around its limits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReorderWindow } from '../../native-free/reorder.js';

const roomy = { maxBytes: 1e6, maxFrames: 1000 };

function deliverAll(window: ReorderWindow<number>, seqs: readonly number[], bytes = 1): number[] {
  const out: number[] = [];
  for (const seq of seqs) {
    if (window.accept(seq, bytes, seq, 0) !== 'deliver') continue;
    out.push(seq);
    for (let item = window.next(); item !== undefined; item = window.next()) out.push(item);
  }
  return out;
}

describe('ordering', () => {
  it('any order with any duplicates comes out once each, in order, as a sort would have it', () => {
    const arrivals = fc.integer({ min: 1, max: 60 }).chain((count) => {
      const all = Array.from({ length: count }, (_, i) => i + 1);
      return fc.tuple(
        fc.shuffledSubarray(all, { minLength: count, maxLength: count }),
        fc.array(fc.tuple(fc.nat(count - 1), fc.nat(2 * count)), { maxLength: 30 }),
        fc.integer({ min: 1, max: 1e9 }),
      );
    });
    fc.assert(
      fc.property(arrivals, ([order, duplicates, firstSeq]) => {
        const seqs = order.map((n) => n + firstSeq - 1);
        for (const [which, where] of duplicates) seqs.splice(where, 0, order[which]! + firstSeq - 1);
        const window = new ReorderWindow<number>({ ...roomy, firstSeq });
        const oracle = [...new Set(seqs)].sort((a, b) => a - b);
        expect(deliverAll(window, seqs, 7)).toEqual(oracle);
        expect(window.duplicates).toBe(seqs.length - oracle.length);
        expect([window.heldFrames, window.heldBytes, window.gapSinceMs()]).toEqual([0, 0, undefined]);
        expect(window.nextSeq).toBe(firstSeq + order.length);
      }),
      { numRuns: 300 },
    );
  });

  it('a prefix with holes delivers exactly up to the first hole and holds the rest', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 50 })), (seqs) => {
        const window = new ReorderWindow<number>(roomy);
        let firstMissing = 1;
        while (seqs.includes(firstMissing)) firstMissing += 1;
        expect(deliverAll(window, seqs)).toEqual(Array.from({ length: firstMissing - 1 }, (_, i) => i + 1));
        expect(window.heldFrames).toBe(seqs.length - (firstMissing - 1));
        expect(window.heldBytes).toBe(window.heldFrames);
      }),
      { numRuns: 200 },
    );
  });

  it('the held frame that comes again before the run is drained is still a duplicate', () => {
    const window = new ReorderWindow<string>(roomy);
    expect(window.accept(2, 1, 'b', 0)).toBe('held');
    expect(window.accept(2, 1, 'b again', 0)).toBe('duplicate');
    expect(window.accept(1, 1, 'a', 0)).toBe('deliver');
    expect(window.accept(2, 1, 'b once more', 0)).toBe('duplicate');
    expect(window.next()).toBe('b');
    expect(window.next()).toBeUndefined();
    expect(window.accept(2, 1, 'b late', 0)).toBe('duplicate');
    expect(window.duplicates).toBe(3);
  });

  it('numbers that are none are invalid, not duplicates', () => {
    const window = new ReorderWindow<string>(roomy);
    for (const seq of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) expect(window.accept(seq, 1, 'x', 0)).toBe('invalid');
    expect(window.accept(Number.MAX_SAFE_INTEGER, 1, 'x', 0)).toBe('held');
    expect(window.duplicates).toBe(0);
  });
});

describe('limits', () => {
  it('is full at its count of frames, yet lets the missing frame through', () => {
    const window = new ReorderWindow<number>({ maxBytes: 1e6, maxFrames: 2 });
    expect([2, 3, 4].map((seq) => window.accept(seq, 1, seq, 0))).toEqual(['held', 'held', 'full']);
    expect(deliverAll(window, [1, 4])).toEqual([1, 2, 3, 4]);
  });

  it('is full at its bytes, counted exactly', () => {
    const window = new ReorderWindow<number>({ maxBytes: 100, maxFrames: 1000 });
    expect(window.accept(2, 60, 2, 0)).toBe('held');
    expect(window.accept(3, 41, 3, 0)).toBe('full');
    expect(window.accept(3, 40, 3, 0)).toBe('held');
    expect(window.heldBytes).toBe(100);
    expect(window.accept(1, 1000, 1, 0)).toBe('deliver');
    expect([window.next(), window.next(), window.next()]).toEqual([2, 3, undefined]);
    expect(window.heldBytes).toBe(0);
  });
});

describe('the age of a hole', () => {
  it('is that of the oldest frame waiting behind it, also after the hole has moved on', () => {
    const window = new ReorderWindow<number>(roomy);
    expect(window.gapSinceMs()).toBeUndefined();
    window.accept(5, 1, 5, 100);
    window.accept(3, 1, 3, 200);
    expect(window.gapSinceMs()).toBe(100);
    window.accept(1, 1, 1, 300);
    expect(window.gapSinceMs()).toBe(100);
    window.accept(7, 1, 7, 400);
    window.accept(2, 1, 2, 500);
    expect(window.next()).toBe(3);
    expect(window.gapSinceMs()).toBe(100);
    window.accept(4, 1, 4, 600);
    expect(window.next()).toBe(5);
    expect(window.next()).toBeUndefined();
    expect(window.gapSinceMs()).toBe(400);
  });

  it('clearing forgets what is held and keeps the place in the stream', () => {
    const window = new ReorderWindow<number>(roomy);
    deliverAll(window, [1, 2, 4, 5]);
    window.clear();
    expect([window.heldFrames, window.heldBytes, window.nextSeq, window.gapSinceMs()]).toEqual([0, 0, 3, undefined]);
    expect(deliverAll(window, [3, 4])).toEqual([3, 4]);
  });
});

it('says what a list of what waits would say, near and thousands of frames ahead, after every single arrival', () => {
  // Jumps beyond the slots, numbers beyond 32 bits, several arrivals in one millisecond.
  const step = fc.tuple(fc.oneof(fc.nat(3), fc.nat(200), fc.nat(9000)), fc.nat(2), fc.integer({ min: 0, max: 50 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(1, 2 ** 31 - 5, 2 ** 32 - 40, 2 ** 40), (steps, firstSeq) => {
      const window = new ReorderWindow<number>({ maxBytes: 2000, maxFrames: 60, firstSeq });
      const waiting = new Map<number, { bytes: number; at: number }>();
      let next = firstSeq;
      let now = 0;
      for (const [ahead, later, bytes] of steps) {
        now += later;
        const seq = next + ahead;
        const held = [...waiting.values()].reduce((sum, one) => sum + one.bytes, 0);
        const expected = waiting.has(seq)
          ? 'duplicate'
          : seq === next
            ? 'deliver'
            : waiting.size >= 60 || held + bytes > 2000
              ? 'full'
              : 'held';
        expect(window.accept(seq, bytes, seq, now)).toBe(expected);
        if (expected === 'held') waiting.set(seq, { bytes, at: now });
        if (expected === 'deliver') {
          next += 1;
          for (let item = window.next(); item !== undefined; item = window.next()) {
            expect(item).toBe(next);
            expect(waiting.delete(item)).toBe(true);
            next += 1;
          }
          expect(waiting.has(next)).toBe(false);
        }
        expect(window.nextSeq).toBe(next);
        expect(window.heldFrames).toBe(waiting.size);
        expect(window.heldBytes).toBe([...waiting.values()].reduce((sum, one) => sum + one.bytes, 0));
        expect(window.gapSinceMs()).toBe(waiting.size === 0 ? undefined : Math.min(...[...waiting.values()].map(({ at }) => at)));
      }
    }),
    { numRuns: 500 },
  );
});
