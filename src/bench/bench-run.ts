// What the small benchmarks share: two parties, some channels between them, something done with them, and a look at what carried it. Whatever
// goes wrong is in the result; everything started is gone at the end.
import { HotlinkError } from '../../native-free/errors.js';
import type { PartyScene } from './burst-options.js';
import { type BenchLane, type CarriedBy, carriedBy } from './lanes.js';
import { planChannels } from './layout.js';
import { type Machine, machine } from './machine.js';
import { telemetryAfter } from './party.js';
import { Sandbox } from './sandbox.js';

export interface BenchOptions {
  lane: BenchLane;
  /** A fallback ends the run with exit code 75. */
  strict: boolean;
  mtu?: number | 'auto';
  timeoutMs: number;
  partyLogDir?: string;
  /** Settings of both parties on top, by their variables. */
  settings?: Readonly<Record<string, string>>;
}

/** What every benchmark's JSON begins with. */
export interface BenchResult {
  bench: string;
  lane: BenchLane;
  ok: boolean;
  /** What carried it, by the sending party's counters. */
  carriedBy: CarriedBy;
  /** One sentence per thing that is not as it should be. */
  failures: string[];
  /** The process's exit code for this outcome. */
  exitCode: number;
  machine: Machine;
}

/**
 * Sets the scene, runs `work` in it, and judges.
 * @param work gives the figures; may push to `failures`
 * @throws only the signal's reason when aborted, after everything was cleaned up
 */
export async function runInScene<F extends object>(
  bench: string,
  options: BenchOptions,
  channels: number,
  empty: F,
  work: (sandbox: Sandbox, failures: string[], signal: AbortSignal) => Promise<F>,
  signal: AbortSignal,
): Promise<BenchResult & F> {
  const result: BenchResult = {
    bench,
    lane: options.lane,
    ok: false,
    carriedBy: 'unknown',
    failures: [],
    exitCode: 1,
    machine: machine(),
  };
  let figures = empty;
  const abort = new AbortController();
  const stopAll = (): void => abort.abort(signal.reason);
  signal.addEventListener('abort', stopAll);
  let sandbox: Sandbox | undefined;
  let working: Promise<F> | undefined;
  try {
    signal.throwIfAborted();
    const scene: PartyScene = { ...options, refuseWebrtc: false };
    const plan = (ports: readonly number[]) => planChannels(channels, ports);
    const logs = options.partyLogDir === undefined ? {} : { partyLogDir: options.partyLogDir };
    sandbox = await Sandbox.open({ ...scene, ...logs, linkCount: channels, plan }, abort.signal);
    working = work(sandbox, result.failures, abort.signal);
    figures = await Promise.race([working, sandbox.failed]);
    signal.throwIfAborted();
    const file = await telemetryAfter(sandbox.parties[0]!, 0, (seen) => carriedBy(seen) !== 'unknown');
    result.carriedBy = carriedBy(file);
    if (options.lane !== 'auto' && result.carriedBy !== options.lane) {
      result.failures.push(`it was to be carried by ${options.lane}, and was by ${result.carriedBy}`);
    }
  } catch (error) {
    result.failures.push(error instanceof Error ? error.message : String(error));
    if (error instanceof HotlinkError && error.code === 'ERR_HLNK_STRICT') result.exitCode = 75;
  } finally {
    signal.removeEventListener('abort', stopAll);
    abort.abort(new Error('the run is over'));
    // When a party left early the applications are still there; the signal ends them.
    await working?.catch(() => undefined);
    await sandbox?.close();
  }
  signal.throwIfAborted();
  result.ok = result.failures.length === 0;
  if (result.ok) result.exitCode = 0;
  return { ...result, ...figures };
}

/** Ends a child when the signal aborts. @returns undoes it */
export function endWith(signal: AbortSignal, children: readonly { stop(): Promise<unknown> }[]): () => void {
  const end = (): void => {
    for (const child of children) void child.stop();
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  return () => signal.removeEventListener('abort', end);
}
