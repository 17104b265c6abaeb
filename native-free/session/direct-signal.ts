// What two own peers say of their direct lanes, in Signals of kind `hl1_direct` that the relay hands on verbatim and upstream ignores:
//   offer    the session's acceptor: here I listen, this is my certificate, this token names the attempt
//   answer   its opener: the same, for the offer with that token
//   off      no direct lane on this side; `err` says why
// Token and certificate travel in `tok`, addresses in `adr`, behind them the certificate's voucher where there is an identity key. Parsing never throws, whatever a peer wrote.

/** Signal kind; older peers of ours and upstream's pass over it. */
export const DIRECT_SIGNAL = 'hl1_direct';
/** Addresses of one side; the rest of a longer list is not looked at. */
export const MAX_DIRECT_ADDRESSES = 8;

/** Where one side of a direct lane can be met. */
export interface DirectParty {
  /** 32 hex digits, made up for this attempt; whoever connects must present it. */
  token: string;
  /** SHA-256 of its certificate, 64 hex digits. */
  fingerprint: string;
  /** `a.b.c.d:port` and `[v6]:port`; empty where it cannot be dialled. */
  addresses: readonly string[];
}

export type DirectSignal =
  | { kind: 'offer'; party: DirectParty }
  /** @property re token of the offer */
  | { kind: 'answer'; party: DirectParty; re: string }
  | { kind: 'off'; reason: string };

export interface DirectSignalFields {
  tok: string;
  adr?: readonly string[];
  err?: string;
}

export function writeDirectSignal(signal: DirectSignal): DirectSignalFields {
  if (signal.kind === 'off') return { tok: 'off', err: signal.reason };
  const { token, fingerprint, addresses } = signal.party;
  const tok = `${signal.kind}.${token}.${fingerprint}${signal.kind === 'answer' ? `.${signal.re}` : ''}`;
  return addresses.length === 0 ? { tok } : { tok, adr: addresses };
}

/** @returns undefined for anything that is not one of ours */
export function readDirectSignal(
  tok: string | undefined,
  adr: readonly string[] | undefined,
  err: string | undefined,
): DirectSignal | undefined {
  if (tok === 'off') return { kind: 'off', reason: err === undefined || err === '' ? 'no reason given' : err.slice(0, 200) };
  const [, kind, token, fingerprint, re] = SHAPE.exec(tok ?? '') ?? [];
  if (token === undefined || fingerprint === undefined) return undefined;
  const party = {
    token,
    fingerprint,
    addresses: (adr ?? []).slice(0, MAX_DIRECT_ADDRESSES).filter((one) => parseAddress(one) !== undefined),
  };
  if (kind === 'offer') return re === undefined ? { kind, party } : undefined;
  return re === undefined ? undefined : { kind: 'answer', party, re };
}

/** `a.b.c.d:port` or `[v6]:port`. Names are not taken: what a name stands for here is not the peer's to decide. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const [, v6, v4, digits] = ADDRESS.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < 1 || port > 65_535) return undefined;
  if (v4 !== undefined) return v4.split('.').every((part) => Number(part) <= 255) ? { host: v4, port } : undefined;
  return v6 === undefined || !v6.includes(':') ? undefined : { host: v6, port };
}

const SHAPE = /^(offer|answer)\.([0-9a-f]{32})\.([0-9a-f]{64})(?:\.([0-9a-f]{32}))?$/;
const ADDRESS = /^(?:\[([0-9a-fA-F:.]{2,45})\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/;
