// A thread whose event loop does not turn is reported once, and once more when it goes on; a look that comes late itself reports nobody.
import { describe, expect, it } from 'vitest';
import { createThreadHealth, ThreadHealthWriter } from '../../native-free/index.js';
import { STILL_MS, StillThreads } from '../../src/control/still-threads.js';

const quiet = { utilization: 0, delayMeanMs: 0, delayP99Ms: 0, delayMaxMs: 0 };

function scene() {
  const memory = createThreadHealth();
  const main = new ThreadHealthWriter(memory, 'main', 0);
  const channel = new ThreadHealthWriter(memory, 'channel', 3);
  const still = new StillThreads(memory);
  /** One look a second from `from` to `to`, seconds; the channel thread speaks until `silentFrom`. */
  const run = (from: number, to: number, silentFrom: number) => {
    const said: string[] = [];
    for (let second = from; second <= to; second += 1) {
      main.write({ atMs: second * 1000, ...quiet });
      if (second < silentFrom) channel.write({ atMs: second * 1000, ...quiet });
      const { stopped, went } = still.look(second * 1000);
      said.push(...stopped.map(({ role, threadId, forMs }) => `${second} s: ${role} ${threadId} still for ${forMs} ms`));
      said.push(...went.map(({ threadId }) => `${second} s: ${threadId} goes on`));
    }
    return said;
  };
  return { run };
}

describe('a thread that stands still', () => {
  it('is reported once when it has said nothing for a while, and once when it speaks again', () => {
    const { run } = scene();
    expect(run(100, 120, 110)).toEqual([`${109 + STILL_MS / 1000} s: channel 3 still for ${STILL_MS} ms`]);
    expect(run(121, 130, Number.POSITIVE_INFINITY)).toEqual(['121 s: 3 goes on']);
  });

  it('is not reported by a main thread that was held up itself until the others had their turn', () => {
    const { run } = scene();
    expect(run(100, 105, Number.POSITIVE_INFINITY)).toEqual([]);
    // The machine slept for a minute; the channel thread is the last to wake up.
    expect(run(165, 165, 0)).toEqual([]);
    expect(run(166, 170, Number.POSITIVE_INFINITY)).toEqual([]);
  });
});
