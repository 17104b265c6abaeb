// The fault matrix: real processes, real sockets, both directions at once, SHA-256 end to end. Every row ends byte-exact, or with a reset
// that both applications see within the bound. Rows that cut UDP run in a network namespace of their own (root and nft).
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../native-free/index.js';
import { residentBoundBytes, STALL_GROWTH_BYTES } from '../../src/config/memory-bound.js';
import type { RowResult } from '../support/fault-row.js';
import { RELAY_AWAY_MS } from '../support/fault-rows.js';

const SCRIPT = new URL('../support/fault-row.js', import.meta.url).pathname;

function canCutUdp(): boolean {
  try {
    execFileSync('unshare', ['-n', 'nft', 'list', 'tables'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const namespaces = canCutUdp();
if (!namespaces && process.env['HOTLINK_REQUIRE'] === 'all')
  throw new Error('HOTLINK_REQUIRE=all: rows that cut UDP need root, unshare and nft');

async function run(row: string, isolated: boolean): Promise<RowResult> {
  const [program, args] = isolated
    ? ['unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"', process.execPath, SCRIPT, row]]
    : [process.execPath, [SCRIPT, row]];
  const child = spawn(program as string, args as string[], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [printed, complaints] = ['', ''];
  child.stdout?.on('data', (data) => {
    printed += data;
  });
  child.stderr?.on('data', (data) => {
    complaints += data;
    if (process.env['FAULT_LOG'] !== undefined) process.stderr.write(data);
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`the row "${row}" ended with ${code ?? signal}: ${complaints}`);
  return JSON.parse(printed) as RowResult;
}

describe.sequential('streams', () => {
  it.skipIf(!namespaces)('go on exactly when WebRTC is cut in mid-burst for 5 s (needs root and nft)', { timeout: 90_000 }, async () => {
    const result = await run('webrtc cut (udp dropped 5 s)', true);
    expect(result).toMatchObject({ outcome: 'exact', detail: '' });
    expect(result.lanes.relay).toBeGreaterThan(0);
  });

  it.skipIf(!namespaces).each(['direct cut (its tcp dropped 5 s)', 'direct cut (its tcp reset for 5 s)'])(
    'go on exactly over the lanes left when the best is cut, and come back to it: %s (needs root and nft)',
    { timeout: 120_000 },
    async (row) => {
      const result = await run(row, true);
      expect(result).toMatchObject({ outcome: 'exact', detail: '' });
      expect(result.lanes.p2p).toBeGreaterThan(result.lanes.direct);
    },
  );

  it('go on exactly when every live peer connection is closed under a daemon, six times over', { timeout: 150_000 }, async () => {
    const result = await run('peer connections closed again and again', false);
    expect(result).toMatchObject({ outcome: 'exact', detail: '' });
    expect(result.closed).toHaveLength(6);
    expect(Math.min(...result.closed)).toBeGreaterThan(0);
  });

  it('hardly notice when one of the peer connections that make their lane is closed, six times over', { timeout: 150_000 }, async () => {
    const result = await run('one of three peer connections closed again and again', false);
    expect(result).toMatchObject({ outcome: 'exact', detail: '', lanes: { direct: 0, relay: 0 } });
    expect(result.closed).toHaveLength(6);
    // The lane is not made anew, which takes seconds.
    expect(Math.min(...result.closed)).toBeGreaterThanOrEqual(3);
  });

  it.each([
    'half-close, the opener first, direct',
    'half-close, the opener first, webrtc',
    'half-close, the opener first, relay',
    'half-close, the other side first, direct',
    'half-close, the other side first, webrtc',
    'half-close, the other side first, relay',
  ])('of which one direction ends carry the other on exactly: %s', { timeout: 120_000 }, async (row) => {
    const result = await run(row, false);
    expect(result).toMatchObject({ outcome: 'exact', detail: '' });
    expect(result.afterEndBytes).toBeGreaterThan(64_000_000);
  });

  it('do not even pause when the relay is killed and restarted while WebRTC carries', { timeout: 90_000 }, async () => {
    const result = await run('relay killed and restarted, webrtc carrying', false);
    expect(result).toMatchObject({ outcome: 'exact', detail: '' });
    expect(result.lanes.relay).toBe(0);
    // What hung on the relay would stand still for as long as that is away.
    expect(Math.max(...result.pauseMs)).toBeLessThan(RELAY_AWAY_MS - 1000);
  });

  it('go on exactly when the relay that carries them is killed and restarted with its memory gone', { timeout: 90_000 }, async () => {
    expect(await run('relay killed and restarted, relay carrying', false)).toMatchObject({ outcome: 'exact', detail: '' });
  });

  it.skipIf(!namespaces)(
    'go on exactly when WebRTC and relay are both gone for 5 s (needs root and nft)',
    { timeout: 90_000 },
    async () => {
      expect(await run('webrtc and relay both gone for 5 s', true)).toMatchObject({ outcome: 'exact', detail: '' });
    },
  );

  it.skipIf(!namespaces)(
    'go on exactly after an outage of everything that lasts longer than a silent peer is waited for (needs root and nft)',
    { timeout: 120_000 },
    async () => {
      expect(await run('webrtc gone for 20 s, relay for 15 s of it', true)).toMatchObject({ outcome: 'exact', detail: '' });
    },
  );

  it.skipIf(!namespaces)(
    'move from the relay to WebRTC in mid-burst when it comes up (needs root and nft)',
    { timeout: 120_000 },
    async () => {
      const result = await run('relay upgraded to webrtc', true);
      expect(result).toMatchObject({ outcome: 'exact', detail: '' });
      expect(result.lanes.p2p).toBeGreaterThan(20);
    },
  );

  it('are exact through a relay that loses, repeats and reorders messages', { timeout: 90_000 }, async () => {
    expect(await run('messages lost, duplicated and reordered by the relay', false)).toMatchObject({ outcome: 'exact', detail: '' });
  });

  it('end with a reset on both sides when one application is killed', { timeout: 90_000 }, async () => {
    const result = await run('application killed', false);
    expect(result).toMatchObject({ outcome: 'reset', detail: '' });
    // Far below the time after which silence tells.
    expect(result.resetMs).toBeLessThan(5000);
  });

  it('end with a reset on both sides at once when a daemon is stopped in mid-burst', { timeout: 90_000 }, async () => {
    const result = await run('peer stopped', false);
    expect(result).toMatchObject({ outcome: 'reset', detail: '' });
    expect(result.resetMs).toBeLessThan(5000);
  });
});

describe.concurrent('a killed peer', () => {
  /** The default of peerLossMs, counted from the kill to the last application's reset. */
  const BOUND_MS = DEFAULT_LIMITS.peerLossMs;

  const rows = ['direct', 'webrtc', 'relay'].flatMap((lane) => [`peer killed, ${lane}`, `idle peer killed, ${lane}`]);
  it.each([...rows, 'peer killed, webrtc and nothing else'])(
    `ends its streams with a reset within ${BOUND_MS / 1000} s: %s`,
    { timeout: 90_000 },
    async (row) => {
      const result = await run(row, false);
      expect(result).toMatchObject({ outcome: 'reset', detail: '' });
      expect(result.resetMs).toBeLessThanOrEqual(BOUND_MS);
    },
  );
});

describe.concurrent('memory and silence', () => {
  it.each(['direct', 'webrtc', 'relay'])(
    'a receiver that stalls for 60 s costs no more than the stated bound on either side, over %s',
    { timeout: 150_000 },
    async (lane) => {
      const result = await run(`receiver stalled 60 s, ${lane}`, false);
      expect(result).toMatchObject({ outcome: 'exact', detail: '' });
      expect(result.residentBytes).toBeLessThan(residentBoundBytes(DEFAULT_LIMITS.windowBytes));
      expect(result.growthBytes).toBeLessThan(STALL_GROWTH_BYTES);
    },
  );

  it('senders that are silent for 60 s, far longer than a dead peer would be allowed, are not cut off', { timeout: 150_000 }, async () => {
    expect(await run('senders silent 60 s', false)).toMatchObject({ outcome: 'exact', detail: '' });
  });
});
