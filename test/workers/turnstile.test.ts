// Hundreds of channels ask for a peer connection at the same moment; the thread lets so many begin as come up well together, and nobody waits for one that hangs.
import { describe, expect, it, vi } from 'vitest';
import { Turnstile } from '../../workers/channel/turnstile.js';

const PATIENCE_MS = 1000;

/** Five who want in where two may be inside. */
function five() {
  const turnstile = new Turnstile(2, PATIENCE_MS);
  const begun: number[] = [];
  const turns = [0, 1, 2, 3, 4].map((who) => turnstile.turn(() => begun.push(who)));
  for (const turn of turns) turn.enter();
  return { turnstile, begun, turns };
}

describe('peer connections of one thread', () => {
  it('begin in the order they were asked for, each when one before it is up', () => {
    const { begun, turns } = five();
    expect(begun).toEqual([0, 1]);
    turns[1]?.leave();
    turns[1]?.leave();
    expect(begun).toEqual([0, 1, 2]);
    turns[0]?.leave();
    turns[2]?.leave();
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });

  it('do not begin any more when they were given up while they waited', () => {
    const { begun, turns } = five();
    turns[2]?.leave();
    turns[0]?.leave();
    expect(begun).toEqual([0, 1, 3]);
  });

  it('do not wait for one whose peer does not answer', () => {
    vi.useFakeTimers();
    try {
      const { begun } = five();
      vi.advanceTimersByTime(PATIENCE_MS);
      expect(begun).toEqual([0, 1, 2, 3]);
      vi.advanceTimersByTime(PATIENCE_MS);
      expect(begun).toEqual([0, 1, 2, 3, 4]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that fail as they begin leave their place to the next at once', () => {
    const turnstile = new Turnstile(1, PATIENCE_MS);
    const begun: number[] = [];
    const failing = turnstile.turn(() => {
      begun.push(0);
      failing.leave();
    });
    const next = turnstile.turn(() => begun.push(1));
    failing.enter();
    next.enter();
    expect(begun).toEqual([0, 1]);
    next.leave();
  });
});
