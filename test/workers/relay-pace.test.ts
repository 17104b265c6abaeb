// How much is sent to a relay that may drop messages silently: a bounded number ahead of its last answer, and none lost track of.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RelayPace } from '../../workers/relay/pace.js';

let asked: string[];
let deaf: number;
let pace: RelayPace;
beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  deaf = 0;
  pace = new RelayPace(
    (sid) => asked.push(sid),
    () => {
      deaf += 1;
    },
  );
});
afterEach(() => {
  pace.close();
  vi.useRealTimers();
});

const send = (count: number): number => {
  let last = 0;
  for (let i = 0; i < count; i += 1) last = pace.sent();
  return last;
};

describe('pacing toward a relay that may drop', () => {
  it('asks every sixteen messages and stops at sixty-four without an answer', () => {
    send(63);
    expect([asked.length, pace.full]).toEqual([3, false]);
    send(1);
    expect([asked.length, pace.full]).toEqual([4, true]);
  });

  it('goes on with an answer, and a later one says as much of what came before', async () => {
    send(64);
    const room = pace.room();
    expect(pace.answered(asked[2] as string)).toBe(true);
    await room;
    expect([pace.full, pace.confirmed]).toEqual([false, 48]);
    expect(pace.answered(asked[0] as string)).toBe(true);
    expect(pace.confirmed).toBe(48);
  });

  it('asks about the last messages of a burst too, and again when the answer does not come', () => {
    const last = send(5);
    vi.advanceTimersByTime(50);
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(2000);
    expect(asked).toHaveLength(3);
    pace.answered(asked[2] as string);
    expect(pace.confirmed).toBe(last);
    vi.advanceTimersByTime(60_000);
    expect(asked).toHaveLength(3);
  });

  it('waits for as long as a relay that has answered before is busy', () => {
    send(16);
    pace.answered(asked[0] as string);
    send(64);
    vi.advanceTimersByTime(60_000);
    expect([pace.full, deaf]).toEqual([true, 0]);
  });

  it('does not wait for ever for a relay that does not know the question', async () => {
    send(64);
    const room = pace.room();
    vi.advanceTimersByTime(12_000);
    await room;
    expect([pace.full, deaf]).toEqual([false, 1]);
  });

  it('is not held up by a relay that drops nothing, and still learns what it took', () => {
    pace.trust();
    send(1000);
    expect(pace.full).toBe(false);
    pace.answered(asked.at(-1) as string);
    expect(pace.confirmed).toBe(992);
  });

  it('says when everything was taken, or that it took too long', async () => {
    send(3);
    let taken = 0;
    const count = (): void => {
      taken += 1;
    };
    void pace.taken(1000).then(count);
    expect([asked.length, pace.pending]).toEqual([1, true]);
    pace.answered(asked[0] as string);
    await vi.advanceTimersByTimeAsync(0);
    expect([taken, pace.pending]).toEqual([1, false]);
    send(1);
    void pace.taken(1000).then(count);
    await vi.advanceTimersByTimeAsync(999);
    expect(taken).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(taken).toBe(2);
  });

  it('begins again with another connection, and takes no answer of the one before', () => {
    send(64);
    const before = asked[3] as string;
    pace.reset();
    expect([pace.full, pace.confirmed]).toEqual([false, 0]);
    expect(pace.answered(before)).toBe(false);
  });

  it('does not take an error about somebody else’s session for an answer', () => {
    send(16);
    expect(pace.answered('6f1d0b7e-2c34-4a55-9e0f-1b2c3d4e5f60')).toBe(false);
    expect(pace.confirmed).toBe(0);
  });
});
