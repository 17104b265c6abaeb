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

  // A socket is not read while no read would find a place to land.
  it.each([0, 1])('gets it although its application is not read until a read fits (%i)', (more) => {
    const pair = new Pair({ windowBytes: 262_144, chunkBytes: 61_440 }).session();
    pair.lane('webrtc');
    const stream = pair.open();
    const startedMs = pair.nowMs;
    let sent = pair.send(stream, 1);
    const fits = (): boolean => (stream.window?.landingAt() ?? -1) >= 0;
    for (let round = 0; round < 200; round += 1) {
      while (fits()) sent += pair.send(stream, 8192 + more, 8192 + more);
      pair.settle();
      expect(fits()).toBe(true);
    }
    expect(pair.nowMs).toBe(startedMs);
    expect(pair.b.bytes(1)).toBe(sent);
  });

  // Three of them leave a place for a read, and none for a fourth.
  it('gets it for a record that is larger than a read', () => {
    const pair = new Pair({ windowBytes: 262_144, chunkBytes: 61_440 }).session();
    pair.lane('webrtc');
    const stream = pair.open();
    const startedMs = pair.nowMs;
    let sent = 0;
    for (let round = 0; round < 200; round += 1) {
      sent += pair.send(stream, 66_000, 66_000);
      pair.settle();
    }
    expect(pair.nowMs).toBe(startedMs);
    expect(sent).toBeGreaterThan(100 * 66_000);
    expect(pair.b.bytes(1)).toBe(sent);
  });
});
