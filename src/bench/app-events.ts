// What the applications print: one JSON value per line on stdout, so that a script or another program can drive them too.
import type { ExchangeReport } from './exchange-stream.js';
import type { FleetReport } from './fleet.js';
import type { ReceiveReport } from './receive-stream.js';
import type { AnswerReport, AskReport } from './rounds.js';
import type { SendReport } from './send-stream.js';

export type AppEvent =
  | { event: 'connected' }
  | { event: 'listening'; port: number }
  /** Payload bytes verified so far. */
  | { event: 'progress'; bytes: number }
  | ({ event: 'sent' } & SendReport)
  | ({ event: 'received' } & ReceiveReport)
  | ({ event: 'asked' } & AskReport)
  | ({ event: 'answered' } & AnswerReport)
  | ({ event: 'exchanged' } & ExchangeReport)
  | ({ event: 'fleet' } & FleetReport);

export function printEvent(event: AppEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** A line that is no event (a warning of the runtime, say) is undefined. */
export function parseEvent(line: string): AppEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'event' in value ? (value as AppEvent) : undefined;
  } catch {
    return undefined;
  }
}
