// The daemon's word: one long answer of `/events`, read as it comes and asked for again when it breaks off. The token goes in a header and
// stands in this tab's storage: a cookie would be sent to every server of the machine, whatever its port, and those may be other people's.
import type { DaemonReport } from '../../report.js';
import type { Happening } from '../view/happenings.js';
import { SentEvents } from '../view/sse.js';

/** Between two reports, ms: a lane switch is seen within two of them. */
const REPORT_MS = 1000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;
const TOKEN = 'hotlink-token';

export interface FeedEvents {
  /** All that is kept comes anew: it may be another life of the daemon. */
  connected(): void;
  report(report: DaemonReport): void;
  happening(event: Happening): void;
  /** The connection is gone, or could not be had; it is tried again. */
  lost(why: string): void;
  /** The daemon wants a token that we have not got; it is over. */
  refused(): void;
}

/** Takes the token out of the URL's fragment, which no server and no referrer sees, and out of the history. */
function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

/** Goes on until the page is closed or the token is refused. */
export async function follow(events: FeedEvents): Promise<void> {
  const token = takeToken();
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    try {
      const response = await fetch(`events?status=${REPORT_MS}`, { headers, cache: 'no-store' });
      if (response.status === 401) {
        events.refused();
        return;
      }
      if (!response.ok || response.body === null) throw new Error(`it answered ${response.status}`);
      events.connected();
      await read(response.body, events, () => {
        retryMs = FIRST_RETRY_MS;
      });
      events.lost('it ended the connection');
    } catch (error) {
      events.lost(error instanceof Error ? error.message : String(error));
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
  }
}

async function read(body: ReadableStream<Uint8Array>, events: FeedEvents, heard: () => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const sent = new SentEvents();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const { event, data } of sent.take(decoder.decode(part.value, { stream: true }))) {
      heard();
      if (event === 'status') events.report(JSON.parse(data) as DaemonReport);
      else if (event === 'event') events.happening(JSON.parse(data) as Happening);
    }
  }
}
