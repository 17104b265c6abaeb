// The whole of it over an emulated wide-area link: two data planes as processes, a path that loses packets, and a lane that gets more peer connections by itself.

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hotlink } from '../../perf/contenders/hotlink.js';
import { placesOf } from '../../perf/place.js';
import { rounds, transferFor, withRoute } from '../../perf/runs.js';
import { WanLink, wanLinkUnavailable } from '../../perf/wan-link.js';
import type { HotlinkOptions } from '../../src/index.js';
import { absent } from '../support/absent.js';

const skip = absent('striped lanes over a wide-area link', wanLinkUnavailable());
const never = new AbortController().signal;

interface Found {
  /** What the lane was made of. */
  connections: number;
  bytes: number;
  /** UDP packets of more than {@link LARGE} bytes that came to the receiver's machine. */
  large: number;
}

const LARGE = 1400;

/** A stream for so long over 50 ms with losses. @param fate of large packets, as nft says it; undefined: they are not looked at */
async function over(options: Partial<HotlinkOptions>, seconds: number, fate?: 'accept' | 'drop'): Promise<Found> {
  await using link = await WanLink.open({ delayMs: 25, rateMbit: 200, lossPercent: 0.2 });
  if (fate !== undefined) {
    link.b.run('nft', 'add table inet path');
    link.b.run('nft', 'add chain inet path in { type filter hook input priority 0; }');
    link.b.run('nft', `add rule inet path in meta l4proto udp meta length > ${LARGE} counter ${fate}`);
  }
  let connections = 0;
  const onConnections = (count: number): void => {
    connections = count;
  };
  const { bytes } = await withRoute(hotlink({ lane: 'webrtc', options, onConnections }), placesOf(link), never, async (route) => {
    await rounds(route, { messageBytes: 1000, rounds: 3, warmUp: 0, lengthFirst: false });
    return transferFor(route, seconds);
  });
  const counted = fate === undefined ? '' : link.b.run('nft', 'list chain inet path in');
  return { connections, bytes, large: Number(/counter packets (\d+)/.exec(counted)?.[1] ?? 0) };
}

function nftUnavailable(): string | undefined {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'nft is not installed';
  }
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

const skipPackets = absent('packet sizes of striped lanes', wanLinkUnavailable() ?? nftUnavailable());

describe.skipIf(skipPackets)('packets of further peer connections (needs root, cc, /dev/net/tun and nft)', () => {
  it('are as large as the path shows that it carries', { timeout: 60_000 }, async () => {
    const { connections, large } = await over({}, 6, 'accept');
    expect(connections).toBeGreaterThan(1);
    expect(large).toBeGreaterThan(500);
  });

  it('are what every path carries where larger ones do not get through', { timeout: 60_000 }, async () => {
    const { connections, bytes, large } = await over({}, 8, 'drop');
    expect(connections).toBeGreaterThan(1);
    expect(bytes).toBeGreaterThan(1_000_000);
    // Probes, and their repetitions by the stack; a stream's would be thousands.
    expect(large).toBeGreaterThan(0);
    expect(large).toBeLessThan(200);
  });
});
