// The application that sends and receives at once, as a process.
import { type AppProcess, type CommandWrapper, startApp } from './app-process.js';
import type { ExchangeReport } from './exchange-stream.js';
import type { StreamShape } from './frame-source.js';

export interface ExchangeApplicationOptions extends StreamShape {
  side: 'a' | 'b';
  /** HOST:PORT to dial or to listen on. */
  address: string;
  listen?: boolean;
  timeoutMs: number;
  wrap?: CommandWrapper;
}

export function startExchange(options: ExchangeApplicationOptions): AppProcess<ExchangeReport> {
  const { side, address, listen, link, frameCount, frameBytes, timeoutMs, wrap } = options;
  const args = ['--side', side, listen ? '--listen' : '--connect', address, '--link', link, '--count', String(frameCount)];
  args.push('--size', String(frameBytes), '--timeout-ms', String(timeoutMs));
  return startApp({
    name: `exchange ${side} of ${link}`,
    entry: './app-exchange.js',
    args,
    report: 'exchanged',
    ...(listen === undefined ? {} : { listen }),
    ...(wrap === undefined ? {} : { wrap }),
  });
}
