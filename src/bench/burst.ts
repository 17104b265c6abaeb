// A burst run from start to verdict: scene, bursts with probes going on beside them, telemetry read after the sockets closed, assertions, clean-up.
import { HotlinkError } from '../../native-free/errors.js';
import type { Telemetry } from '../telemetry/index.js';
import { telemetryFailures } from './assertions.js';
import type { BurstOptions } from './burst-options.js';
import { type BurstResult, emptyResult, type LinkResult, partyTelemetry } from './burst-result.js';
import { payloadBytesOf } from './frame-source.js';
import { carriedBy } from './lanes.js';
import { type Link, planLinks } from './layout.js';
import { type LinkRun, linkName, runBothWays, runLink } from './link-run.js';
import { telemetryAfter } from './party.js';
import { Prober, probe } from './probes.js';
import { Sandbox } from './sandbox.js';

export type BurstEvent =
  | { kind: 'talk'; text: string }
  | { kind: 'progress'; link: string; bytes: number; totalBytes: number }
  | { kind: 'link'; link: string; phase: string; result: LinkResult };

/**
 * Runs a burst. What goes wrong is in the result, with the exit code it deserves.
 * @throws only the signal's reason when aborted, after everything was cleaned up
 */
export async function runBurst(options: BurstOptions, onEvent: (event: BurstEvent) => void, signal: AbortSignal): Promise<BurstResult> {
  const result = emptyResult(options);
  const abort = new AbortController();
  const stopAll = (): void => abort.abort(signal.reason);
  signal.addEventListener('abort', stopAll);
  let sandbox: Sandbox | undefined;
  let bursts: Promise<LinkRun[]> | undefined;
  try {
    signal.throwIfAborted();
    onEvent({ kind: 'talk', text: `starting a relay and ${options.links === 3 ? 'three' : 'two'} parties` });
    const linkCount = options.links;
    sandbox = await Sandbox.open({ ...options, linkCount, plan: (ports) => planLinks(linkCount, ports) }, abort.signal);
    bursts = burstAll(sandbox, options, result, onEvent, abort.signal);
    const runs = await Promise.race([bursts, sandbox.failed]);
    signal.throwIfAborted();
    await readTelemetry(sandbox, options, runs, result);
  } catch (error) {
    result.failures.push(error instanceof Error ? error.message : String(error));
    if (error instanceof HotlinkError && error.code === 'ERR_HLNK_STRICT') result.exitCode = 75;
  } finally {
    signal.removeEventListener('abort', stopAll);
    abort.abort(new Error('the run is over'));
    // When a party left early the applications are still there; the signal ends them.
    await bursts?.catch(() => undefined);
    await sandbox?.close();
  }
  signal.throwIfAborted();
  conclude(result);
  return result;
}

async function burstAll(
  sandbox: Sandbox,
  options: BurstOptions,
  result: BurstResult,
  onEvent: (event: BurstEvent) => void,
  signal: AbortSignal,
): Promise<LinkRun[]> {
  const totalBytes = payloadBytesOf({ link: '', ...options });
  // Both ways an end's first bytes may arrive before the other application is there: a probe of ours that a busy machine holds up would take them.
  const prober = new Prober(options.bothWays ? [] : sandbox.ports);
  const runs: LinkRun[] = [];
  const run = async (link: Link, phase: string): Promise<LinkRun> => {
    const name = linkName(link);
    const onProgress = (bytes: number): void => onEvent({ kind: 'progress', link: name, bytes, totalBytes });
    const one = options.bothWays
      ? await runBothWays(link, phase, options, signal)
      : await runLink(link, phase, options, onProgress, signal);
    onEvent({ kind: 'link', link: name, phase, result: one.result });
    return one;
  };
  try {
    for (const phase of options.phases) {
      const these: LinkRun[] = [];
      if (phase === 'concurrent') these.push(...(await Promise.all(sandbox.links.map((link) => run(link, phase)))));
      // After a failed link the next would only wait for its time-out as well.
      else for (const link of sandbox.links) if (runs.concat(these).every((one) => one.result.digestOk)) these.push(await run(link, phase));
      runs.push(...these);
      const results = these.map((one) => one.result);
      if (phase === options.phases[0]) result.links = results;
      else result.concurrent = results;
      // Ended from outside: what the links say then is an echo of the cause, which is reported by whoever ended them.
      if (signal.aborted) break;
      for (const failed of results.filter((one) => !one.digestOk)) {
        result.failures.push(`${failed.from} → ${failed.to}: ${failed.error ?? 'failed'}`);
      }
      if (result.failures.length > 0) break;
    }
  } finally {
    await prober.stop();
    result.probes = prober.probes;
  }
  return runs;
}

async function readTelemetry(sandbox: Sandbox, options: BurstOptions, runs: readonly LinkRun[], result: BurstResult): Promise<void> {
  const endedMs = Math.floor(Math.max(0, ...runs.map((run) => run.endedMs)));
  const complete = result.failures.length === 0;
  // One more round: a daemon that counts its probes has news, and writes them within a second instead of at its next heartbeat.
  await Promise.all(sandbox.ports.map(probe));
  const files = new Map<string, Telemetry>();
  for (const party of sandbox.parties) {
    const expected = complete ? expectedBytes(party.email, result, options.bothWays === true) : { tx: 0, rx: 0 };
    const file = await telemetryAfter(party, endedMs, (seen) => seen.tx_bytes >= expected.tx && seen.rx_bytes >= expected.rx);
    if (!file) {
      result.failures.push(`${party.email}: no telemetry file`);
      continue;
    }
    if (file.updated_ms < endedMs) result.failures.push(`${party.email}: the telemetry file is older than the end of the bursts`);
    files.set(party.email, file);
    result.telemetry.push(partyTelemetry(party.email, file));
  }
  for (const link of sandbox.links) {
    const lane = laneOf(files.get(link.from.email), link.from.port);
    for (const one of [...result.links, ...(result.concurrent ?? [])]) {
      if (one.from === link.from.email && one.to === link.to.email) one.lane = lane;
    }
  }
  result.failures.push(...telemetryFailures(options, result.telemetry, new Set(result.links.map((link) => link.from))));
  if (options.strict && result.telemetry.some((party) => party.strict_violations > 0)) result.exitCode = 75;
}

function expectedBytes(email: string, result: BurstResult, bothWays: boolean): { tx: number; rx: number } {
  const all = [...result.links, ...(result.concurrent ?? [])];
  const sum = (end: 'from' | 'to'): number => all.filter((one) => one[end] === email).reduce((bytes, one) => bytes + one.bytes, 0);
  // Both ways, half of a link's bytes went either way.
  const both = (sum('from') + sum('to')) / 2;
  return bothWays ? { tx: both, rx: both } : { tx: sum('from'), rx: sum('to') };
}

/** The sender's own counters of that channel tell what carried it. */
function laneOf(file: Telemetry | undefined, port: number): LinkResult['lane'] {
  return carriedBy(file?.live.proxies.find((one) => one.port === port));
}

function conclude(result: BurstResult): void {
  result.minMibPerSecond = result.links.length === 0 ? 0 : Math.min(...result.links.map((link) => link.mibPerSecond));
  result.ok = result.failures.length === 0;
  if (result.ok) result.exitCode = 0;
}
