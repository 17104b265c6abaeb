// The channel core over thousands of bad networks. A seed that fails is printed with its last events; `simulate(seed)` is that run again.

import { describe, expect, it } from 'vitest';
import { replay, simulate } from '../../native-free/sim/index.js';

/** Enough to meet every kind of fault hundreds of times; a million go through test/sim-million.ts. */
const SEEDS = 10_000;

describe('two channel cores over a bad network', () => {
  it(`keep their promise in ${SEEDS} runs`, { timeout: 180_000 }, () => {
    let deliveredBytes = 0;
    let gaveUp = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const outcome = simulate(seed);
      if (outcome.failure !== undefined) throw new Error(`seed ${seed}: ${outcome.failure}\n${replay(seed).trace.join('\n')}`);
      deliveredBytes += outcome.deliveredBytes;
      gaveUp += outcome.failures;
    }
    // The network is bad, and yet not so bad that nothing would be proven.
    expect(deliveredBytes / SEEDS).toBeGreaterThan(2000);
    expect(gaveUp / SEEDS).toBeLessThan(0.1);
  });

  it.each([
    [3_073_480, 'a peer given up right after its lane had changed'],
    [3_145_918, 'a peer shut out by the late word of an earlier start of it'],
    [3_344_683, 'numbers mixed up by such a word'],
    [7_054_416, 'a lane that was too small for one frame and never used again'],
    [8_438_228, 'credit begged for a stream that was taken for unused'],
    [10_281_357, 'a stream that waited for a forbidden lane without limit'],
  ])('and in run %i, which once failed: %s', (seed) => {
    expect(simulate(seed).failure).toBeUndefined();
  });

  it('run the same way twice', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const [first, second] = [replay(seed), replay(seed)];
      expect(second).toEqual(first);
      expect(first.events).toBe(simulate(seed).events);
    }
  });
});
