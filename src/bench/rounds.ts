// Both applications of half-duplex rounds. The asking one measures each round from its write to the last byte of the answer.
import { createConnection, createServer, type OnReadOpts, type Socket } from 'node:net';
import { nowMs } from './clock.js';
import { type Percentiles, percentiles } from './percentiles.js';
import { RoundMessage, RoundReader, type RoundsShape } from './round-message.js';

const READ_BYTES = 256 * 1024;

export interface RoundsOptions extends RoundsShape {
  host: string;
  /** Port to dial; with `listen`, port to listen on (0: any). */
  port: number;
  listen: boolean;
  noDelay: boolean;
  timeoutMs: number;
  signal?: AbortSignal;
  onConnected?: () => void;
  onListening?: (port: number) => void;
}

export interface AnswerReport {
  ok: boolean;
  /** Messages answered. */
  rounds: number;
  error?: string;
}

export interface AskReport extends AnswerReport, Percentiles {
  /** First write of a counted round, unix ms. */
  startedMs: number;
  /** Last byte of the last answer, unix ms. */
  endedMs: number;
  /** The very first round, warm-up or not, from the connection on: what a session's start costs. */
  firstUs: number;
}

/** Asks, counts and ends the connection. Never rejects; a fault is in the report. */
export async function askRounds(options: RoundsOptions): Promise<AskReport> {
  const total = options.warmUp + options.rounds;
  const message = new RoundMessage(options, 'ask');
  const reader = new RoundReader(options, 'answer');
  const samples = new Float64Array(total);
  const report: AskReport = { ok: false, rounds: 0, startedMs: 0, endedMs: 0, firstUs: 0, ...percentiles([]) };
  let askedMs = 0;
  const ask = (socket: Socket): void => {
    message.stamp(reader.round);
    askedMs = performance.now();
    if (reader.round === options.warmUp) report.startedMs = nowMs();
    write(socket, message);
  };
  const error = await converse(options, ask, (socket, chunk) => {
    const verdict = reader.push(chunk);
    if (verdict === 'more') return undefined;
    if (verdict === 'fault') return `a wrong byte in the answer of round ${reader.round}`;
    samples[reader.round - 1] = (performance.now() - askedMs) * 1000;
    if (reader.round < total) {
      ask(socket);
      return undefined;
    }
    report.endedMs = nowMs();
    socket.end();
    return 'done';
  });
  const counted = samples.subarray(options.warmUp, Math.max(options.warmUp, reader.round));
  return settle(
    {
      ...report,
      ...(error === undefined ? {} : { error }),
      rounds: counted.length,
      firstUs: Math.round(samples[0] ?? 0),
      ...percentiles(counted),
    },
    counted.length === options.rounds,
  );
}

/** Answers until the connection ends. Never rejects; a fault is in the report. */
export async function answerRounds(options: RoundsOptions): Promise<AnswerReport> {
  const message = new RoundMessage(options, 'answer');
  const reader = new RoundReader(options, 'ask');
  const error = await converse(options, undefined, (socket, chunk) => {
    const verdict = reader.push(chunk);
    if (verdict === 'more') return undefined;
    if (verdict === 'fault') return `a wrong byte in the message of round ${reader.round}`;
    message.stamp(reader.round - 1);
    write(socket, message);
    return reader.round === options.warmUp + options.rounds ? 'done' : undefined;
  });
  return settle({ ok: false, rounds: reader.round, ...(error === undefined ? {} : { error }) }, error === 'done');
}

function settle<R extends AnswerReport>(report: R, complete: boolean): R {
  const { error, ...rest } = report;
  if (complete) return { ...rest, ok: true } as R;
  return { ...report, error: error ?? 'the connection ended early' };
}

function write(socket: Socket, { bytes, headBytes }: RoundMessage): void {
  if (headBytes > 0) socket.write(bytes.subarray(0, headBytes));
  socket.write(headBytes > 0 ? bytes.subarray(headBytes) : bytes);
}

/** @returns what ended it: `done`, a fault in words, or undefined for an end of the connection */
function converse(
  options: RoundsOptions,
  onOpen: ((socket: Socket) => void) | undefined,
  onChunk: (socket: Socket, chunk: Uint8Array) => string | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let verdict: string | undefined;
    let socket: Socket | undefined;
    const finish = (word: string | undefined): void => {
      clearTimeout(timer);
      resolve(verdict ?? word);
      socket?.destroy();
    };
    const timer = setTimeout(() => finish(`not done after ${options.timeoutMs} ms`), options.timeoutMs);
    options.signal?.addEventListener('abort', () => finish('ended from outside'), { once: true });
    const take = (chunk: Uint8Array): boolean => {
      verdict ??= onChunk(socket as Socket, chunk);
      // A fault ends it at once; when it is done the other side has the last word.
      if (verdict !== undefined && verdict !== 'done') finish(undefined);
      return true;
    };
    const watch = (connected: Socket): void => {
      socket = connected;
      connected.setNoDelay(options.noDelay);
      connected.on('end', () => connected.end());
      connected.on('error', (error) => finish(error.message));
      connected.on('close', () => finish(undefined));
    };
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const onread: OnReadOpts = { buffer, callback: (bytes, into) => take(into.subarray(0, bytes)) };
    if (options.listen) {
      const server = createServer((accepted) => {
        server.close();
        watch(accepted);
        accepted.on('data', take);
        onOpen?.(accepted);
      });
      server.on('error', (error) => finish(error.message));
      server.listen(options.port, options.host, () => {
        const address = server.address();
        if (address !== null && typeof address === 'object') options.onListening?.(address.port);
      });
    } else {
      const dialled = createConnection({ host: options.host, port: options.port, onread }, () => {
        options.onConnected?.();
        onOpen?.(dialled);
      });
      watch(dialled);
    }
  });
}
