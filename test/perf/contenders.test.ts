// Everyone who takes part in comparisons carries what the applications send, whole and in both directions, and is gone afterwards.
import { describe, expect, it } from 'vitest';
import { runBareRounds, runBareStream } from '../../perf/bare-pair.js';
import { CONTENDERS } from '../../perf/contenders/index.js';
import { LOOPBACK } from '../../perf/place.js';
import { exchange, fleet, rounds, transfer, withRoute } from '../../perf/runs.js';
import { usageOf } from '../../src/bench/process-usage.js';

const never = new AbortController().signal;
const FRAMES = 3;

describe('a way between two applications', () => {
  for (const contender of CONTENDERS) {
    const why = contender.missing();
    if (why !== undefined && process.env['HOTLINK_REQUIRE'] === 'all') throw new Error(`HOTLINK_REQUIRE=all: ${contender.name}: ${why}`);
    it.skipIf(why !== undefined)(
      `${contender.name} carries a stream, one each way, rounds and many streams${why ? ` (${why})` : ''}`,
      { timeout: 60_000 },
      async () => {
        const frameBytes = contender.slow ? 20_001 : 300_001;
        const shape = { link: 'test', frameCount: FRAMES, frameBytes };
        const pids = await withRoute(contender, LOOPBACK, never, async (route) => {
          const asked = await rounds(route, { messageBytes: 1000, rounds: 5, warmUp: 0, lengthFirst: true }, false);
          expect(asked).toMatchObject({ ok: true, rounds: 5 });
          expect((await transfer(route, shape)).bytes).toBe(FRAMES * frameBytes);
          expect((await exchange(route, shape)).bytes).toBe(2 * FRAMES * frameBytes);
          expect((await fleet(route, 3, { ...shape, frameCount: 1 })).bytes).toBe(FRAMES * frameBytes);
          return route.pids;
        });
        if (process.platform === 'linux') expect(pids.filter((pid) => usageOf(pid) !== undefined)).toEqual([]);
      },
    );
  }
});

describe('a bare data channel', () => {
  it('carries so many bytes, and answers rounds larger than one message', { timeout: 60_000 }, async () => {
    const options = { ...LOOPBACK, timeoutMs: 30_000, signal: never };
    expect((await runBareStream({ messageBytes: 65_536, totalBytes: 1_000_001 }, options)).bytes).toBe(1_000_001);
    expect((await runBareRounds({ messageBytes: 600_000, rounds: 5, warmUp: 1 }, options)).p50Us).toBeGreaterThan(0);
  });
});
