// `hotlink bench stream`: one channel, one connection, one way or both ways at once, every byte checked.
import { type BenchOptions, type BenchResult, endWith, runInScene } from './bench-run.js';
import { mibPerSecond } from './burst-result.js';
import { startExchange } from './exchange-application.js';
import { runLink } from './link-run.js';

export interface StreamOptions extends BenchOptions {
  frameCount: number;
  frameBytes: number;
  bothWays: boolean;
}

interface StreamFigures {
  bothWays: boolean;
  /** Payload, over both directions. */
  bytes: number;
  /** From the first write to the last verified byte. */
  seconds: number;
  mibPerSecond: number;
}

export type StreamResult = BenchResult & StreamFigures;

/** @throws only the signal's reason when aborted */
export function runStream(options: StreamOptions, signal: AbortSignal): Promise<StreamResult> {
  const { frameCount, frameBytes, bothWays, timeoutMs } = options;
  const empty: StreamFigures = { bothWays, bytes: 0, seconds: 0, mibPerSecond: 0 };
  return runInScene(
    'stream',
    options,
    1,
    empty,
    async (sandbox, failures, ending) => {
      const link = sandbox.links[0]!;
      if (!bothWays) {
        const { result } = await runLink(link, 'stream', { frameCount, frameBytes, sha256: false, timeoutMs }, () => undefined, ending);
        if (!result.digestOk) failures.push(result.error ?? 'it did not finish');
        return { bothWays, bytes: result.bytes, seconds: result.seconds, mibPerSecond: result.mibPerSecond };
      }
      const ends = ([link.to, link.from] as const).map(({ port }, index) =>
        startExchange({ link: 'stream', frameCount, frameBytes, side: index === 0 ? 'b' : 'a', address: `127.0.0.1:${port}`, timeoutMs }),
      );
      const undo = endWith(
        ending,
        ends.map(({ child }) => child),
      );
      const reports = await Promise.all(ends.map(({ report }) => report));
      await Promise.all(ends.map(({ child }) => child.exited));
      undo();
      for (const report of reports) if (!report.ok) failures.push(report.error ?? 'it did not finish');
      const whole = reports.filter((report) => 'bytes' in report);
      if (whole.length < 2 || failures.length > 0) return empty;
      const bytes = whole.reduce((sum, report) => sum + report.bytes, 0);
      const seconds =
        (Math.max(...whole.map(({ verifiedMs }) => verifiedMs)) - Math.min(...whole.map(({ startedMs }) => startedMs))) / 1000;
      return { bothWays, bytes, seconds: Math.round(seconds * 1000) / 1000, mibPerSecond: mibPerSecond(bytes, seconds) };
    },
    signal,
  );
}
