// The two burst applications as processes.
import { type CommandWrapper, startApp } from './app-process.js';
import type { Child } from './child.js';
import type { StreamShape } from './frame-source.js';
import type { ReceiveReport } from './receive-stream.js';
import type { SendReport } from './send-stream.js';

export interface ApplicationOptions extends StreamShape {
  /** HOST:PORT to dial, or to listen on (receiver only). */
  address: string;
  listen?: boolean;
  sha256: boolean;
  timeoutMs: number;
  onProgress?: (bytes: number) => void;
  wrap?: CommandWrapper;
}

export interface Sender {
  child: Child;
  report: Promise<SendReport>;
}

export interface Receiver {
  child: Child;
  /** Resolves once it is connected (or, listening, with its port). */
  ready: Promise<number | undefined>;
  report: Promise<ReceiveReport>;
}

export function startSender(options: ApplicationOptions): Sender {
  const { child, report } = startApp({
    ...processOptions(options),
    name: `sender ${options.link}`,
    entry: './app-sender.js',
    report: 'sent',
  });
  // A report is last: by then its process is about to leave, and nobody starts another beside it.
  return { child, report: child.exited.then(async () => ({ bytes: 0, startedMs: 0, closedMs: 0, ...(await report) })) };
}

export function startReceiver(options: ApplicationOptions): Receiver {
  const name = `receiver ${options.link}`;
  const { child, ready, report } = startApp({ ...processOptions(options), name, entry: './app-receiver.js', report: 'received' });
  const none = { bytes: 0, verifiedMs: 0, endedMs: 0, endSeen: false };
  return { child, ready, report: child.exited.then(async () => ({ ...none, ...(await report) })) };
}

function processOptions({ onProgress, wrap, listen, ...options }: ApplicationOptions) {
  const args = [listen ? '--listen' : '--connect', options.address, '--link', options.link];
  args.push('--count', String(options.frameCount), '--size', String(options.frameBytes), '--timeout-ms', String(options.timeoutMs));
  if (options.sha256) args.push('--sha256');
  return {
    args,
    ...(listen === undefined ? {} : { listen }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(wrap === undefined ? {} : { wrap }),
  };
}
