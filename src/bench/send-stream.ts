// The sending application of a burst: a plain TCP client that knows nothing of tunnels, as the workloads' own senders are.
import { createHash } from 'node:crypto';
import { createConnection, type Socket } from 'node:net';
import { nowMs } from './clock.js';
import { FrameSource, LENGTH_PREFIX_BYTES, payloadBytesOf, type StreamShape } from './frame-source.js';

/** Bytes kept queued in the socket while the kernel takes the rest, so that generating and sending overlap. */
const QUEUED_BYTES = 1024 * 1024;
/** How long the far end may take to close after the last byte. Upstream tunnels never carry the end of a stream, so this passes in silence. */
const CLOSE_WAIT_MS = 3000;

export interface SendOptions extends StreamShape {
  host: string;
  port: number;
  sha256: boolean;
  timeoutMs: number;
  /** Ends the sending with a report of how far it got. */
  signal?: AbortSignal;
  onConnected?: () => void;
}

export interface SendReport {
  ok: boolean;
  /** Payload bytes handed to the kernel. */
  bytes: number;
  /** First write, unix ms. */
  startedMs: number;
  /** Socket closed, unix ms. */
  closedMs: number;
  sha256?: string;
  error?: string;
}

/** Sends the whole stream; never rejects, a failure is in the report. */
export async function sendStream(options: SendOptions): Promise<SendReport> {
  const { host, port } = options;
  const socket = createConnection({ host, port, noDelay: true, ...{ writableHighWaterMark: QUEUED_BYTES } });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const failed = new Promise<never>((_, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  failed.catch(() => undefined);
  const report: SendReport = { ok: false, bytes: 0, startedMs: nowMs(), closedMs: 0 };
  const deadline = setTimeout(() => socket.destroy(new Error(`not done after ${options.timeoutMs} ms`)), options.timeoutMs);
  options.signal?.addEventListener('abort', () => socket.destroy(new Error('ended from outside')), { once: true });
  socket.resume();
  try {
    await writeAll(socket, failed, options, report);
    report.ok = true;
    const patience = setTimeout(() => socket.destroy(), CLOSE_WAIT_MS);
    await closed;
    clearTimeout(patience);
  } catch (error) {
    socket.destroy();
    report.error = `${(error as Error).message} after ${socket.bytesWritten} bytes written`;
  }
  clearTimeout(deadline);
  report.closedMs = nowMs();
  return report;
}

async function writeAll(socket: Socket, failed: Promise<never>, options: SendOptions, report: SendReport): Promise<void> {
  const turn = (event: 'connect' | 'drain' | 'finish'): Promise<unknown> =>
    Promise.race([new Promise<void>((resolve) => socket.once(event, () => resolve())), failed]);
  await turn('connect');
  options.onConnected?.();
  const hash = options.sha256 ? createHash('sha256') : undefined;
  const source = new FrameSource(options);
  report.startedMs = nowMs();
  socket.cork();
  for (let piece = source.next(); piece; piece = source.next()) {
    hash?.update(piece);
    const room = socket.write(piece);
    // A length prefix and the payload behind it leave in one system call.
    if (piece.length === LENGTH_PREFIX_BYTES) continue;
    socket.uncork();
    if (!room) await turn('drain');
    socket.cork();
  }
  socket.uncork();
  const finished = turn('finish');
  socket.end();
  await finished;
  report.bytes = payloadBytesOf(options);
  if (hash) report.sha256 = hash.digest('hex');
}
