// `hotlink bench pingpong`: half-duplex rounds between two applications through two daemons, and how long each took.
import { type BenchOptions, type BenchResult, endWith, runInScene } from './bench-run.js';
import { type Percentiles, percentiles } from './percentiles.js';
import { startAnswerer, startAsker } from './rounds-application.js';

export interface PingpongOptions extends BenchOptions {
  sizeBytes: number;
  rounds: number;
  /** The applications write an 8-byte length and the body separately, without TCP_NODELAY. */
  nagle: boolean;
}

interface PingpongFigures extends Percentiles {
  sizeBytes: number;
  rounds: number;
  nagle: boolean;
  /** The first round of all, which opens the session, microseconds. */
  firstUs: number;
  seconds: number;
}

export type PingpongResult = BenchResult & PingpongFigures;

/** Rounds before those that count: the session opens, buffers grow, the compiler wakes up. */
const warmUpOf = (rounds: number): number => Math.max(1, Math.min(200, Math.ceil(rounds / 10)));

/** @throws only the signal's reason when aborted */
export function runPingpong(options: PingpongOptions, signal: AbortSignal): Promise<PingpongResult> {
  const { sizeBytes, rounds, nagle } = options;
  const empty: PingpongFigures = { sizeBytes, rounds, nagle, firstUs: 0, seconds: 0, ...percentiles([]) };
  return runInScene(
    'pingpong',
    options,
    1,
    empty,
    async (sandbox, failures, ending) => {
      const { from, to } = sandbox.links[0]!;
      const shape = { messageBytes: sizeBytes, rounds, warmUp: warmUpOf(rounds), lengthFirst: nagle, noDelay: !nagle };
      const answerer = startAnswerer({ ...shape, address: `127.0.0.1:${to.port}`, timeoutMs: options.timeoutMs });
      await answerer.ready;
      const asker = startAsker({ ...shape, address: `127.0.0.1:${from.port}`, timeoutMs: options.timeoutMs });
      const undo = endWith(ending, [answerer.child, asker.child]);
      const asked = await asker.report;
      if (!asked.ok) await answerer.child.stop();
      const answered = await answerer.report;
      await Promise.all([asker.child.exited, answerer.child.exited]);
      undo();
      if (!asked.ok) failures.push(`asking: ${asked.error}`);
      if (!answered.ok) failures.push(`answering: ${answered.error}`);
      if (!('p50Us' in asked)) return empty;
      const { p50Us, p90Us, p99Us, p999Us, maxUs, firstUs, startedMs, endedMs } = asked;
      return { ...empty, p50Us, p90Us, p99Us, p999Us, maxUs, firstUs, seconds: Math.round(endedMs - startedMs) / 1000 };
    },
    signal,
  );
}
