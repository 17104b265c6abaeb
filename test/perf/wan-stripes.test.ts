// The whole of it over an emulated wide-area link: two data planes as processes, a path that loses packets, and a lane that gets more peer connections by itself.

import { describe, expect, it } from 'vitest';
import { hotlink } from '../../perf/contenders/hotlink.js';
import { placesOf } from '../../perf/place.js';
import { rounds, transferFor, withRoute } from '../../perf/runs.js';
import { WanLink, wanLinkUnavailable } from '../../perf/wan-link.js';
import type { HotlinkOptions } from '../../src/index.js';
import { absent } from '../support/absent.js';

const skip = absent('striped lanes over a wide-area link', wanLinkUnavailable());
const never = new AbortController().signal;

/** A stream for so long over 50 ms with losses. @returns what the lane was made of, and that bytes came through */
async function over(options: Partial<HotlinkOptions>, seconds: number): Promise<{ connections: number; bytes: number }> {
  await using link = await WanLink.open({ delayMs: 25, rateMbit: 200, lossPercent: 0.2 });
  let connections = 0;
  const onConnections = (count: number): void => {
    connections = count;
  };
  const { bytes } = await withRoute(hotlink({ lane: 'webrtc', options, onConnections }), placesOf(link), never, async (route) => {
    await rounds(route, { messageBytes: 1000, rounds: 3, warmUp: 0, lengthFirst: false });
    return transferFor(route, seconds);
  });
  return { connections, bytes };
}

describe.skipIf(skip)('a stream over a long path that loses packets (needs root, cc and /dev/net/tun)', () => {
  it('is carried by several peer connections', { timeout: 60_000 }, async () => {
    const { connections, bytes } = await over({}, 8);
    expect(connections).toBeGreaterThan(1);
    expect(bytes).toBeGreaterThan(1_000_000);
  });

  it('is carried by one where that was asked for', { timeout: 60_000 }, async () => {
    const { connections, bytes } = await over({ stripes: 1 }, 2);
    expect(connections).toBe(1);
    expect(bytes).toBeGreaterThan(100_000);
  });
});
