// Starts one burst application as a process and turns its lines into promises.
import { fileURLToPath } from 'node:url';
import { parseEvent } from './app-events.js';
import { Child } from './child.js';
import type { StreamShape } from './frame-source.js';
import type { ReceiveReport } from './receive-stream.js';
import type { SendReport } from './send-stream.js';

const senderEntry = fileURLToPath(new URL('./app-sender.js', import.meta.url));
const receiverEntry = fileURLToPath(new URL('./app-receiver.js', import.meta.url));

export interface ApplicationOptions extends StreamShape {
  /** HOST:PORT to dial, or to listen on (receiver only). */
  address: string;
  listen?: boolean;
  sha256: boolean;
  timeoutMs: number;
  onProgress?: (bytes: number) => void;
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
  let result: SendReport | undefined;
  const child = new Child({
    name: `sender ${options.link}`,
    entry: senderEntry,
    args: applicationArguments(options),
    onStdoutLine: (line) => {
      const event = parseEvent(line);
      if (event?.event === 'sent') result = event;
    },
  });
  const report = child.exited.then(() => result ?? { ok: false, bytes: 0, startedMs: 0, closedMs: 0, error: lastWords(child) });
  return { child, report };
}

export function startReceiver(options: ApplicationOptions): Receiver {
  let result: ReceiveReport | undefined;
  let announce: (port: number | undefined) => void = () => undefined;
  const ready = new Promise<number | undefined>((resolve) => {
    announce = resolve;
  });
  const child = new Child({
    name: `receiver ${options.link}`,
    entry: receiverEntry,
    args: applicationArguments(options),
    onStdoutLine: (line) => {
      const event = parseEvent(line);
      if (event?.event === 'connected' && !options.listen) announce(undefined);
      if (event?.event === 'listening') announce(event.port);
      if (event?.event === 'progress') options.onProgress?.(event.bytes);
      if (event?.event === 'received') result = event;
    },
  });
  const report = child.exited.then(() => {
    announce(undefined);
    return result ?? { ok: false, bytes: 0, verifiedMs: 0, endedMs: 0, endSeen: false, error: lastWords(child) };
  });
  return { child, ready, report };
}

function applicationArguments(options: ApplicationOptions): string[] {
  const args = [options.listen ? '--listen' : '--connect', options.address, '--link', options.link];
  args.push('--count', String(options.frameCount), '--size', String(options.frameBytes), '--timeout-ms', String(options.timeoutMs));
  return options.sha256 ? [...args, '--sha256'] : args;
}

function lastWords(child: Child): string {
  return child.lastLines.at(-1) ?? 'it left without a report';
}
