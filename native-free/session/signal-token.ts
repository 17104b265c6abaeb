// The JSON inside a signal's `tok`, both ways. What comes from a peer is untrusted: read with bounds, never thrown past here.
// Wire spec 5.3; pure.

import { isModestJson } from '../envelope/json-shape.js';
import { normaliseCandidate } from './sdp.js';
import { SIGNAL_LIMITS } from './tunables.js';

/** Which of the two descriptions of an exchange. */
export type DescriptionType = 'offer' | 'answer';

/**
 * The token of an `sdp_offer` or `sdp_answer` signal; `offer` is the ICE user fragment of the offer that is answered.
 * @remarks An answer to an offer that was replaced meanwhile is not to be taken.
 */
export function formatDescription(type: 'offer' | 'answer', sdp: string, offer?: string): string {
  return JSON.stringify({ type, sdp, ...(offer === undefined ? {} : { offer }) });
}

/** The ICE user fragment of the offer that an answer is to; `undefined` where its sender does not say, as upstream's do not. */
export function offerOf(tok: string | undefined): string | undefined {
  const { offer } = parseObject(tok) ?? {};
  return typeof offer === 'string' ? offer : undefined;
}

/** The token of an `ice_candidate` signal. */
export function formatCandidate(candidate: string, mid: string): string {
  return JSON.stringify({ candidate, sdpMid: mid, sdpMLineIndex: 0, usernameFragment: null });
}

/** The SDP of such a token; undefined if it is no description of that type. */
export function parseDescription(tok: string | undefined, type: 'offer' | 'answer'): string | undefined {
  const { sdp, type: said } = parseObject(tok) ?? {};
  if (typeof sdp !== 'string' || sdp === '') return undefined;
  // Rust reads only `sdp`, so the type may be missing; but it may not contradict.
  return said === undefined || said === null || said === type ? sdp : undefined;
}

/** The candidate of such a token; `end`: a browser's empty one, there are no more. Rust leaves `mid` empty. */
export function parseCandidate(tok: string | undefined): { candidate: string; mid: string | undefined } | 'end' | undefined {
  const { candidate, sdpMid } = parseObject(tok) ?? {};
  if (typeof candidate !== 'string' || candidate.length > SIGNAL_LIMITS.maxCandidateChars) return undefined;
  if (candidate.trim() === '') return 'end';
  const normal = normaliseCandidate(candidate);
  if (normal === undefined) return undefined;
  if (sdpMid === undefined || sdpMid === null || sdpMid === '') return { candidate: normal, mid: undefined };
  return typeof sdpMid === 'string' && /^[\x21-\x7e]{1,64}$/.test(sdpMid) ? { candidate: normal, mid: sdpMid } : undefined;
}

function parseObject(tok: string | undefined): Record<string, unknown> | undefined {
  if (tok === undefined || tok.length > SIGNAL_LIMITS.maxTokenChars || !isModestJson(tok)) return undefined;
  try {
    const value: unknown = JSON.parse(tok);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A remote candidate; `mid` is absent where the peer left it empty, as Rust always does. */
export type CandidateToken = Exclude<NonNullable<ReturnType<typeof parseCandidate>>, 'end'>;
