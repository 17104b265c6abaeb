// `GET /events`: what happens, as server-sent events. `event` carries one thing that happened ({ id, atMs, what, fields }), the recent ones
// first; with `?status=MS` the whole status follows as `status` every that many milliseconds, and round trips are measured meanwhile. A reader that does not read is cut off.
// Main thread.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Hotlink } from '../hotlink.js';
import type { DaemonReport } from './report.js';
import type { RoundTrips } from './round-trips.js';

/** Bytes that may wait for a reader; one status with a hundred channels is a tenth of it. */
const MAX_WAITING_BYTES = 4 * 1_048_576;
const MIN_STATUS_MS = 200;
/** Beyond a timer's range it would fire all the time. */
const MAX_STATUS_MS = 3_600_000;
/** Keeps proxies and browsers from taking silence for the end. */
const KEEP_ALIVE_MS = 15_000;

export interface EventSources {
  link: Hotlink;
  report: () => DaemonReport;
  roundTrips: RoundTrips;
}

export function serveEvents(request: IncomingMessage, response: ServerResponse, url: URL, sources: EventSources): void {
  const { link, report, roundTrips } = sources;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', connection: 'keep-alive' });
  const write = (text: string): void => {
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
    else response.write(text);
  };
  let lastId = Number(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? 0);
  const send = (): void => {
    for (const event of link.status().events) {
      if (event.id <= lastId) continue;
      lastId = event.id;
      write(`id: ${event.id}\nevent: event\ndata: ${JSON.stringify(event)}\n\n`);
    }
  };
  const status = (): void => write(`event: status\ndata: ${JSON.stringify(report())}\n\n`);
  const asked = url.searchParams.get('status');
  const everyMs = asked === null ? undefined : Math.min(MAX_STATUS_MS, Math.max(MIN_STATUS_MS, Number(asked) || 1000));
  send();
  if (everyMs !== undefined) status();
  link.on('event', send);
  const statusTimer = everyMs === undefined ? undefined : setInterval(status, everyMs).unref();
  const watching = everyMs === undefined ? undefined : roundTrips.watch();
  const keepAlive = setInterval(() => write(':\n\n'), KEEP_ALIVE_MS).unref();
  response.on('close', () => {
    link.off('event', send);
    clearInterval(statusTimer);
    watching?.[Symbol.dispose]();
    clearInterval(keepAlive);
  });
}
