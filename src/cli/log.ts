// The command's log, always on stderr: JSON lines for a collector, one short line per event for a person. Never payload, never a secret.
import { pino } from 'pino';
import type { Log } from '../options.js';

/** Names whose values are masked wherever they turn up, one level deep too. */
const secretNames = ['token', 'turnPass', 'turnUser', 'password', 'secret', 'authorization', 'credential', 'authSecret'];

export interface LogSink {
  write(text: string): unknown;
  isTTY?: boolean;
}

export function createLog(options: { debug: boolean; sink?: LogSink }): Log {
  const sink = options.sink ?? process.stderr;
  const redact = { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: 'MASKED' };
  const settings = {
    level: options.debug ? 'debug' : 'info',
    base: null,
    redact,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, { write: (line: string) => void sink.write(sink.isTTY ? plainLine(line) : line) });
}

/** `12:34:56.789 warn  message key=value` */
function plainLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as { level: string; time: number; msg?: string };
  const clock = new Date(time).toISOString().slice(11, 23);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${[clock, level.padEnd(5), msg ?? '', ...rest].join(' ')}\n`;
}
