// The two applications of half-duplex rounds as processes.
import { type AppProcess, type CommandWrapper, startApp } from './app-process.js';
import type { RoundsShape } from './round-message.js';
import type { AnswerReport, AskReport } from './rounds.js';

export interface RoundsApplicationOptions extends RoundsShape {
  /** HOST:PORT to dial or to listen on. */
  address: string;
  listen?: boolean;
  noDelay: boolean;
  timeoutMs: number;
  wrap?: CommandWrapper;
}

type Reported<R> = AppProcess<R>;

export function startAsker(options: RoundsApplicationOptions): Reported<AskReport> {
  return startApp({ ...processOptions(options, 'ask'), name: 'asker', entry: './app-rounds.js', report: 'asked' });
}

export function startAnswerer(options: RoundsApplicationOptions): Reported<AnswerReport> {
  return startApp({ ...processOptions(options, 'answer'), name: 'answerer', entry: './app-rounds.js', report: 'answered' });
}

function processOptions(options: RoundsApplicationOptions, role: 'ask' | 'answer') {
  const { address, listen, messageBytes, rounds, warmUp, lengthFirst, noDelay, timeoutMs, wrap } = options;
  const args = ['--role', role, listen ? '--listen' : '--connect', address, '--size', String(messageBytes), '--rounds', String(rounds)];
  args.push('--warm-up', String(warmUp), '--timeout-ms', String(timeoutMs));
  if (lengthFirst) args.push('--length-first');
  if (!noDelay) args.push('--nagle');
  return { args, ...(listen === undefined ? {} : { listen }), ...(wrap === undefined ? {} : { wrap }) };
}
