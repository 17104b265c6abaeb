// Starts one application as a process and turns its lines into promises: when it is connected or listens, and what it reports in the end.
import { fileURLToPath } from 'node:url';
import { type AppEvent, parseEvent } from './app-events.js';
import { Child } from './child.js';

type ReportEvent = Exclude<AppEvent['event'], 'connected' | 'listening' | 'progress'>;
type Report<E extends ReportEvent> = Omit<Extract<AppEvent, { event: E }>, 'event'>;

/** Puts a program somewhere else, as `ip netns exec` does: it gets program and arguments and returns what is to be started. */
export type CommandWrapper = (program: string, args: readonly string[]) => readonly [program: string, args: readonly string[]];

export interface AppProcessOptions<E extends ReportEvent> {
  name: string;
  /** Compiled entry beside this file. */
  entry: `./app-${string}.js`;
  args: readonly string[];
  /** The event that carries its report. */
  report: E;
  /** It listens: ready with its port, instead of when connected. */
  listen?: boolean;
  onProgress?: (bytes: number) => void;
  wrap?: CommandWrapper;
}

export interface AppProcess<R> {
  child: Child;
  /** Resolves once it is connected (or, listening, with its port), or gone. */
  ready: Promise<number | undefined>;
  /** What it reports, at once; a failure in words when it left without a report. */
  report: Promise<R | { ok: false; error: string }>;
}

export function startApp<E extends ReportEvent>(options: AppProcessOptions<E>): AppProcess<Report<E>> {
  let announce: (port: number | undefined) => void = () => undefined;
  const ready = new Promise<number | undefined>((resolve) => {
    announce = resolve;
  });
  let tell: (report: Report<E> | { ok: false; error: string }) => void = () => undefined;
  const report = new Promise<Report<E> | { ok: false; error: string }>((resolve) => {
    tell = resolve;
  });
  const child = new Child({
    name: options.name,
    entry: fileURLToPath(new URL(options.entry, import.meta.url)),
    args: options.args,
    ...(options.wrap === undefined ? {} : { wrap: options.wrap }),
    onStdoutLine: (line) => {
      const event = parseEvent(line);
      if (event?.event === 'connected' && options.listen !== true) announce(undefined);
      if (event?.event === 'listening') announce(event.port);
      if (event?.event === 'progress') options.onProgress?.(event.bytes);
      if (event?.event === options.report) {
        const { event: _event, ...words } = event;
        tell(words as unknown as Report<E>);
      }
    },
  });
  void child.exited.then(() => {
    announce(undefined);
    tell({ ok: false, error: child.lastLines.at(-1) ?? 'it left without a report' });
  });
  return { child, ready, report };
}
