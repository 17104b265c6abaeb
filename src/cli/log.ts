// The command's log, always on stderr: JSON lines for a collector, one short coloured line per event for a person. Never payload, never a
// secret. One logger per run; its level may be changed while it runs.
import { createRequire } from 'node:module';
import { type Level, pino } from 'pino';
import type PinoPretty from 'pino-pretty';
import type { Values } from '../config/index.js';
import type { Log } from '../options.js';

/** Names whose values are masked wherever they turn up, one level deep too. */
const secretNames = ['token', 'turnPass', 'turnUser', 'password', 'secret', 'authorization', 'credential', 'authSecret'];

export interface LogSink {
  write(text: string): unknown;
  isTTY?: boolean;
}

export type LogLevel = Extract<Level, 'debug' | 'info' | 'warn' | 'error'>;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

/** A log whose level can be set. */
export interface RunLog extends Log {
  level: string;
}

/** What the settings say; `fallback` is the level of a run that was not told. */
export function logLevel({ debug, logLevel: level }: Partial<Pick<Values, 'debug' | 'logLevel'>>, fallback: LogLevel = 'info'): LogLevel {
  return debug ? 'debug' : (level ?? fallback);
}

/** @param sink stderr unless a test says otherwise; a terminal gets text for people */
export function createLog(level: LogLevel, sink: LogSink = process.stderr): RunLog {
  const redact = { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: 'MASKED' };
  const settings = { level, base: null, redact, formatters: { level: (label: string) => ({ level: label }) } };
  const prettify = sink.isTTY ? prettifier() : (line: string): string => line;
  return pino(settings, { write: (line: string) => void sink.write(prettify(line)) });
}

/** Loaded for people only: it takes longer than all the rest of a short command. */
function prettifier(): (line: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return prettyFactory({ colorize: !process.env['NO_COLOR'], translateTime: 'SYS:HH:MM:ss.l', singleLine: true });
}
