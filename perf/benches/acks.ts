// `npm run perf -- acks`: what acknowledgements, credit and loss repair cost. The burst between two hotlinks that know each other, and between
// the same two with recognition off (so: upstream's protocol, nothing acknowledged, no credit), in turns within one run, with the same
// packets and the same frames. Which goes first changes from round to round.

import { runBurst } from '../../src/bench/burst.js';
import { burstDefaults } from '../../src/bench/burst-options.js';
import { machine } from '../../src/bench/machine.js';
import { roundsInTime } from '../in-time.js';
import type { PerfResult } from '../results.js';
import { median, series } from '../series.js';

/** The same for both: the product's `auto` on one host, and upstream's frame, the largest that both kinds of peers take. */
const MTU = 4096;
const CHUNK_BYTES = 61_440;
const TIMEOUT_MS = 120_000;

export interface AcksPerfOptions {
  frameCount: number;
  repeat: number;
  budgetMs: number;
  sha256: boolean;
  signal: AbortSignal;
  talk: (text: string) => void;
}

/** @throws Error when a run did not carry every byte */
export async function perfAcks({ frameCount, repeat, budgetMs, sha256, signal, talk }: AcksPerfOptions): Promise<PerfResult> {
  const { frameBytes } = burstDefaults;
  const run = async (ownPeers: boolean): Promise<number> => {
    const settings = { HOTLINK_OWN_PEERS: ownPeers ? '1' : '0', HOTLINK_CHUNK: String(CHUNK_BYTES) };
    const burst = {
      ...burstDefaults,
      frameCount,
      links: 1 as const,
      sha256,
      mtu: MTU,
      chunkBytes: CHUNK_BYTES,
      timeoutMs: TIMEOUT_MS,
      settings,
    };
    const result = await runBurst(burst, () => undefined, signal);
    if (!result.ok) throw new Error(result.failures.join('\n'));
    return result.links[0]?.mibPerSecond ?? 0;
  };
  const samples = { own: [] as number[], plain: [] as number[] };
  const pairs: number[] = [];
  for (const round of roundsInTime({ repeat, budgetMs })) {
    const order = round % 2 === 1 ? (['own', 'plain'] as const) : (['plain', 'own'] as const);
    for (const one of order) samples[one].push(await run(one === 'own'));
    const [own, plain] = [samples.own.at(-1) as number, samples.plain.at(-1) as number];
    pairs.push(own / plain);
    talk(`round ${round}: with acknowledgements ${own}, without ${plain} MiB/s`);
  }
  return {
    bench: 'acks',
    at: new Date().toISOString(),
    machine: machine(),
    parameters: { frameCount, frameBytes, repeat, mtu: MTU, chunkBytes: CHUNK_BYTES, sha256 },
    series: [
      series('own peers: acknowledgements, credit, repair', 'MiB/s', samples.own),
      series('recognition off: none of them', 'MiB/s', samples.plain),
      series('ratio of each pair', '%', pairs.map(percent)),
    ],
    ratios: { 'with / without': percent(median(samples.own) / median(samples.plain)) / 100 },
  };
}

/** To a tenth. */
function percent(ratio: number): number {
  return Math.round(ratio * 1000) / 10;
}
