// Who may ask the admin endpoint. A unix socket is guarded by its file mode; a TCP one by a token, since every user of the machine can
// dial it. On both, a request that a web page of another site makes a browser send is refused: by its Host (DNS rebinding) and by its
// Origin. Main thread.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from './address.js';

/** What may be seen without the token: whether it lives, not what it does; and the dashboard's page, which holds nothing before it asks. */
const OPEN_TO_ALL: readonly string[] = ['/', '/healthz', '/readyz'];

/** @property known holds the token, or may open the socket; otherwise anybody of this machine */
export type Admission = { ok: true; known: boolean } | { ok: false; status: 401 | 403; reason: string };

/**
 * @param token of a TCP endpoint; undefined on a unix socket
 * @param path of the request, without its query
 */
export function admit(request: IncomingMessage, url: URL, token: string | undefined): Admission {
  const host = hostName(request.headers.host);
  if (host === undefined || !isLoopback(host)) return { ok: false, status: 403, reason: 'the Host header names another machine' };
  const { origin } = request.headers;
  if (origin !== undefined && origin !== `http://${request.headers.host}`)
    return { ok: false, status: 403, reason: 'requests from pages of other sites are refused' };
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site')
    return { ok: false, status: 403, reason: 'requests from pages of other sites are refused' };
  // Only in this header. A cookie would go to every server of the machine, since cookies know no ports, and those may be other people's.
  const given = bearer(request);
  const known = token === undefined || (given !== undefined && same(given, token));
  if (!known && !OPEN_TO_ALL.includes(url.pathname))
    return { ok: false, status: 401, reason: 'give the token from .syftbox/hotlink_admin.json in the data directory' };
  return { ok: true, known };
}

function hostName(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return match?.[1] ?? match?.[2]?.toLowerCase();
}

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function same(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
