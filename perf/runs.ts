// Runs the applications through an open way: one transfer, both ways at once, rounds, many streams. Each run checks every byte; one that is not
// whole is an error, since a figure of a broken run is worse than none.
import { startReceiver, startSender } from '../src/bench/application.js';
import { startExchange } from '../src/bench/exchange-application.js';
import { startFleet } from '../src/bench/fleet-application.js';
import type { StreamShape } from '../src/bench/frame-source.js';
import { usageOfAll } from '../src/bench/process-usage.js';
import type { RoundsShape } from '../src/bench/round-message.js';
import type { AskReport } from '../src/bench/rounds.js';
import { startAnswerer, startAsker } from '../src/bench/rounds-application.js';
import type { Address, Contender, Route } from './contender.js';
import type { Places } from './place.js';

const TIMEOUT_MS = 300_000;

export interface OpenRoute extends Route, Places {
  target: Address;
}

/** A port that was free a moment ago may be some connection's by now. */
const PORT_ATTEMPTS = 3;

/** Opens a way, hands it to `work`, looks at what carried it, and closes it. Begins anew when its port was taken meanwhile. */
export async function withRoute<R>(
  contender: Contender,
  places: Places,
  signal: AbortSignal,
  work: (route: OpenRoute) => Promise<R>,
  mtu?: number,
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const target = { host: places.far.address, port: await places.far.freePort() };
    const route = await contender.open({ ...places, target, signal, ...(mtu === undefined ? {} : { mtu }) });
    try {
      const result = await work({ ...route, ...places, target });
      await route.check?.();
      return result;
    } catch (error) {
      const { message } = error as Error;
      if (attempt === PORT_ATTEMPTS || !message.includes('EADDRINUSE')) throw new Error(`${contender.name}: ${message}`, { cause: error });
    } finally {
      await route.close();
    }
  }
}

export interface Carried {
  bytes: number;
  seconds: number;
  /** Processor time of the way's processes. */
  cpuMs: number;
}

/** One stream from near to far. */
export async function transfer(route: OpenRoute, shape: StreamShape): Promise<Carried> {
  const common = { ...shape, sha256: false, timeoutMs: TIMEOUT_MS };
  const before = usageOfAll(route.pids);
  const receiver = startReceiver({ ...common, address: at(route.target), listen: true, ...wrapOf(route.far) });
  await receiver.ready;
  const sender = startSender({ ...common, address: at(route.dial), ...wrapOf(route.near) });
  const [sent, received] = await both(sender, receiver);
  return {
    bytes: received.bytes,
    seconds: (received.verifiedMs - sent.startedMs) / 1000,
    cpuMs: usageOfAll(route.pids).cpuMs - before.cpuMs,
  };
}

/** A stream each way at once, on one connection. */
export async function exchange(route: OpenRoute, shape: StreamShape): Promise<Carried> {
  const common = { ...shape, timeoutMs: TIMEOUT_MS };
  const before = usageOfAll(route.pids);
  const far = startExchange({ ...common, side: 'b', address: at(route.target), listen: true, ...wrapOf(route.far) });
  await far.ready;
  const near = startExchange({ ...common, side: 'a', address: at(route.dial), ...wrapOf(route.near) });
  const reports = await both(near, far);
  return {
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (Math.max(...reports.map(({ verifiedMs }) => verifiedMs)) - Math.min(...reports.map(({ startedMs }) => startedMs))) / 1000,
    cpuMs: usageOfAll(route.pids).cpuMs - before.cpuMs,
  };
}

/** Half-duplex rounds, asked from near. */
export async function rounds(route: OpenRoute, shape: RoundsShape, noDelay = true): Promise<AskReport> {
  const common = { ...shape, noDelay, timeoutMs: TIMEOUT_MS };
  const answerer = startAnswerer({ ...common, address: at(route.target), listen: true, ...wrapOf(route.far) });
  await answerer.ready;
  const asker = startAsker({ ...common, address: at(route.dial), ...wrapOf(route.near) });
  const [asked] = await both(asker, answerer);
  return asked;
}

/** Many streams at once from near to far, through one way. */
export async function fleet(route: OpenRoute, streams: number, shape: StreamShape): Promise<Carried> {
  const common = { ...shape, streams, timeoutMs: TIMEOUT_MS };
  const before = usageOfAll(route.pids);
  const receiver = startFleet({
    ...common,
    role: 'receive',
    host: route.target.host,
    ports: [route.target.port],
    listen: true,
    ...wrapOf(route.far),
  });
  await receiver.ready;
  const sender = startFleet({ ...common, role: 'send', host: route.dial.host, ports: [route.dial.port], ...wrapOf(route.near) });
  const [sent, received] = await both(sender, receiver);
  return {
    bytes: received.bytes,
    seconds: (received.endedMs - sent.startedMs) / 1000,
    cpuMs: usageOfAll(route.pids).cpuMs - before.cpuMs,
  };
}

/** As much as goes through in a while, for ways so slow that a whole stream would take minutes. */
export async function transferFor(route: OpenRoute, seconds: number): Promise<Carried & { laterMibPerSecond: number }> {
  const shape = { link: 'endless', frameCount: 1_000_000, frameBytes: 1_048_576, sha256: false, timeoutMs: TIMEOUT_MS };
  const before = usageOfAll(route.pids);
  const seen: { atMs: number; bytes: number }[] = [];
  const onProgress = (bytes: number): void => void seen.push({ atMs: performance.now(), bytes });
  const receiver = startReceiver({ ...shape, address: at(route.target), listen: true, onProgress, ...wrapOf(route.far) });
  await receiver.ready;
  const startedMs = performance.now();
  const sender = startSender({ ...shape, address: at(route.dial), ...wrapOf(route.near) });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const cpuMs = usageOfAll(route.pids).cpuMs - before.cpuMs;
  await Promise.all([receiver.child.stop(), sender.child.stop()]);
  const { error, bytes } = await receiver.report;
  if (error !== undefined && !error.startsWith('ended from outside')) throw new Error(error);
  const last = seen.at(-1);
  const half = seen.find(({ atMs }) => atMs - startedMs >= (seconds * 1000) / 2);
  const later =
    last === undefined || half === undefined || last === half ? 0 : (last.bytes - half.bytes) / 2 ** 20 / ((last.atMs - half.atMs) / 1000);
  return { bytes, seconds, cpuMs, laterMibPerSecond: later };
}

const at = ({ host, port }: Address): string => `${host}:${port}`;
const wrapOf = ({ wrap }: Places['near']) => (wrap === undefined ? {} : { wrap });

interface Running<R> {
  child: { stop(): Promise<unknown>; exited: Promise<unknown> };
  report: Promise<R>;
}

/** Both reports; when one application fails the other is ended. @throws Error with what they say */
async function both<A extends { ok: boolean; error?: string }, B extends { ok: boolean; error?: string }>(
  a: Running<A>,
  b: Running<B>,
): Promise<[Whole<A>, Whole<B>]> {
  const watch = async <R extends { ok: boolean }>(one: Running<R>, other: Running<unknown>): Promise<R> => {
    const report = await one.report;
    if (!report.ok) setTimeout(() => void other.child.stop(), 500).unref();
    return report;
  };
  const [first, second] = await Promise.all([watch(a, b), watch(b, a)]);
  await Promise.all([a.child.exited, b.child.exited]);
  const errors = [first.error, second.error].filter(Boolean);
  if (!first.ok || !second.ok) throw new Error(errors.join('; ') || 'it did not finish');
  return [first as unknown as Whole<A>, second as unknown as Whole<B>];
}

/** A report that is no mere failure. */
type Whole<R> = R extends { ok: false; error: string } ? never : R;
