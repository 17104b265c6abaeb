// Copies into and out of shared memory: every byte, wherever the two ends lie.
import { describe, expect, it } from 'vitest';
import { copyInto, copyOf } from '../../workers/memory.js';

const shared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes));

describe('a copy into shared memory', () => {
  it.each([0, 1, 127, 128, 129, 4095, 70_001])(
    'of %i bytes is exact at any alignment of both ends and touches nothing beside it',
    (length) => {
      for (let skew = 0; skew < 9; skew++) {
        const source = Uint8Array.from({ length: length + skew }, (_, at) => 1 + (at % 251)).subarray(skew);
        const target = shared(length + 32);
        copyInto(target, source, 16 - skew);
        expect(Buffer.compare(target.subarray(16 - skew, 16 - skew + length), source)).toBe(0);
        expect(target.subarray(0, 16 - skew).every((byte) => byte === 0)).toBe(true);
        expect(target.subarray(16 - skew + length).every((byte) => byte === 0)).toBe(true);
      }
    },
  );

  it('that does not fit is refused, as `set` refuses it, and not cut', () => {
    for (const length of [100, 1000]) expect(() => copyInto(shared(length + 9), new Uint8Array(length), 10)).toThrow(RangeError);
  });
});

it('a copy out of shared memory is memory of its own', () => {
  const source = shared(1000).fill(7);
  const copy = copyOf(source.subarray(3, 903));
  source.fill(9);
  expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
  expect(copy.length).toBe(900);
  expect(copy.every((byte) => byte === 7)).toBe(true);
});
