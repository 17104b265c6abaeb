// What overtakes its session is kept, in order and within bounds.
import { describe, expect, it } from 'vitest';
import type { SignalMessage } from '../../native-free/envelope/index.js';
import { EARLY_TUNABLES, EarlyItems, signalBytes } from '../../native-free/session/index.js';

describe('early items', () => {
  it('come out once, in order, for their session only', () => {
    const early = new EarlyItems<string>();
    for (const item of ['offer', 'candidate', 'data']) expect(early.put('a', item, 0)).toBe('held');
    early.put('b', 'other', 0);
    expect(early.take('a')).toEqual(['offer', 'candidate', 'data']);
    expect([early.take('a'), early.take('none'), early.size]).toEqual([[], [], 1]);
  });

  it('beyond what one session may hold are refused, and the first ones kept', () => {
    const early = new EarlyItems<number>({ maxItemsPerSid: 3 });
    expect([1, 2, 3, 4, 5].map((item) => early.put('a', item, 0))).toEqual(['held', 'held', 'held', 'sid-full', 'sid-full']);
    expect([early.take('a'), early.droppedFull]).toEqual([[1, 2, 3], 2]);
  });

  it('of the oldest session make room for a new one', () => {
    const early = new EarlyItems<number>({ maxSids: 2 });
    early.put('a', 1, 0);
    early.put('a', 2, 0);
    early.put('b', 3, 1);
    early.put('c', 4, 2);
    expect([early.take('a'), early.take('b'), early.take('c'), early.droppedEvicted]).toEqual([[], [3], [4], 2]);
  });

  it('are bounded in bytes together, and taking them frees the bytes', () => {
    const early = new EarlyItems<Uint8Array>({ maxBytes: 100, sizeBytes: (item) => item.byteLength });
    expect(early.put('a', new Uint8Array(60), 0)).toBe('held');
    expect(early.put('b', new Uint8Array(60), 0)).toBe('bytes-full');
    expect([early.heldBytes, early.size]).toEqual([60, 1]);
    early.take('a');
    expect([early.put('b', new Uint8Array(60), 0), early.heldBytes]).toEqual(['held', 60]);
  });

  it('that are signals count with every text a peer can make long', () => {
    const early = new EarlyItems<SignalMessage>({ ...EARLY_TUNABLES, sizeBytes: signalBytes });
    const long = 'x'.repeat(1_000_000);
    const signals = [{ tok: long }, { err: long }, { adr: [long] }, { knd: long }].map(
      (texts) => ({ typ: 14, sid: 's', knd: 'k', ...texts }) as const,
    );
    expect(signals.map((signal) => early.put('s', signal, 0))).toEqual(['held', 'held', 'bytes-full', 'bytes-full']);
    expect(early.heldBytes).toBeLessThanOrEqual(EARLY_TUNABLES.maxBytes);
  });

  it('whose session does not come expire, counted from the first', () => {
    const early = new EarlyItems<number>({ ttlMs: 1000, sizeBytes: () => 8 });
    early.put('a', 1, 0);
    early.put('a', 2, 900);
    early.put('b', 3, 500);
    expect(early.timeoutMs()).toBe(1000);
    early.handleTimeout(1000);
    expect([early.take('a'), early.droppedExpired, early.timeoutMs(), early.heldBytes]).toEqual([[], 2, 1500, 8]);
    early.put('c', 4, 2000);
    expect([early.take('b'), early.droppedExpired, early.take('c'), early.timeoutMs()]).toEqual([[], 3, [4], undefined]);
  });
});
