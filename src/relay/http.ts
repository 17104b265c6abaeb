// The plain HTTP side: health, version, the ACL routes of upstream's API (wire §10, §10.1), and ICE servers for whoever needs fresh credentials.
// Invariant: a body is read only up to its limit, and kept only after its sender is known to be entitled to send it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessLevel } from '../../native-free/acl/index.js';
import type { Log } from '../options.js';
import type { AclPut, AclStore } from './acl-store.js';
import type { Known } from './admission.js';
import type { Cluster } from './cluster/cluster.js';
import type { RelayCounters } from './counters.js';
import type { IceAdvert } from './ice-advert.js';
import type { Refusal } from './upgrade.js';

export interface HttpContext {
  readonly acl: AclStore;
  readonly counters: RelayCounters;
  readonly log: Log;
  readonly maxBodyBytes: number;
  identify(request: IncomingMessage): Promise<Known | Refusal>;
  /** Whether clients are let in: for load balancers. */
  isReady(): boolean;
  /** The other processes, if this one is of many. */
  cluster(): Cluster | undefined;
  /** Counts one request of the user. */
  isOverRate(user: string): boolean;
  /** What the upgrade of this client would tell it in its headers. */
  iceAdvert(request: IncomingMessage, email: string): IceAdvert;
}

/** What clients are told meanwhile. */
export const CUT_OFF = 'the relay is cut off from its cluster; try again';
/** The change is made here, and every process hears of it when it can; until then it is not promised to anybody. */
export const NOT_SPREAD = 'the relay was cut off from its cluster before every process had it; try again';

const LEVELS: readonly (readonly [number, AccessLevel])[] = [
  [8, 'admin'],
  [4, 'write'],
  [2, 'create'],
  [1, 'read'],
];

const PUT_ANSWERS: Record<(AclPut & { ok: false })['code'], readonly [number, string]> = {
  path: [400, 'E_DATASITE_INVALID_PATH'],
  denied: [403, 'E_ACCESS_DENIED'],
  content: [400, 'E_INVALID_REQUEST'],
  size: [413, 'E_INVALID_REQUEST'],
  limit: [403, 'E_ACL_UPDATE_FAILED'],
  io: [500, 'E_ACL_UPDATE_FAILED'],
};

/** Answer one request. Never rejects. */
export async function handleRequest(request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void> {
  try {
    await route(request, response, context);
  } catch (error) {
    context.log.warn({ url: request.url, error: error instanceof Error ? error.message : String(error) }, 'request failed');
    if (!response.headersSent) fail(response, 500, 'E_INTERNAL_ERROR', 'the request could not be handled');
    else response.destroy();
  }
}

/** The URL of a request, or undefined if the client wrote nonsense. */
export function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '';
  // Two slashes would be read as another host's name, with the path behind it.
  return /^\/(?!\/)/.test(target) && URL.canParse(target, 'http://relay') ? new URL(target, 'http://relay') : undefined;
}

async function route(request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void> {
  const url = urlOf(request);
  const key = `${request.method} ${url?.pathname}`;
  if (url === undefined) return fail(response, 400, 'E_INVALID_REQUEST', 'the URL cannot be read');
  if (key === 'GET /healthz') return json(response, 200, { status: 'ok' });
  if (context.cluster()?.isServing() === false) return fail(response, 503, 'E_SERVICE_UNAVAILABLE', CUT_OFF);
  if (key === 'GET /readyz') return json(response, context.isReady() ? 200 : 503, { ready: context.isReady() });
  if (key === 'GET /') return text(response, 'hotlink relay\n');
  if (key === 'GET /api/v1/events') return fail(response, 426, 'E_INVALID_REQUEST', 'this address speaks WebSocket');
  if (key !== 'PUT /api/v1/acl' && key !== 'GET /api/v1/acl/check' && key !== 'GET /api/v1/hotlink/ice')
    return fail(response, 404, 'E_NOT_FOUND', `there is no ${key}`);
  const identity = await context.identify(request);
  if (!identity.ok) {
    await passOver(request, response, context.maxBodyBytes);
    return fail(response, identity.status, identity.code, identity.error);
  }
  if (context.isOverRate(identity.email)) {
    context.counters.requestsThrottled++;
    await passOver(request, response, context.maxBodyBytes);
    return fail(response, 429, 'E_RATE_LIMITED', `${identity.email} sends too many requests`);
  }
  if (key === 'GET /api/v1/hotlink/ice') return json(response, 200, context.iceAdvert(request, identity.email));
  if (key === 'GET /api/v1/acl/check') return checkAccess(response, url.searchParams, identity.email, context);
  return putAcl(request, response, identity.email, url.searchParams.get('key') ?? '', context);
}

/** Everybody may ask about themselves, and about others where they are owner or admin. */
async function checkAccess(response: ServerResponse, query: URLSearchParams, asker: string, context: HttpContext): Promise<void> {
  const user = query.get('user') ?? asker;
  const path = query.get('path') ?? '';
  const bits = Number(query.get('level'));
  if (!Number.isInteger(bits) || bits < 1 || bits > 15)
    return fail(response, 400, 'E_INVALID_REQUEST', '"level" is 1 read, 2 create, 4 write, 8 admin, or a sum');
  if (user !== asker && !context.acl.can(asker, path, 'admin'))
    return fail(response, 403, 'E_ACCESS_DENIED', 'only its owner or an admin may ask who else has access');
  const missing = LEVELS.filter(([bit, level]) => (bits & bit) !== 0 && !context.acl.can(user, path, level)).map(([, level]) => level);
  if (missing.length > 0) return fail(response, 403, 'E_ACCESS_DENIED', `no ${missing.join(' and ')} access`);
  json(response, 200, { user, path, level: bits });
}

async function putAcl(request: IncomingMessage, response: ServerResponse, user: string, key: string, context: HttpContext): Promise<void> {
  const body = await readBody(request, context.maxBodyBytes);
  if (body === undefined) {
    context.counters.largeBodies++;
    response.setHeader('connection', 'close');
    return fail(response, 413, 'E_INVALID_REQUEST', `the body is larger than ${context.maxBodyBytes} bytes`);
  }
  const content = await fileIn(body, request.headers['content-type'] ?? '');
  if (content === undefined || content.byteLength === 0)
    return fail(response, 400, 'E_INVALID_REQUEST', 'send the file as form field "file", or as the body itself');
  const put = context.acl.put(user, key, content);
  if (put.ok) {
    context.counters.aclUpdates++;
    context.log.info({ user, key }, 'ACL replaced');
    const spread = await context.cluster()?.spread(key, content);
    if (spread === false) return fail(response, 503, 'E_SERVICE_UNAVAILABLE', NOT_SPREAD);
    return json(response, 200, { key, version: '', etag: put.etag, size: put.sizeBytes, lastModified: new Date().toISOString() });
  }
  context.counters.aclRefused++;
  const [status, code] = PUT_ANSWERS[put.code];
  fail(response, status, code, put.reason, put.line);
}

/** An answer that goes out before the request is read may never arrive: a client that is still writing finds the connection closed. */
async function passOver(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<void> {
  if (request.method !== 'PUT') return;
  // One that hangs up meanwhile is no news: nobody knows who it was.
  const body = await readBody(request, maxBytes, false).catch(() => undefined);
  if (body === undefined) response.setHeader('connection', 'close');
}

/** @returns undefined when the body is too large; what is over the limit is thrown away unread */
function readBody(request: IncomingMessage, maxBytes: number, kept = true): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    // Who it is from took a while to find out.
    if (request.destroyed) return reject(new Error('the client hung up'));
    if (request.readableEnded) return resolve(Buffer.alloc(0));
    const chunks: Buffer[] = [];
    let totalBytes = 0;
    request.on('data', (chunk: Buffer) => {
      totalBytes += chunk.length;
      if (totalBytes > maxBytes) resolve(undefined);
      else if (kept) chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => reject(new Error('the client hung up')));
    request.on('error', reject);
  });
}

/** The form field `file` of a multipart body, or any other body as it is. */
async function fileIn(body: Buffer, contentType: string): Promise<Uint8Array | undefined> {
  if (!/^multipart\/form-data/i.test(contentType)) return body;
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    const file = form.get('file');
    if (file === null) return undefined;
    return typeof file === 'string' ? Buffer.from(file) : new Uint8Array(await file.arrayBuffer());
  } catch {
    return undefined;
  }
}

/** Upstream's form of an error (wire §1.1). */
function fail(response: ServerResponse, status: number, code: string, error: string, line?: number): void {
  json(response, status, { code, error, ...(line === undefined ? {} : { line }) });
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
}

function text(response: ServerResponse, value: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(value);
}
