// The receiving application of a burst: dials its tunnel end (or listens, for a plain TCP comparison) and checks every byte as it arrives.
import { createConnection, createServer, type OnReadOpts, type Socket } from 'node:net';
import { nowMs } from './clock.js';
import { LENGTH_PREFIX_BYTES, payloadBytesOf, type StreamShape } from './frame-source.js';
import { StreamVerifier } from './stream-verifier.js';

/** One read of the kernel's buffer at a time into one fixed buffer: no allocation per read. */
const READ_BYTES = 256 * 1024;
/** After the last byte: how long to watch for the end of the stream, or for bytes that should not be there. */
const END_WAIT_MS = 2000;

export interface ReceiveOptions extends StreamShape {
  host: string;
  /** Port to dial; with `listen`, port to listen on (0: any). */
  port: number;
  listen?: boolean;
  sha256: boolean;
  timeoutMs: number;
  /** Ends the receiving with a report of how far it got. */
  signal?: AbortSignal;
  onConnected?: () => void;
  onListening?: (port: number) => void;
  /** Called about every 200 ms with the payload bytes verified so far. */
  onProgress?: (bytes: number) => void;
}

export interface ReceiveReport {
  ok: boolean;
  /** Payload bytes verified. */
  bytes: number;
  /** Last byte verified, unix ms. */
  verifiedMs: number;
  /** Our own end was closed, unix ms. */
  endedMs: number;
  /** The far application's end of stream came through. */
  endSeen: boolean;
  sha256?: string;
  error?: string;
}

/** Receives and verifies the whole stream; never rejects, a fault is in the report. */
export async function receiveStream(options: ReceiveOptions): Promise<ReceiveReport> {
  const verifier = new StreamVerifier(options, { sha256: options.sha256 });
  const report: ReceiveReport = { ok: false, bytes: 0, verifiedMs: 0, endedMs: 0, endSeen: false };
  const progress = setInterval(() => options.onProgress?.(payloadOf(verifier.verifiedBytes, options)), 200);
  await new Promise<void>((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    let socket: Socket | undefined;
    const finish = (error?: string): void => {
      if (error !== undefined) report.error ??= `${error}: ${verifier.verifiedBytes} of ${verifier.totalBytes} bytes verified`;
      for (const timer of timers) clearTimeout(timer);
      socket?.destroy();
      resolve();
    };
    timers.push(setTimeout(() => finish(`not complete after ${options.timeoutMs} ms`), options.timeoutMs));
    options.signal?.addEventListener('abort', () => finish('ended from outside'), { once: true });
    const onBytes = (bytes: number, buffer: Uint8Array): boolean => {
      const verdict = verifier.push((buffer as Buffer).subarray(0, bytes));
      if (verdict === 'fault') finish(verifier.fault);
      if (verdict === 'complete') {
        report.verifiedMs = nowMs();
        report.endedMs = nowMs();
        socket?.end();
        timers.push(setTimeout(finish, END_WAIT_MS));
      }
      return verdict !== 'fault';
    };
    const onread: OnReadOpts = { buffer: Buffer.allocUnsafe(READ_BYTES), callback: onBytes };
    const watch = (connected: Socket): void => {
      socket = connected;
      connected.on('end', () => {
        report.endSeen = true;
        finish(report.verifiedMs > 0 ? undefined : 'the stream ended early');
      });
      connected.on('error', (error) => finish(report.verifiedMs > 0 ? undefined : error.message));
      connected.on('close', () => finish(report.verifiedMs > 0 ? undefined : 'the connection was closed'));
    };
    if (options.listen) {
      acceptOne(options, onread, watch, finish);
    } else {
      watch(createConnection({ host: options.host, port: options.port, noDelay: true, onread }, () => options.onConnected?.()));
    }
  });
  clearInterval(progress);
  report.bytes = payloadOf(verifier.verifiedBytes, options);
  report.ok = report.error === undefined && verifier.verifiedBytes === verifier.totalBytes;
  if (report.ok) {
    report.bytes = payloadBytesOf(options);
    const digest = verifier.digest();
    if (digest !== undefined) report.sha256 = digest;
  }
  return report;
}

/** One connection only. Its handle is read through `onread` too, so that a listening receiver measures the same code. */
function acceptOne(options: ReceiveOptions, onread: OnReadOpts, watch: (socket: Socket) => void, finish: (error: string) => void): void {
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    server.close();
    options.onConnected?.();
    accepted.on('data', (chunk: Buffer) => {
      if (!onread.callback(chunk.length, chunk)) accepted.pause();
    });
    watch(accepted);
    accepted.resume();
  });
  server.on('error', (error) => finish(error.message));
  server.listen(options.port, options.host, () => {
    const address = server.address();
    if (address !== null && typeof address === 'object') options.onListening?.(address.port);
  });
}

function payloadOf(streamBytes: number, shape: StreamShape): number {
  const frame = shape.frameBytes + LENGTH_PREFIX_BYTES;
  const whole = Math.floor(streamBytes / frame);
  return whole * shape.frameBytes + Math.max(0, (streamBytes % frame) - LENGTH_PREFIX_BYTES);
}
