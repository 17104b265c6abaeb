// The real thing, small: a relay, parties as processes, markers, probes, applications, telemetry. Each story takes a second or two.
import { describe, expect, it } from 'vitest';
import { type BurstEvent, runBurst } from '../../src/bench/burst.js';
import { type BurstOptions, burstDefaults } from '../../src/bench/burst-options.js';
import type { BurstResult } from '../../src/bench/burst-result.js';

const never = new AbortController().signal;
const small: BurstOptions = { ...burstDefaults, frameCount: 6, frameBytes: 700_001, timeoutMs: 20_000 };

async function run(over: Partial<BurstOptions>): Promise<BurstResult> {
  return runBurst({ ...small, ...over }, () => undefined, never);
}

describe('a burst', () => {
  it('arrives intact over WebRTC on three links, one by one and then at once, under strict', async () => {
    const events: BurstEvent[] = [];
    const result = await runBurst({ ...small, phases: ['sequential', 'concurrent'] }, (event) => events.push(event), never);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ bench: 'burst', lane: 'webrtc', strict: true, ok: true, exitCode: 0 });
    expect(result.links.map((link) => [link.lane, link.bytes, link.digestOk])).toEqual(Array(3).fill(['webrtc', 6 * 700_001, true]));
    expect(result.concurrent).toHaveLength(3);
    expect(result.minMibPerSecond).toBe(Math.min(...result.links.map((link) => link.mibPerSecond)));
    expect(result.telemetry).toHaveLength(3);
    for (const party of result.telemetry) {
      expect(party).toMatchObject({ tx_ws_packets: 0, ws_fallbacks: 0, strict_violations: 0 });
      expect(party.webrtc_connected).toBeGreaterThan(0);
    }
    expect(events.filter((event) => event.kind === 'link')).toHaveLength(6);
  }, 60_000);

  it('arrives intact over the relay and nothing else', async () => {
    const result = await run({ lane: 'relay', strict: false, links: 1 });
    expect(result.failures).toEqual([]);
    expect(result.links[0]).toMatchObject({ lane: 'relay', digestOk: true });
    expect(result.telemetry.every((party) => party.tx_p2p_packets === 0)).toBe(true);
  }, 60_000);

  it('falls back and finishes when WebRTC is refused', async () => {
    const result = await run({ lane: 'auto', refuseWebrtc: true, strict: false, links: 1 });
    expect(result.failures).toEqual([]);
    expect(result.links[0]).toMatchObject({ lane: 'relay', digestOk: true });
  }, 60_000);

  it('fails within seconds with exit 75 when WebRTC is refused under strict', async () => {
    const beganMs = performance.now();
    const result = await run({ lane: 'auto', refuseWebrtc: true, strict: true, links: 1 });
    expect(result).toMatchObject({ ok: false, exitCode: 75 });
    expect(result.failures.join('\n')).toContain('75');
    expect(performance.now() - beganMs).toBeLessThan(small.timeoutMs);
  }, 60_000);

  it('leaves nothing behind when it is aborted', async () => {
    const abort = new AbortController();
    const running = runBurst(
      { ...small, frameCount: 100_000, links: 1 },
      (event) => event.kind === 'progress' && abort.abort(new Error('enough')),
      abort.signal,
    );
    await expect(running).rejects.toThrow('enough');
  }, 60_000);
});
