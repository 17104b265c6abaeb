// What two own peers say of a further connection of a session's WebRTC lane: the signals of its SDP exchange (wire spec 5), wrapped in Signals of kind
// `hl1_stripe` that the relay hands on verbatim and whoever does not know them passes over. `tok` is JSON:
//   n  alone: so many connections this side takes for the lane, the first included. Said when that one is up; who does not say it is not asked
//   p  with it: the largest packet that all of this side's interfaces take, bytes. Who does not say it gets no larger ones than every path carries
//   m  name of the connection: `o` or `a` for the side of the session that offered it (opener, acceptor), and a number that this side never used before
//   k  the signal's own kind; t, e  its token and its error, where it has them
//   l  in an offer: true when the path loses packets, so that both ends choose their congestion control for it
// Vouchers of certificates travel in `adr`, as with the first connection. Parsing never throws, whatever a peer wrote. Pure.

import type { SignalKind } from './negotiation.js';
import { SIGNAL_LIMITS } from './tunables.js';

export const STRIPE_SIGNAL = 'hl1_stripe';

export interface StripeSignal {
  member: string;
  knd: SignalKind;
  tok?: string;
  err?: string;
  lossy?: boolean;
}

const KINDS: readonly SignalKind[] = ['sdp_offer', 'sdp_answer', 'ice_candidate', 'webrtc_error'];
const MEMBER = /^[oa][1-9]\d{0,5}$/;
/** The wrapping and its escapes: a description has a line break in every line. */
const WRAPPED_CHARS = 2 * SIGNAL_LIMITS.maxTokenChars;

/** @param most connections that this side takes for one lane @param packetBytes the largest packet its interfaces take, where it knows */
export function formatStripeHello(most: number, packetBytes?: number): string {
  return JSON.stringify({ n: most, p: packetBytes });
}

export interface StripeHello {
  /** Connections that the peer takes. */
  most: number;
  /** The largest packet that the peer's interfaces take, bytes; undefined when it did not say. */
  packetBytes: number | undefined;
}

/** @returns undefined when this is something else */
export function parseStripeHello(tok: string | undefined): StripeHello | undefined {
  const { n, p } = parseObject(tok) ?? {};
  return isWithin(n, 1, 64) ? { most: n, packetBytes: isWithin(p, 576, 65_535) ? p : undefined } : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

export function formatStripeSignal({ member, knd, tok, err, lossy }: StripeSignal): string {
  return JSON.stringify({ m: member, k: knd, t: tok, e: err, l: lossy === true ? true : undefined });
}

/** @returns undefined for anything that is not one of ours */
export function parseStripeSignal(tok: string | undefined): StripeSignal | undefined {
  const { m, k, t, e, l } = parseObject(tok) ?? {};
  const knd = KINDS.find((kind) => kind === k);
  if (knd === undefined || typeof m !== 'string' || !MEMBER.test(m)) return undefined;
  return {
    member: m,
    knd,
    ...(typeof t === 'string' ? { tok: t } : {}),
    ...(typeof e === 'string' ? { err: e.slice(0, SIGNAL_LIMITS.maxErrorChars) } : {}),
    lossy: l === true,
  };
}

function parseObject(tok: string | undefined): Record<string, unknown> | undefined {
  if (tok === undefined || tok.length > WRAPPED_CHARS) return undefined;
  try {
    const value: unknown = JSON.parse(tok);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
