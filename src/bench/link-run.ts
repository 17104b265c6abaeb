// One link of a burst: the receiving application dials its daemon, then the sending one does, and both are waited for.
import { startReceiver, startSender } from './application.js';
import type { BurstOptions } from './burst-options.js';
import { type LinkResult, mibPerSecond } from './burst-result.js';
import { startExchange } from './exchange-application.js';
import type { Link } from './layout.js';

/** A report of the other end may still be on its way when one end has failed. */
const OTHER_END_MS = 500;

export interface LinkRun {
  result: LinkResult;
  /** When the last socket of this link began to close, unix ms. */
  endedMs: number;
}

/** Both ends send at once. Bytes, and the figure, are of both directions together; no digests are taken, every byte is compared. */
export async function runBothWays(
  link: Link,
  phase: string,
  options: Pick<BurstOptions, 'frameCount' | 'frameBytes' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<LinkRun> {
  const { frameCount, frameBytes, timeoutMs } = options;
  const shape = { link: `${phase} ${linkName(link)}`, frameCount, frameBytes, timeoutMs };
  const far = startExchange({ ...shape, side: 'b', address: `127.0.0.1:${link.to.port}` });
  await far.ready;
  const near = startExchange({ ...shape, side: 'a', address: `127.0.0.1:${link.from.port}` });
  const ends = [near, far];
  const endAll = (): void => {
    for (const { child } of ends) void child.stop();
  };
  signal.addEventListener('abort', endAll);
  const reports = await Promise.all(
    ends.map(async ({ report }) => {
      const one = await report;
      if (!one.ok) setTimeout(endAll, OTHER_END_MS).unref();
      return one;
    }),
  );
  await Promise.all(ends.map(({ child }) => child.exited));
  signal.removeEventListener('abort', endAll);
  const whole = reports.filter((report) => 'bytes' in report);
  const ok = reports.every((report) => report.ok);
  const bytes = whole.reduce((sum, report) => sum + report.bytes, 0);
  const startedMs = Math.min(...whole.map((report) => report.startedMs));
  const endedMs = Math.max(0, ...whole.map((report) => report.verifiedMs));
  const seconds = ok ? (endedMs - startedMs) / 1000 : 0;
  const result: LinkResult = {
    from: link.from.email,
    to: link.to.email,
    lane: 'unknown',
    bytes,
    seconds: Math.round(seconds * 1000) / 1000,
    mibPerSecond: mibPerSecond(bytes, seconds),
    digestOk: ok,
    ...(ok ? {} : { error: reports.flatMap((report) => report.error ?? []).join('; ') || 'it did not finish' }),
  };
  return { result, endedMs };
}

export function linkName(link: Link): string {
  return `${link.from.email} → ${link.to.email}`;
}

/**
 * Runs one link to its end. Never rejects for what the link does; a failure is a sentence in the result.
 * @param signal ends both applications at once
 */
export async function runLink(
  link: Link,
  phase: string,
  options: Pick<BurstOptions, 'frameCount' | 'frameBytes' | 'sha256' | 'timeoutMs'>,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<LinkRun> {
  const shape = {
    link: `${phase} ${linkName(link)}`,
    frameCount: options.frameCount,
    frameBytes: options.frameBytes,
    sha256: options.sha256,
    timeoutMs: options.timeoutMs,
  };
  const receiver = startReceiver({ ...shape, address: `127.0.0.1:${link.to.port}`, onProgress });
  const endReceiver = (): void => void receiver.child.stop();
  signal.addEventListener('abort', endReceiver);
  await receiver.ready;
  const sender = startSender({ ...shape, address: `127.0.0.1:${link.from.port}` });
  const endSender = (): void => void sender.child.stop();
  signal.addEventListener('abort', endSender);
  const sent = sender.report.then((report) => {
    if (!report.ok) setTimeout(endReceiver, OTHER_END_MS).unref();
    return report;
  });
  const received = receiver.report.then((report) => {
    if (!report.ok) setTimeout(endSender, OTHER_END_MS).unref();
    return report;
  });
  const [out, back] = await Promise.all([sent, received]);
  signal.removeEventListener('abort', endReceiver);
  signal.removeEventListener('abort', endSender);
  const errors = [out.error && `sender: ${out.error}`, back.error && `receiver: ${back.error}`].filter(Boolean);
  if (out.ok && back.ok && out.sha256 !== back.sha256) errors.push(`the digests differ: ${out.sha256} sent, ${back.sha256} received`);
  const ok = out.ok && back.ok && errors.length === 0;
  const seconds = ok ? (back.verifiedMs - out.startedMs) / 1000 : 0;
  const result: LinkResult = {
    from: link.from.email,
    to: link.to.email,
    lane: 'unknown',
    bytes: back.bytes,
    seconds: Math.round(seconds * 1000) / 1000,
    mibPerSecond: mibPerSecond(back.bytes, seconds),
    digestOk: ok,
    ...(back.sha256 === undefined ? {} : { sha256: back.sha256 }),
    ...(ok ? {} : { error: errors.join('; ') || 'it did not finish' }),
  };
  return { result, endedMs: Math.max(out.closedMs, back.endedMs) };
}
