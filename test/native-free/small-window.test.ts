// A send window smaller than what the receiver acknowledges by itself: room must not hang on the clock.
import { describe, expect, it } from 'vitest';
import { counting, Pair } from './channel-pair.js';

describe('a small send window that is full', () => {
  it('gets room as soon as its bytes have arrived, without a moment passing', () => {
    const pair = new Pair({ windowBytes: 65_536, chunkBytes: 4096 }).session();
    pair.lane('direct');
    const stream = pair.open();
    const startedMs = pair.nowMs;
    let sent = 0;
    for (let round = 0; round < 30; round += 1) {
      sent += pair.send(stream, 4096 * 40, 4096);
      pair.settle();
    }
    expect(pair.nowMs).toBe(startedMs);
    // Each round fills the window anew.
    expect(sent).toBeGreaterThan(20 * 65_536);
    expect(pair.b.bytes(1)).toBe(sent);
    expect(pair.b.delivered.get(1)?.slice(0, 4096)).toEqual(counting(4096));
  });
});
