// Where an admin endpoint listens and who is let in: a unix socket or loopback TCP, never elsewhere. What it answers is the caller's. Main thread.
//
// Who closes what: `close` ends every connection, the server, then the address file.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HotlinkError } from '../../native-free/errors.js';
import type { Log } from '../options.js';
import { type AdminAddress, type AdminListen, prepareSocketDirectory, removeAddress, writeAddress } from './address.js';
import { admit } from './gatekeeper.js';

/** People and dashboards: more at once is a mistake. */
const MAX_CONNECTIONS = 64;

export interface EndpointOptions {
  listen: AdminListen;
  dataDir: string;
  /** Whose endpoint it is, for those who find its address. */
  about: Pick<AdminAddress, 'email' | 'kind'>;
  log?: Log;
  /** @param known whether who asks holds the token, or may open the socket */
  answer: (request: IncomingMessage, response: ServerResponse, url: URL, known: boolean) => Promise<void>;
}

export interface AdminServer extends AsyncDisposable {
  readonly address: AdminAddress;
  close(): Promise<void>;
}

/**
 * Opens the endpoint and says in the data directory where it is; the caller holds that directory's lock.
 * @throws HotlinkError `ERR_HLNK_PORT_BUSY` or `ERR_HLNK_CONFIG` when it cannot listen there; then nothing is left open
 */
export async function openEndpoint({ listen, dataDir, about, log, answer }: EndpointOptions): Promise<AdminServer> {
  const token = 'socket' in listen ? undefined : randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    route(request, response, token, answer).catch((error: unknown) => {
      log?.warn({ url: request.url?.split('?')[0], error: String(error) }, 'admin request failed');
      if (response.headersSent) response.destroy();
      else answerJson(response, 500, { error: 'the request could not be handled' });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await open(server, listen);
  const shut = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const address: AdminAddress = { pid: process.pid, ...about, startedMs: Date.now(), ...whereOf(server, listen, token) };
  try {
    await writeAddress(dataDir, address);
  } catch (error) {
    await shut();
    const { message } = error as Error;
    throw new HotlinkError('ERR_HLNK_CONFIG', `where the admin endpoint is cannot be written below ${dataDir}: ${message}`, {
      cause: error,
    });
  }
  log?.debug({ socket: address.socket, url: address.url }, 'admin endpoint open');
  const close = async (): Promise<void> => {
    await shut();
    await removeAddress(dataDir);
  };
  return { address, close, [Symbol.asyncDispose]: close };
}

/** Answers with one JSON value. */
export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  token: string | undefined,
  answer: EndpointOptions['answer'],
): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-store');
  const target = request.url ?? '';
  const url = target.startsWith('/') && URL.canParse(target, 'http://localhost') ? new URL(target, 'http://localhost') : undefined;
  if (url === undefined) return answerJson(response, 400, { error: 'the URL cannot be read' });
  const admission = admit(request, url, token);
  if (!admission.ok) return answerJson(response, admission.status, { error: admission.reason });
  return answer(request, response, url, admission.known);
}

function whereOf(server: Server, listen: AdminListen, token: string | undefined): { socket: string } | { url: string; token: string } {
  const bound = server.address();
  if ('socket' in listen || bound === null || typeof bound === 'string') return { socket: (listen as { socket: string }).socket };
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { url: `http://${host}:${bound.port}`, token: token as string };
}

async function open(server: Server, listen: AdminListen): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
  });
  try {
    if ('socket' in listen) {
      prepareSocketDirectory(listen.socket);
      // We hold the data directory, so one that is there is a dead daemon's.
      rmSync(listen.socket, { force: true });
      // The socket is bound within this call; nobody else may find it open for a moment.
      const mask = process.umask(0o177);
      server.listen(listen.socket);
      process.umask(mask);
    } else server.listen(listen.port, listen.host);
    await listening;
  } catch (error) {
    if (error instanceof HotlinkError) throw error;
    const where = 'socket' in listen ? listen.socket : `${listen.host}:${listen.port}`;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new HotlinkError(
        'ERR_HLNK_PORT_BUSY',
        `the admin endpoint cannot listen on ${where}: it is in use; give another --admin, or auto`,
        {
          cause: error,
        },
      );
    throw new HotlinkError('ERR_HLNK_CONFIG', `the admin endpoint cannot listen on ${where}: ${message}; give another --admin, or off`, {
      cause: error,
    });
  }
}
