// Part of `npm run perf -- burst`: one link of the product's strict WebRTC burst against a bare data channel, both with datagrams of the same size. The clock runs
// from the application's first write to the last byte, so ours includes opening the session; enough frames that it and compiling do not decide.
import { runBurst } from '../../src/bench/burst.js';
import { burstDefaults } from '../../src/bench/burst-options.js';
import { LARGE_MESSAGE_BYTES, runBareStream, SAME_HOST_MTU } from '../bare-pair.js';
import { LOOPBACK } from '../place.js';
import type { Recorder } from '../series.js';
import { type BenchRun, scaled } from './bench.js';

const { frameBytes } = burstDefaults;
export const STRICT_FRAMES = 750;
/** Toward upstream peers a frame is no larger. */
const SMALL_MESSAGE_BYTES = 61_440;
const TIMEOUT_MS = 120_000;

export const STRICT_GROUP = `one link, strict WebRTC, from the first write on, datagrams of ${SAME_HOST_MTU} bytes on all rows`;
export const STRICT_OURS = 'hotlink, webrtc, strict, default settings';
export const STRICT_BARE_LARGE = 'bare data channel, messages of 256 KiB';
export const STRICT_BARE_SMALL = 'bare data channel, messages of 60 KiB';
const RATE = 'MiB/s';

/** @throws Error when a run did not carry every byte */
export async function strictBurst(recorder: Recorder, round: number, { scale, signal }: BenchRun): Promise<void> {
  const frameCount = scaled(STRICT_FRAMES, scale, 2);
  const rows: [name: string, run: () => Promise<number>][] = [
    [STRICT_OURS, () => ours(frameCount, signal)],
    [STRICT_BARE_LARGE, () => bare(LARGE_MESSAGE_BYTES, frameCount, signal)],
    [STRICT_BARE_SMALL, () => bare(SMALL_MESSAGE_BYTES, frameCount, signal)],
  ];
  if (round % 2 === 0) rows.reverse();
  for (const [name, run] of rows) recorder.add(STRICT_GROUP, name, RATE, RATE, await run());
}

async function ours(frameCount: number, signal: AbortSignal): Promise<number> {
  // `auto`, the default, is SAME_HOST_MTU where both ends are on one machine.
  const options = { ...burstDefaults, frameCount, links: 1, strict: true, sha256: false, mtu: 'auto', timeoutMs: TIMEOUT_MS } as const;
  const found = await runBurst(options, () => undefined, signal);
  if (!found.ok) throw new Error(found.failures.join('\n'));
  return found.links[0]?.mibPerSecond ?? 0;
}

async function bare(messageBytes: number, frameCount: number, signal: AbortSignal): Promise<number> {
  const task = { messageBytes, totalBytes: frameCount * frameBytes };
  const { bytes, seconds } = await runBareStream(task, { ...LOOPBACK, mtu: SAME_HOST_MTU, timeoutMs: TIMEOUT_MS, signal });
  return bytes / 2 ** 20 / seconds;
}
