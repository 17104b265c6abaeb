// The admin endpoint of a running daemon: health, status, metrics, events, profiles, on a unix socket or on loopback TCP, never elsewhere.
// It observes; what it can make the daemon do is a CPU profile and a ping. Main thread.
//
// Who closes what: `close` ends every connection, the server, then the address file.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HotlinkError } from '../../native-free/errors.js';
import type { Hotlink } from '../hotlink.js';
import type { Log } from '../options.js';
import { type AdminAddress, type AdminListen, prepareSocketDirectory, removeAddress, writeAddress } from './address.js';
import { dashboardPage } from './dashboard/index.js';
import { serveEvents } from './event-stream.js';
import { admit } from './gatekeeper.js';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.js';
import { Rates } from './rates.js';
import { type DaemonReport, daemonReport, readiness } from './report.js';
import { RoundTrips } from './round-trips.js';

/** A profile is held in memory by every thread while it is taken. */
const MAX_PROFILE_SECONDS = 300;
/** A person's patience. */
const MAX_PING_MS = 60_000;
/** People and dashboards: more at once is a mistake. */
const MAX_CONNECTIONS = 64;

export interface AdminOptions {
  listen: AdminListen;
  link: Hotlink;
  dataDir: string;
  email: string;
  verb: string;
  version: string;
  log?: Log;
}

export interface AdminServer extends AsyncDisposable {
  readonly address: AdminAddress;
  close(): Promise<void>;
}

/**
 * Starts the endpoint and says in the data directory where it is.
 * @throws HotlinkError `ERR_HLNK_PORT_BUSY` or `ERR_HLNK_CONFIG` when it cannot listen there
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { listen, link, dataDir, email, verb, version, log } = options;
  const rates = new Rates(() => link.status());
  const roundTrips = new RoundTrips(link);
  const token = 'socket' in listen ? undefined : randomBytes(24).toString('base64url');
  const report = (): DaemonReport => daemonReport(link.status(), rates, { version, verb, dataDir });
  const server = createServer((request, response) => {
    route(request, response, { link, report, roundTrips, token }).catch((error: unknown) => {
      log?.warn({ url: request.url?.split('?')[0], error: String(error) }, 'admin request failed');
      if (response.headersSent) response.destroy();
      else answer(response, 500, { error: 'the request could not be handled' });
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    await open(server, listen);
  } catch (error) {
    rates.stop();
    throw error;
  }
  const bound = server.address();
  const where =
    'socket' in listen || bound === null || typeof bound === 'string'
      ? { socket: (listen as { socket: string }).socket }
      : { url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`, token: token as string };
  const address: AdminAddress = { pid: process.pid, email, startedMs: Date.now(), ...where };
  await writeAddress(dataDir, address);
  log?.debug({ socket: address.socket, url: address.url }, 'admin endpoint open');
  const close = async (): Promise<void> => {
    rates.stop();
    roundTrips.stop();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await removeAddress(dataDir);
  };
  return { address, close, [Symbol.asyncDispose]: close };
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

interface Context {
  link: Hotlink;
  report: () => DaemonReport;
  roundTrips: RoundTrips;
  token: string | undefined;
}

async function route(request: IncomingMessage, response: ServerResponse, { link, report, roundTrips, token }: Context): Promise<void> {
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('cache-control', 'no-store');
  const target = request.url ?? '';
  const url = target.startsWith('/') && URL.canParse(target, 'http://localhost') ? new URL(target, 'http://localhost') : undefined;
  if (url === undefined) return answer(response, 400, { error: 'the URL cannot be read' });
  const admission = admit(request, url, token);
  if (!admission.ok) return answer(response, admission.status, { error: admission.reason });
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /': {
      const { html, headers } = dashboardPage();
      response.writeHead(200, headers).end(html);
      return;
    }
    case 'GET /healthz':
      return answer(response, 200, { status: 'ok' });
    case 'GET /readyz': {
      const { ready, reasons } = readiness(link.status());
      // Who our peers are is not every user's business.
      return answer(response, ready ? 200 : 503, admission.known ? { ready, reasons } : { ready });
    }
    case 'GET /status':
      return answer(response, 200, report());
    case 'GET /metrics':
      response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE }).end(metricsText(link.status()));
      return;
    case 'GET /events':
      serveEvents(request, response, url, { link, report, roundTrips });
      return;
    case 'POST /ping':
      return ping(response, url, link);
    case 'POST /profile':
      return profile(response, url, link);
    default:
      return answer(response, 404, { error: `there is no ${request.method} ${url.pathname}` });
  }
}

/** One round trip: `?peer=`, optionally `channel=` and `timeout=` in ms. */
async function ping(response: ServerResponse, url: URL, link: Hotlink): Promise<void> {
  const query = url.searchParams;
  const timeoutMs = Number(query.get('timeout') ?? 5000);
  const name = query.get('channel') ?? undefined;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_PING_MS))
    return answer(response, 400, { error: `timeout is more than 0 and at most ${MAX_PING_MS} ms` });
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    const options = { peer: query.get('peer') ?? '', timeoutMs, signal: abort.signal, ...(name === undefined ? {} : { name }) };
    answer(response, 200, await link.ping(options));
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    answer(response, 409, { code: error.code, error: error.message });
  }
}

/** One profile of every thread: `{ threads: [{ role, profile }] }`, `profile` being the text of a `.cpuprofile`. */
async function profile(response: ServerResponse, url: URL, link: Hotlink): Promise<void> {
  const seconds = Number(url.searchParams.get('seconds') ?? 10);
  if (!(seconds > 0 && seconds <= MAX_PROFILE_SECONDS))
    return answer(response, 400, { error: `seconds is more than 0 and at most ${MAX_PROFILE_SECONDS}` });
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    answer(response, 200, { threads: await link.profile({ milliseconds: seconds * 1000, signal: abort.signal }) });
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    answer(response, 409, { code: error.code, error: error.message });
  }
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}
