// An application that sends a stream and receives one at the same time on one connection: both directions of a tunnel, full.
import { createConnection, createServer, type Socket } from 'node:net';
import { nowMs } from './clock.js';
import { FrameSource, LENGTH_PREFIX_BYTES, payloadBytesOf, type StreamShape } from './frame-source.js';
import { StreamVerifier } from './stream-verifier.js';

/** As the sending application queues. */
const QUEUED_BYTES = 1024 * 1024;

export interface ExchangeOptions extends StreamShape {
  host: string;
  /** Port to dial; with `listen`, port to listen on (0: any). */
  port: number;
  listen: boolean;
  /** Names what we send; what arrives is named by the other side. `link` in the shape names both. */
  side: 'a' | 'b';
  timeoutMs: number;
  signal?: AbortSignal;
  onConnected?: () => void;
  onListening?: (port: number) => void;
}

export interface ExchangeReport {
  ok: boolean;
  /** Payload bytes received and verified. */
  bytes: number;
  /** First write, unix ms. */
  startedMs: number;
  /** Last byte verified, unix ms. */
  verifiedMs: number;
  error?: string;
}

/** Never rejects; a fault is in the report. */
export async function exchangeStream(options: ExchangeOptions): Promise<ExchangeReport> {
  const { frameCount, frameBytes, link, side } = options;
  const shape = (from: string): StreamShape => ({ frameCount, frameBytes, link: `${link} from ${from}` });
  const verifier = new StreamVerifier(shape(side === 'a' ? 'b' : 'a'), { sha256: false });
  const report: ExchangeReport = { ok: false, bytes: 0, startedMs: 0, verifiedMs: 0 };
  await new Promise<void>((resolve) => {
    let socket: Socket | undefined;
    let sent = false;
    const finish = (error?: string): void => {
      if (error !== undefined && !(sent && report.verifiedMs > 0)) {
        report.error ??= `${error}: ${verifier.verifiedBytes} of ${verifier.totalBytes} bytes verified`;
      }
      clearTimeout(timer);
      socket?.destroy();
      resolve();
    };
    const timer = setTimeout(() => finish(`not done after ${options.timeoutMs} ms`), options.timeoutMs);
    options.signal?.addEventListener('abort', () => finish('ended from outside'), { once: true });
    const begin = (connected: Socket): void => {
      socket = connected;
      connected.on('error', (error) => finish(error.message));
      connected.on('close', () => finish('the connection was closed'));
      connected.on('end', () => {
        if (report.verifiedMs === 0) finish('the stream ended early');
      });
      connected.on('data', (chunk: Buffer) => {
        const verdict = verifier.push(chunk);
        if (verdict === 'fault') finish(verifier.fault);
        if (verdict === 'complete') report.verifiedMs = nowMs();
      });
    };
    const run = async (connected: Socket): Promise<void> => {
      report.startedMs = nowMs();
      await writeStream(connected, shape(side));
      sent = true;
      connected.end();
    };
    if (options.listen) {
      const server = createServer({ noDelay: true, allowHalfOpen: true, highWaterMark: QUEUED_BYTES }, (accepted) => {
        server.close();
        begin(accepted);
        void run(accepted);
      });
      server.on('error', (error) => finish(error.message));
      server.listen(options.port, options.host, () => {
        const address = server.address();
        if (address !== null && typeof address === 'object') options.onListening?.(address.port);
      });
    } else {
      const { host, port } = options;
      const dialled = createConnection({ host, port, noDelay: true, allowHalfOpen: true, ...{ highWaterMark: QUEUED_BYTES } }, () => {
        options.onConnected?.();
        void run(dialled);
      });
      begin(dialled);
    }
  });
  report.ok = report.error === undefined && verifier.verifiedBytes === verifier.totalBytes;
  report.bytes = report.ok ? payloadBytesOf(options) : 0;
  return report;
}

/** Writes a whole stream; ends in silence when the socket closes, which its owner hears of. */
export async function writeStream(socket: Socket, shape: StreamShape): Promise<void> {
  const source = new FrameSource(shape);
  socket.cork();
  for (let piece = source.next(); piece !== undefined && !socket.destroyed; piece = source.next()) {
    const room = socket.write(piece);
    // A length prefix and the payload behind it leave in one system call.
    if (piece.length === LENGTH_PREFIX_BYTES) continue;
    socket.uncork();
    if (!room) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          socket.off('drain', go).off('close', go);
          resolve();
        };
        socket.on('drain', go).on('close', go);
      });
    }
    socket.cork();
  }
  socket.uncork();
}
