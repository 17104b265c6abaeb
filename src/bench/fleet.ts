// Many streams at once from one application, or to one: each connection begins with its number, so that bytes of two of them cannot be taken for one
// another. Used to fill many channels without hundreds of processes.
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { nowMs } from './clock.js';
import { writeStream } from './exchange-stream.js';
import type { StreamShape } from './frame-source.js';
import { StreamVerifier } from './stream-verifier.js';

const NUMBER_BYTES = 4;
/** Small: there are hundreds of them. */
const QUEUED_BYTES = 64 * 1024;

export interface FleetOptions extends StreamShape {
  role: 'send' | 'receive';
  host: string;
  /** Ports to dial, one connection each; with `listen`, the one port to listen on. */
  ports: readonly number[];
  listen: boolean;
  /** Connections. */
  streams: number;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Resolves when the connections may be closed; they stay open, silent, until then. */
  hold?: Promise<void>;
  onConnected?: () => void;
  onListening?: (port: number) => void;
  /** Everything was sent, or arrived; the connections are still open when there is a `hold`. */
  onDone?: (report: FleetReport) => void;
}

export interface FleetReport {
  ok: boolean;
  /** Payload bytes sent, or verified, over all streams. */
  bytes: number;
  /** First write, unix ms (sender); 0 otherwise. */
  startedMs: number;
  /** Last byte verified, unix ms (receiver), or written. */
  endedMs: number;
  error?: string;
}

/** Never rejects; a fault is in the report. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const report: FleetReport = { ok: false, bytes: 0, startedMs: 0, endedMs: 0 };
  const sockets: Socket[] = [];
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let done = 0;
      timer = setTimeout(() => reject(new Error(`${done} of ${options.streams} streams after ${options.timeoutMs} ms`)), options.timeoutMs);
      options.signal?.addEventListener('abort', () => reject(new Error('ended from outside')), { once: true });
      let connected = 0;
      const finished = (): void => {
        done += 1;
        if (done === options.streams) resolve();
      };
      const begin = (socket: Socket, number: number): void => {
        sockets.push(socket);
        // A sender that is done ends its connection while others still carry.
        let over = false;
        const complete = (): void => {
          over = true;
          finished();
        };
        const early = (error: Error): void => {
          if (!over) reject(error);
        };
        socket.on('error', early).on('close', () => early(new Error('a connection was closed early')));
        if (options.role === 'receive') receive(socket, options, complete, reject);
        else socket.once('connect', () => void send(socket, number).then(complete, reject));
      };
      const send = async (socket: Socket, number: number): Promise<void> => {
        socket.resume();
        const head = Buffer.alloc(NUMBER_BYTES);
        head.writeUInt32BE(number);
        if (report.startedMs === 0) report.startedMs = nowMs();
        socket.write(head);
        await writeStream(socket, numbered(options, number));
      };
      const up = (): void => {
        connected += 1;
        if (connected === options.streams) options.onConnected?.();
      };
      if (options.listen) {
        server = createServer({ noDelay: true }, (socket) => begin(socket, -1));
        server.on('error', reject);
        server.listen(options.ports[0] ?? 0, options.host, () => {
          const address = server?.address();
          if (address !== null && typeof address === 'object') options.onListening?.(address.port);
        });
      } else {
        for (let number = 0; number < options.streams; number++) {
          const port = options.ports[number % options.ports.length] as number;
          begin(createConnection({ host: options.host, port, noDelay: true, ...{ highWaterMark: QUEUED_BYTES } }, up), number);
        }
      }
    });
    report.ok = true;
    report.endedMs = nowMs();
    report.bytes = options.streams * options.frameCount * options.frameBytes;
    options.onDone?.(report);
    await options.hold;
  } catch (error) {
    report.error = (error as Error).message;
    report.endedMs = nowMs();
    options.onDone?.(report);
  }
  clearTimeout(timer);
  await Promise.all(sockets.map((socket) => closeGently(socket, report.ok)));
  server?.close();
  return report;
}

function numbered(options: FleetOptions, number: number): StreamShape {
  return { link: `${options.link} ${number}`, frameCount: options.frameCount, frameBytes: options.frameBytes };
}

function receive(socket: Socket, options: FleetOptions, finished: () => void, failed: (error: Error) => void): void {
  let head = Buffer.alloc(0);
  let verifier: StreamVerifier | undefined;
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    if (verifier === undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length < NUMBER_BYTES) return;
      const number = head.readUInt32BE();
      if (number >= options.streams) return failed(new Error(`a stream says it is number ${number}`));
      verifier = new StreamVerifier(numbered(options, number), { sha256: false });
      rest = head.subarray(NUMBER_BYTES);
    }
    const verdict = rest.length === 0 ? 'more' : verifier.push(rest);
    if (verdict === 'fault') failed(new Error(verifier.fault ?? 'a wrong byte'));
    if (verdict === 'complete') finished();
  });
}

/** What was written arrives before the end does; a stream that failed is torn down. */
function closeGently(socket: Socket, gently: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), 3000);
    socket.removeAllListeners('close').removeAllListeners('error');
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    if (gently) socket.resume().end();
    else socket.destroy();
  });
}
