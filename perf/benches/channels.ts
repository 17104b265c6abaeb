// `npm run perf -- channels`: 1, 8, 64 and 256 channels between two daemons, idle and busy; and as many connections through the peers' one way.

import { runChannels } from '../../src/bench/channels.js';
import { framesFor } from '../../src/bench/frame-source.js';
import { OUR_LANES } from '../contenders/index.js';
import { plainTcp } from '../contenders/plain.js';
import { sshForward } from '../contenders/ssh.js';
import { tlsProxy } from '../contenders/tls-proxy.js';
import { LOOPBACK } from '../place.js';
import { result } from '../results.js';
import { fleet, withRoute } from '../runs.js';
import { Recorder } from '../series.js';
import { takeTurns } from '../take-turns.js';
import { type Bench, scaled } from './bench.js';

const LANES = ['direct', 'webrtc'] as const;
const COUNTS = [1, 8, 64, 256] as const;
/** 64 MiB for each of 64 channels: what is asked is their rate when busy, not the price of their first megabytes. */
const TOTAL_MIB = 4096;
/** Of 256 only their memory and their rest are asked: full of bytes so many data channels of two cores hold each other up until some are given up (README.md). */
const MOST_MIB = 512;
const TIMEOUT_MS = 300_000;
const groupOf = (count: number): string => `${count} at once`;

export const channels: Bench = async ({ repeat, budgetMs, scale, signal, talk }) => {
  const recorder = new Recorder();
  const totalBytes = (count: number): number => scaled(count > 64 ? MOST_MIB : TOTAL_MIB, scale) * 2 ** 20;
  const ours = async (lane: 'direct' | 'webrtc', count: number): Promise<void> => {
    const found = await runChannels({ lane, strict: true, channels: count, totalBytes: totalBytes(count), timeoutMs: TIMEOUT_MS }, signal);
    if (!found.ok) throw new Error(`${count} channels over ${lane}: ${found.failures.join('; ')}`);
    const add = (metric: string, unit: string, value: number): void =>
      recorder.add(groupOf(count), `hotlink, ${lane}`, metric, unit, value);
    add('MiB/s', 'MiB/s', found.mibPerSecond);
    add('processor s/GiB', 's/GiB', found.cpuSecondsPerGib);
    add('idle MiB a channel', 'MiB', found.idleRssBytesPerChannel / 2 ** 20);
    add('idle, % of a core', '%', found.idleCpuPercent);
    add('threads a daemon', '', found.threads);
  };
  const contenders = [plainTcp, ...OUR_LANES.filter(({ name }) => LANES.some((lane) => name.endsWith(lane))), sshForward, tlsProxy];
  const { skipped } = await takeTurns(contenders, { repeat, budgetMs }, talk, signal, async (contender) => {
    const lane = LANES.find((one) => contender.ours && contender.name.endsWith(one));
    if (lane !== undefined) {
      for (const count of COUNTS) {
        await ours(lane, count);
        talk(`${count} channels over ${lane}`);
      }
      return;
    }
    await withRoute(contender, LOOPBACK, signal, async (route) => {
      for (const count of COUNTS) {
        const shape = { link: 'fleet', ...framesFor(totalBytes(count) / count) };
        const { bytes, seconds, cpuMs } = await fleet(route, count, shape);
        recorder.add(groupOf(count), contender.name, 'MiB/s', 'MiB/s', bytes / 2 ** 20 / seconds);
        if (cpuMs > 0) recorder.add(groupOf(count), contender.name, 'processor s/GiB', 's/GiB', cpuMs / 1000 / (bytes / 2 ** 30));
      }
    });
  });
  const rate = (lane: string, count: number): number => recorder.median(groupOf(count), `hotlink, ${lane}`, 'MiB/s');
  const ratios = Object.fromEntries(
    ['direct', 'webrtc'].map((lane) => [
      `hotlink, ${lane}: 64 channels / 1, MiB/s`,
      Math.round((rate(lane, 64) / rate(lane, 1)) * 100) / 100,
    ]),
  );
  return result('channels', { counts: COUNTS, mib: TOTAL_MIB * scale, repeat, scale }, { series: recorder.series, ratios, skipped });
};
