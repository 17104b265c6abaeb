// The admin endpoint of a running relay: health, status, metrics, profiles, as a daemon has them. It observes. Main thread.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HotlinkError } from '../../native-free/errors.js';
import { profileThreads } from '../control/profiling.js';
import type { Log } from '../options.js';
import type { RelayServer } from '../relay/index.js';
import type { AdminListen } from './address.js';
import { type AdminServer, answerJson, openEndpoint } from './endpoint.js';
import { METRICS_CONTENT_TYPE } from './metrics.js';
import { relayMetricsText } from './relay-metrics.js';
import { RelayObserver } from './relay-report.js';

/** A profile is held in memory while it is taken. */
const MAX_PROFILE_SECONDS = 300;
const MIN_STATUS_MS = 200;
const MAX_STATUS_MS = 3_600_000;
/** Bytes that may wait for a reader of reports. */
const MAX_WAITING_BYTES = 1_048_576;

export interface RelayAdminOptions {
  listen: AdminListen;
  relay: RelayServer;
  dataDir: string;
  version: string;
  log?: Log;
}

/**
 * Starts the endpoint and says in the data directory where it is.
 * @throws HotlinkError `ERR_HLNK_PORT_BUSY` or `ERR_HLNK_CONFIG` when it cannot listen there
 */
export async function startRelayAdmin({ listen, relay, dataDir, version, log }: RelayAdminOptions): Promise<AdminServer> {
  const observer = new RelayObserver(relay, { version, dataDir });
  try {
    const endpoint = await openEndpoint({
      listen,
      dataDir,
      about: { email: 'relay', kind: 'relay' },
      answer: (request, response, url) => route(request, response, url, observer),
      ...(log === undefined ? {} : { log }),
    });
    const close = async (): Promise<void> => {
      observer.stop();
      await endpoint.close();
    };
    return { address: endpoint.address, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    observer.stop();
    throw error;
  }
}

async function route(request: IncomingMessage, response: ServerResponse, url: URL, observer: RelayObserver): Promise<void> {
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /healthz':
      return answerJson(response, 200, { status: 'ok' });
    case 'GET /readyz': {
      const { draining, cluster } = observer.report().stats;
      const ready = !draining && cluster?.isServing !== false;
      return answerJson(response, ready ? 200 : 503, { ready });
    }
    case 'GET /status':
      return answerJson(response, 200, observer.report());
    case 'GET /metrics':
      response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE }).end(relayMetricsText(observer.figures()));
      return;
    case 'GET /events':
      serveReports(response, url, observer);
      return;
    case 'POST /profile':
      return profile(response, url);
    default:
      return answerJson(response, 404, { error: `a relay has no ${request.method} ${url.pathname}` });
  }
}

/** `?status=MS`: a report every so often, as server-sent events named `status`. A reader that does not read is cut off. */
function serveReports(response: ServerResponse, url: URL, observer: RelayObserver): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', connection: 'keep-alive' });
  const write = (): void => {
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else response.write(`event: status\ndata: ${JSON.stringify(observer.report())}\n\n`);
  };
  const everyMs = Math.min(MAX_STATUS_MS, Math.max(MIN_STATUS_MS, Number(url.searchParams.get('status')) || 1000));
  write();
  const timer = setInterval(write, everyMs).unref();
  response.on('close', () => clearInterval(timer));
}

async function profile(response: ServerResponse, url: URL): Promise<void> {
  const seconds = Number(url.searchParams.get('seconds') ?? 10);
  if (!(seconds > 0 && seconds <= MAX_PROFILE_SECONDS))
    return answerJson(response, 400, { error: `seconds is more than 0 and at most ${MAX_PROFILE_SECONDS}` });
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  try {
    answerJson(response, 200, { threads: await profileThreads([], { milliseconds: seconds * 1000, signal: abort.signal }) });
  } catch (error) {
    if (!(error instanceof HotlinkError)) throw error;
    answerJson(response, 409, { code: error.code, error: error.message });
  }
}
