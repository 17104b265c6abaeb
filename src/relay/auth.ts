// Who is at the other end: the claimed e-mail, or with a secret the subject of an HS256 access token (wire §1.1).
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isEmail } from '../../native-free/path.js';

export type Identity = { readonly ok: true; readonly email: string } | { readonly ok: false; readonly reason: string };

/**
 * Tell the identity of a request.
 * @param request its headers carry the token
 * @param query its query carries the claim
 * @param secret of the tokens; undefined: claims are believed, as upstream does by default
 * @param nowMs wall clock
 */
export function identify(request: IncomingMessage, query: URLSearchParams, secret: string | undefined, nowMs: number): Identity {
  if (secret === undefined) {
    const email = query.get('user') ?? query.get('x-syft-from') ?? '';
    return isEmail(email) ? { ok: true, email } : { ok: false, reason: 'the query parameter "user" must be an e-mail' };
  }
  const bearer = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '');
  if (bearer === null) return { ok: false, reason: 'the header "Authorization: Bearer <access token>" is missing' };
  return verifyAccessToken(bearer[1] as string, secret, nowMs);
}

/** Check an access token: signature first, in constant time, then type, subject and expiry. */
export function verifyAccessToken(token: string, secret: string, nowMs: number): Identity {
  const [header, payload, signature, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return refuse('the token is malformed');
  const expected = sign(`${header}.${payload}`, secret);
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return refuse('the token is not signed by this server');
  // The signature covers the header too; the algorithm is still checked, so that a token minted for another one stays there.
  if (decode(header)?.alg !== 'HS256') return refuse('the token is not HS256');
  const claims = decode(payload);
  if (claims === undefined || claims.type !== 'access') return refuse('the token is not an access token');
  const { sub, exp, nbf } = claims;
  if (exp !== undefined && !(typeof exp === 'number' && nowMs < exp * 1000)) return refuse('the token has expired');
  if (nbf !== undefined && !(typeof nbf === 'number' && nowMs >= nbf * 1000)) return refuse('the token is not valid yet');
  return typeof sub === 'string' && isEmail(sub) ? { ok: true, email: sub } : refuse('the token has no e-mail as its subject');
}

/**
 * Mint an access token as upstream's server would (wire §1.1).
 * @param expiresAtMs wall clock; without it the token does not expire
 */
export function mintAccessToken(email: string, secret: string, nowMs: number, expiresAtMs?: number): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const claims = {
    type: 'access',
    sub: email,
    iss: 'hotlink-relay',
    iat: seconds(nowMs),
    ...(expiresAtMs === undefined ? {} : { exp: seconds(expiresAtMs) }),
  };
  const body = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${body}.${sign(body, secret).toString('base64url')}`;
}

/** A request made by a page must come from a page of this very host (wire §1.1); a program sends no Origin. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const origin = request.headers.origin;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host?.toLowerCase();
}

function sign(text: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function refuse(reason: string): Identity {
  return { ok: false, reason };
}
