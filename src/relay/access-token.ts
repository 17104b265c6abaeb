// Upstream's access tokens: JWTs signed with HS256, whose subject is the identity (wire §1.1). Checked by `jose`.
// Invariant: no other algorithm and no other kind of token is taken, whatever its header says of itself.
import { createHmac } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { isEmail } from '../../native-free/path.js';
import { type Authenticate, bearerOf, type Identity } from './auth.js';

/** Which access tokens are taken. */
type AccessTokenOptions = Parameters<typeof accessTokens>[0];

const SKEW_SECONDS = 30;

/**
 * Authentication by access token, to be a part of one's own. `secrets` is asked each time: any may have signed a token; clocks may differ by
 * `skewSeconds` (30).
 */
export function accessTokens(options: {
  readonly secrets: () => readonly string[];
  readonly skewSeconds?: number;
  readonly issuer?: string;
}): Authenticate {
  return async (request) => {
    const bearer = bearerOf(request);
    if (!('token' in bearer)) return bearer;
    const identity = await checkAccessToken(bearer.token, options);
    if (!identity.ok) return identity;
    return { ...identity, isGood: async () => (await checkAccessToken(bearer.token, options)).ok };
  };
}

/** Signature, algorithm, times, issuer; then what upstream's claims are. */
export async function checkAccessToken(token: string, options: AccessTokenOptions): Promise<Identity> {
  const { skewSeconds = SKEW_SECONDS, issuer } = options;
  const rules = { algorithms: ['HS256'], clockTolerance: skewSeconds, ...(issuer === undefined ? {} : { issuer }) };
  let reason = 'there is no secret to check tokens by';
  for (const secret of options.secrets()) {
    try {
      const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), rules);
      return identityOf(payload, skewSeconds);
    } catch (error) {
      reason = reasonOf(error);
      // Another secret would say the same of a token that this one has signed.
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
    }
  }
  return { ok: false, reason };
}

function identityOf({ sub, exp, type }: JWTPayload, skewSeconds: number): Identity {
  if (type !== 'access') return { ok: false, reason: 'the token is not an access token' };
  if (sub === undefined || !isEmail(sub)) return { ok: false, reason: 'the token has no e-mail as its subject' };
  return { ok: true, email: sub, ...(exp === undefined ? {} : { expiresAtMs: (exp + skewSeconds) * 1000 }) };
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the token is not signed by this server';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is not HS256';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'the token is not valid yet' : `the token's claim "${error.claim}" is not accepted here`;
  return 'the token is malformed';
}

/**
 * Makes an access token as upstream's server would.
 * @param expiresAtMs Unix ms; without it the token does not expire
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
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
