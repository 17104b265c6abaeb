// The admin endpoint of a running daemon: health, status, metrics, events, profiles.
// It observes; what it can make the daemon do is a CPU profile and a ping. Main thread.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HotlinkError } from '../../native-free/errors.js';
import type { Hotlink } from '../hotlink.js';
import type { Log } from '../options.js';
import type { AdminListen } from './address.js';
import { dashboardPage } from './dashboard/index.js';
import { type AdminServer, answerJson, type EndpointOptions, openEndpoint } from './endpoint.js';
import { serveEvents } from './event-stream.js';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics.js';
import { Rates } from './rates.js';
import { type DaemonReport, daemonReport, readiness } from './report.js';
import { RoundTrips } from './round-trips.js';

/** A profile is held in memory by every thread while it is taken. */
const MAX_PROFILE_SECONDS = 300;
/** A person's patience. */
const MAX_PING_MS = 60_000;
export interface AdminOptions {
  listen: AdminListen;
  link: Hotlink;
  dataDir: string;
  email: string;
  verb: string;
  version: string;
  log?: Log;
}

/**
 * Starts the endpoint and says in the data directory where it is.
 * @throws HotlinkError `ERR_HLNK_PORT_BUSY` or `ERR_HLNK_CONFIG` when it cannot listen there
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { listen, link, dataDir, email, verb, version, log } = options;
  const rates = new Rates(() => link.status());
  const roundTrips = new RoundTrips(link);
  const report = (): DaemonReport => daemonReport(link.status(), rates, { version, verb, dataDir });
  const answer: EndpointOptions['answer'] = (request, response, url, known) =>
    route(request, response, url, known, { link, report, roundTrips });
  try {
    const endpoint = await openEndpoint({
      listen,
      dataDir,
      about: { email, kind: 'daemon' },
      answer,
      ...(log === undefined ? {} : { log }),
    });
    const close = async (): Promise<void> => {
      rates.stop();
      roundTrips.stop();
      await endpoint.close();
    };
    return { address: endpoint.address, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    rates.stop();
    throw error;
  }
}

interface Context {
  link: Hotlink;
  report: () => DaemonReport;
  roundTrips: RoundTrips;
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  known: boolean,
  { link, report, roundTrips }: Context,
): Promise<void> {
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /': {
      const { html, headers } = dashboardPage();
      response.writeHead(200, headers).end(html);
      return;
    }
    case 'GET /healthz':
      return answerJson(response, 200, { status: 'ok' });
    case 'GET /readyz': {
      const { ready, reasons } = readiness(link.status());
      // Who our peers are is not every user's business.
      return answerJson(response, ready ? 200 : 503, known ? { ready, reasons } : { ready });
    }
    case 'GET /status':
      return answerJson(response, 200, report());
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
      return answerJson(response, 404, { error: `there is no ${request.method} ${url.pathname}` });
  }
}

/** One round trip: `?peer=`, optionally `channel=` and `timeout=` in ms. */
async function ping(response: ServerResponse, url: URL, link: Hotlink): Promise<void> {
  const query = url.searchParams;
  const timeoutMs = Number(query.get('timeout') ?? 5000);
  const name = query.get('channel') ?? undefined;
  if (!(timeoutMs > 0 && timeoutMs <= MAX_PING_MS))
    return answerJson(response, 400, { error: `timeout is more than 0 and at most ${MAX_PING_MS} ms` });
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    const options = { peer: query.get('peer') ?? '', timeoutMs, signal: abort.signal, ...(name === undefined ? {} : { name }) };
    answerJson(response, 200, await link.ping(options));
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    answerJson(response, 409, { code: error.code, error: error.message });
  }
}

/** One profile of every thread: `{ threads: [{ role, profile }] }`, `profile` being the text of a `.cpuprofile`. */
async function profile(response: ServerResponse, url: URL, link: Hotlink): Promise<void> {
  const seconds = Number(url.searchParams.get('seconds') ?? 10);
  if (!(seconds > 0 && seconds <= MAX_PROFILE_SECONDS))
    return answerJson(response, 400, { error: `seconds is more than 0 and at most ${MAX_PROFILE_SECONDS}` });
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    answerJson(response, 200, { threads: await link.profile({ milliseconds: seconds * 1000, signal: abort.signal }) });
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    answerJson(response, 409, { code: error.code, error: error.message });
  }
}
