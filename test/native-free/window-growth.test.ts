// A send window that grows while it is in use: what is in it stays, in place and in order.

import { expect, it } from 'vitest';
import { SendWindow } from '../../native-free/channel/index.js';
import { Random } from '../../native-free/sim/index.js';
import { counting, Pair } from './channel-pair.js';

it('a window that grows at any moment gives back exactly what it took', () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const random = new Random(seed);
    const window = new SendWindow({ capacityBytes: 1000, ceilingBytes: 10_000, headRoomBytes: 10, chunkBytes: 100 });
    const expected: number[] = [];
    const read: number[] = [];
    const sent: Uint8Array[] = [];
    let next = 0;
    for (let step = 0; step < 400; step += 1) {
      const what = random.between(0, 9);
      if (what < 5) {
        const bytes = Uint8Array.from({ length: random.between(1, 100) }, (_, i) => (next + i) & 255);
        if (window.take(bytes)) {
          expected.push(...bytes);
          next += bytes.length;
        }
      } else if (what < 7 && window.unsentRecords > 0) {
        sent.push(window.bytes.subarray(window.unsentAt, window.unsentAt + window.unsentRecordBytes));
        window.markSent();
      } else if (what < 9 && sent.length > 0) {
        // Whatever was written meanwhile must not have touched it.
        read.push(...(sent.shift() as Uint8Array));
        window.releaseOldest();
      } else if (random.chance(0.1)) window.grow(random.between(500, 12_000));
      expect(window.usedBytes).toBeLessThanOrEqual(window.capacityBytes);
      expect(window.capacityBytes).toBeLessThanOrEqual(10_000);
    }
    while (window.unsentRecords > 0) {
      sent.push(window.bytes.subarray(window.unsentAt, window.unsentAt + window.unsentRecordBytes));
      window.markSent();
    }
    for (const bytes of sent) read.push(...bytes);
    expect(read).toEqual(expected);
  }
});

it('a window without a ceiling stays as it is', () => {
  const window = new SendWindow({ capacityBytes: 1000, headRoomBytes: 10, chunkBytes: 100 });
  expect(window.grow(5000)).toBe(0);
  expect(window.capacityBytes).toBe(1000);
});

/** Fills the window again and again while all of it is on its way. @returns its memory at the end, bytes */
function filled(far: boolean): number {
  const pair = new Pair({ windowBytes: 65_536, farWindowBytes: 262_144, chunkBytes: 4096 });
  if (far) pair.a.core.goFar(true);
  pair.session().lane('direct');
  const stream = pair.open();
  let sent = 0;
  for (let round = 0; round < 8; round += 1) {
    sent += pair.send(stream, 4096 * 100, 4096);
    pair.settle();
  }
  expect(pair.b.bytes(1)).toBe(sent);
  expect(pair.b.delivered.get(1)?.slice(0, 4096)).toEqual(counting(4096));
  return pair.a.count('windowBytes');
}

it('a window grows, up to its ceiling, where the way is long and all that is in it is on its way', () => {
  expect(filled(true)).toBe(262_144);
});

it('a window on a short way stays as it is', () => {
  expect(filled(false)).toBe(65_536);
});

it('a window that grows while its records wrap counts what lies in it, not what it has got', () => {
  const window = new SendWindow({ capacityBytes: 4000, ceilingBytes: 32_000, headRoomBytes: 10, chunkBytes: 90 });
  const put = (): void => {
    expect(window.take(new Uint8Array(90))).toBe(true);
    window.markSent();
  };
  for (let i = 0; i < 22; i += 1) put();
  for (let i = 0; i < 25; i += 1) {
    window.releaseOldest();
    put();
  }
  expect(window.usedBytes).toBe(2200);
  expect(window.roomy).toBe(false);
  expect(window.grow(8000)).toBe(4000);
  expect(window.usedBytes).toBe(2200);
  expect(window.roomy).toBe(true);
});
