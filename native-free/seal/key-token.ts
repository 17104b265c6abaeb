// The JSON in a Signal of kind `hl1_key`, and the voucher that goes with an own peer's certificate. From a peer: read with bounds, never
// thrown past here. Any thread.
//
//   key    {"v":1,"eph":B64,"id":B64?,"req":true?,"ask":true?,"of":B64?,"sig":B64?}
//          eph: X25519 key for this session · id: Ed25519 identity · req: its owner takes nothing unsealed from the relay
//          ask: said again, since its owner still waits for the other's proof
//          of: the other side's `eph`, once it was seen · sig: Ed25519 over proofBytes, with `id` and `of`
//   off    {"v":1,"off":REASON}        its owner does not seal
//   voucher, text in `adr` of a description's Signal:  hl1-voucher ID SIG     (base64 both; SIG over certificateBytes)

import { decodeBase64, encodeBase64 } from '../envelope/base64.js';

/** Signal kind of the key exchange. */
export const KEY_SIGNAL = 'hl1_key';

const VERSION = 1;
const VOUCHER_WORD = 'hl1-voucher';
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** An honest token has about 300 characters. */
const MAX_TOKEN_CHARS = 2048;
const MAX_REASON_CHARS = 200;

export interface EphemeralToken {
  kind: 'key';
  ephemeral: Uint8Array;
  identity?: Uint8Array | undefined;
  required: boolean;
  asks?: boolean;
  of?: Uint8Array | undefined;
  signature?: Uint8Array | undefined;
}

export type KeyToken = EphemeralToken | { kind: 'off'; reason: string };

export function formatKeyToken(token: KeyToken): string {
  if (token.kind === 'off') return JSON.stringify({ v: VERSION, off: token.reason.slice(0, MAX_REASON_CHARS) });
  const { ephemeral, identity, required, asks, of, signature } = token;
  return JSON.stringify({
    v: VERSION,
    eph: encodeBase64(ephemeral),
    ...(identity === undefined ? {} : { id: encodeBase64(identity) }),
    ...(required ? { req: true } : {}),
    ...(asks === true ? { ask: true } : {}),
    ...(of === undefined ? {} : { of: encodeBase64(of) }),
    ...(signature === undefined ? {} : { sig: encodeBase64(signature) }),
  });
}

/** @returns undefined for what is no token of this version */
export function parseKeyToken(tok: string | undefined): KeyToken | undefined {
  const fields = parseObject(tok);
  if (fields === undefined || fields['v'] !== VERSION) return undefined;
  if (typeof fields['off'] === 'string') return { kind: 'off', reason: printable(fields['off']) };
  const ephemeral = bytesOf(fields['eph'], KEY_BYTES);
  if (ephemeral === undefined) return undefined;
  const token: EphemeralToken = { kind: 'key', ephemeral, required: fields['req'] === true, asks: fields['ask'] === true };
  for (const [key, name, bytes] of [
    ['identity', 'id', KEY_BYTES],
    ['of', 'of', KEY_BYTES],
    ['signature', 'sig', SIGNATURE_BYTES],
  ] as const) {
    if (fields[name] === undefined) continue;
    const value = bytesOf(fields[name], bytes);
    if (value === undefined) return undefined;
    token[key] = value;
  }
  return token;
}

/** A signature over a certificate, with the key that made it. */
export interface Voucher {
  identity: Uint8Array;
  signature: Uint8Array;
}

export function formatVoucher({ identity, signature }: Voucher): string {
  return `${VOUCHER_WORD} ${encodeBase64(identity)} ${encodeBase64(signature)}`;
}

/** @param texts a Signal's `adr`, of which the first voucher counts @returns undefined without one, 'bad' for one that cannot be read */
export function parseVoucher(texts: readonly string[] | undefined): Voucher | 'bad' | undefined {
  const text = texts?.find((one) => one.startsWith(VOUCHER_WORD));
  if (text === undefined) return undefined;
  const [, id, sig, more] = text.slice(0, MAX_TOKEN_CHARS).split(' ');
  const identity = bytesOf(id, KEY_BYTES);
  const signature = bytesOf(sig, SIGNATURE_BYTES);
  return identity === undefined || signature === undefined || more !== undefined ? 'bad' : { identity, signature };
}

function bytesOf(text: unknown, bytes: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > 4 * bytes) return undefined;
  const decoded = decodeBase64(text);
  return decoded?.length === bytes ? decoded : undefined;
}

function parseObject(tok: string | undefined): Record<string, unknown> | undefined {
  if (tok === undefined || tok.length > MAX_TOKEN_CHARS) return undefined;
  try {
    const value: unknown = JSON.parse(tok);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A peer's words on their way into our log. */
function printable(text: string): string {
  return text.slice(0, MAX_REASON_CHARS).replace(/[^\x20-\x7e]/g, '?');
}
