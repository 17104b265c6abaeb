// `npm run perf -- burst`: our burst over WebRTC, a bare data-channel pair and plain TCP, taken in turns within one run, so that a machine that drifts
// drifts for all of them. The ratio of ours to bare is the figure to watch; absolute ones belong to the machine and the hour.

import { runBurst } from '../src/bench/burst.js';
import { burstDefaults } from '../src/bench/burst-options.js';
import { machine } from '../src/bench/machine.js';
import { runBarePair } from './bare-pair.js';
import { runPlainTcp } from './plain-tcp.js';
import type { PerfResult } from './results.js';
import { median, series } from './series.js';

/** Same-host packets (the product's `auto`), the largest the stack reads. */
const SAME_HOST_MTU = 4096;
const LARGE_MESSAGE_BYTES = 256 * 1024;
/** The product's frame payload. */
const FRAME_MESSAGE_BYTES = 60 * 1024;
const TIMEOUT_MS = 120_000;

export interface BurstPerfOptions {
  frameCount: number;
  repeat: number;
  mtu?: number;
  links: 1 | 3;
  sha256: boolean;
  signal: AbortSignal;
  talk: (text: string) => void;
}

/** @throws Error when a run did not carry every byte: a figure of a broken run is worse than none */
export async function perfBurst(options: BurstPerfOptions): Promise<PerfResult> {
  const { frameCount, mtu, links, sha256, signal, talk } = options;
  const { frameBytes } = burstDefaults;
  const totalBytes = frameCount * frameBytes;
  const bareMtu = mtu ?? SAME_HOST_MTU;
  const ours: number[] = [];
  const bareLarge: number[] = [];
  const bareFrame: number[] = [];
  const tcp: number[] = [];
  for (let round = 1; round <= options.repeat; round++) {
    const burst = { ...burstDefaults, frameCount, links, sha256, timeoutMs: TIMEOUT_MS, ...(mtu === undefined ? {} : { mtu }) };
    const result = await runBurst(burst, () => undefined, signal);
    if (!result.ok) throw new Error(result.failures.join('\n'));
    ours.push(...result.links.map((link) => link.mibPerSecond));
    const bare = { totalBytes, mtu: bareMtu, timeoutMs: TIMEOUT_MS, signal };
    bareLarge.push(await runBarePair({ ...bare, messageBytes: LARGE_MESSAGE_BYTES }));
    bareFrame.push(await runBarePair({ ...bare, messageBytes: FRAME_MESSAGE_BYTES }));
    tcp.push(await runPlainTcp({ frameCount, frameBytes, sha256, timeoutMs: TIMEOUT_MS }));
    talk(`round ${round}: ours ${ours.at(-1)}, bare ${bareLarge.at(-1)} and ${bareFrame.at(-1)}, tcp ${tcp.at(-1)} MiB/s`);
  }
  const best = Math.max(median(bareLarge), median(bareFrame));
  return {
    bench: 'burst',
    at: new Date().toISOString(),
    machine: machine(),
    parameters: { frameCount, frameBytes, repeat: options.repeat, mtu: mtu ?? 'auto', bareMtu, links, sha256 },
    series: [
      series('ours', 'MiB/s', ours),
      series('bare data channel, 256 KiB messages', 'MiB/s', bareLarge),
      series('bare data channel, 60 KiB messages', 'MiB/s', bareFrame),
      series('plain TCP, same applications', 'MiB/s', tcp),
    ],
    ratios: { 'ours / bare data channel': ratio(median(ours), best), 'ours / plain TCP': ratio(median(ours), median(tcp)) },
  };
}

function ratio(a: number, b: number): number {
  return Math.round((a / b) * 100) / 100;
}
