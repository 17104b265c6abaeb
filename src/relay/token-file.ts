// Static tokens: a file with one line for each, which holds the token's hash and whose it is, never the token. `#` begins a comment.
//
//   alice@example.com sha256:<base64url of the token's SHA-256> [until, ISO 8601]
//
// Tokens have 256 random bits, so their plain hash is as good as they are. Taking a line away ends what the token opened.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isEmail } from '../../native-free/path.js';
import { type Authenticate, bearerOf, type Identity } from './auth.js';

/** Tells our tokens from others at sight, also to tools that look for leaked secrets. */
const PREFIX = 'hlt_';

interface Entry {
  readonly email: string;
  readonly hash: Buffer;
  readonly expiresAtMs: number | undefined;
}

/** By the hash, in hex: whoever could learn something from how long the search takes would have to choose hashes. */
export type TokenTable = ReadonlyMap<string, Entry>;

/** @throws Error naming the line that cannot be read */
export function parseTokenFile(text: string): TokenTable {
  const table = new Map<string, Entry>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [email = '', digest = '', until, ...rest] = trimmed.split(/\s+/);
    const hash = Buffer.from(/^sha256:([\w-]{43})$/.exec(digest)?.[1] ?? '', 'base64url');
    const expiresAtMs = until === undefined ? undefined : Date.parse(until);
    if (!isEmail(email) || hash.length !== 32 || Number.isNaN(expiresAtMs) || rest.length > 0)
      throw new Error(`line ${index + 1} is not "<e-mail> sha256:<hash> [until]"`);
    table.set(hash.toString('hex'), { email, hash, expiresAtMs });
  }
  return table;
}

/** Authentication by static token. @param table as it is now, asked each time */
export function staticTokens(table: () => TokenTable): Authenticate {
  return (request) => {
    const bearer = bearerOf(request);
    if (!('token' in bearer)) return bearer;
    const identity = checkStaticToken(bearer.token, table(), Date.now());
    if (!identity.ok) return identity;
    return { ...identity, isGood: () => checkStaticToken(bearer.token, table(), Date.now()).ok };
  };
}

export function checkStaticToken(token: string, table: TokenTable, nowMs: number): Identity {
  const hash = createHash('sha256').update(token).digest();
  const entry = table.get(hash.toString('hex'));
  if (entry === undefined || !timingSafeEqual(entry.hash, hash)) return { ok: false, reason: 'the token is not known here' };
  const { email, expiresAtMs } = entry;
  if (expiresAtMs === undefined) return { ok: true, email };
  return nowMs < expiresAtMs ? { ok: true, email, expiresAtMs } : { ok: false, reason: 'the token has expired' };
}

/** A new token and the line that lets it in. */
export function makeStaticToken(email: string, expiresAtMs?: number): { readonly token: string; readonly line: string } {
  const token = `${PREFIX}${randomBytes(32).toString('base64url')}`;
  const digest = createHash('sha256').update(token).digest('base64url');
  const until = expiresAtMs === undefined ? '' : ` ${new Date(expiresAtMs).toISOString()}`;
  return { token, line: `${email} sha256:${digest}${until}\n` };
}
