// Who is at the other end, and for how long: the ways to find out share one signature, which an embedder can fill as well (wire §1.1).
// Invariant: a way that fails, throws or takes too long admits nobody.
import type { IncomingMessage } from 'node:http';
import { isEmail } from '../../native-free/path.js';

/** Somebody known, until `expiresAtMs` (Unix ms) and while `isGood`, which is asked after a reload; or the reason why not, which the client is shown. */
export type Identity =
  | {
      readonly ok: true;
      readonly email: string;
      /** When what was shown ceases to be good, Unix ms: the connection is closed then. */
      readonly expiresAtMs?: number;
      /** Asked again after `reload()`: whether what was shown is good still. */
      readonly isGood?: () => boolean | Promise<boolean>;
    }
  | { readonly ok: false; readonly reason: string };

/**
 * Tells who sent a request, from its URL and headers. A rejection is a failure of this side (HTTP 503); the signal says that it is too late.
 * @remarks It is aborted when the answer comes too late, or the client of a plain request is gone; one that wants a WebSocket is not read meanwhile,
 * so its going is not seen. The body is not there yet.
 */
export type Authenticate = (request: IncomingMessage, signal: AbortSignal) => Identity | Promise<Identity>;

/** What came of asking. */
export type Verdict = Identity | { readonly ok: false; readonly reason: string; readonly failed: true };

/** For closed networks: everybody is who they claim, as with upstream by default. */
export const claimedIdentity: Authenticate = (request) => {
  const query = URL.canParse(request.url ?? '', 'http://relay') ? new URL(request.url ?? '', 'http://relay').searchParams : undefined;
  const email = query?.get('user') ?? query?.get('x-syft-from') ?? '';
  return isEmail(email) ? { ok: true, email } : { ok: false, reason: 'the query parameter "user" must be an e-mail' };
};

/** The token of a request, or what is wrong with how it is shown. */
export function bearerOf(request: IncomingMessage): { readonly token: string } | { readonly ok: false; readonly reason: string } {
  const bearer = /^Bearer ([\w.~+/-]{1,8192}=*)$/i.exec(request.headers.authorization ?? '');
  return bearer === null
    ? { ok: false, reason: 'the header "Authorization: Bearer <access token>" is missing' }
    : { token: bearer[1] as string };
}

/** Ask, wait no longer than `waitMs` and no longer than the client does, and believe no identity that is not one. */
export async function decide(authenticate: Authenticate, request: IncomingMessage, waitMs: number): Promise<Verdict> {
  const abort = new AbortController();
  const giveUp = (why: string): void => abort.abort(new Error(why));
  const timer = setTimeout(() => giveUp('authentication took too long'), waitMs);
  const gone = (): void => giveUp('the client is gone');
  request.socket.once('close', gone);
  const given = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), { once: true });
  });
  try {
    const identity = await Promise.race([authenticate(request, abort.signal), given]);
    if (!identity.ok) return { ok: false, reason: identity.reason };
    return isEmail(identity.email) ? identity : { ok: false, reason: 'the identity is not an e-mail' };
  } catch (error) {
    return { ok: false, failed: true, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    request.socket.off('close', gone);
  }
}

/**
 * A request made by a page must come from a page of this very host (wire §1.1) or of one that is allowed; a program sends no Origin.
 * @param allowed origins, as a browser writes them
 */
export function isAllowedOrigin(request: IncomingMessage, allowed: readonly string[] = []): boolean {
  const origin = request.headers.origin;
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host?.toLowerCase();
}
