// What the main thread knows of one live session: who is at the other end and how its WebRTC exchange stands. Main thread.

import type { Fingerprint, Negotiation } from '../../native-free/index.js';
import type { SessionStatus } from '../status.js';

export interface SessionRecord {
  readonly sid: string;
  readonly direction: 'in' | 'out';
  readonly path: string;
  readonly peer: Fingerprint;
  /** Frames up to 4096-byte datagrams between two ends of one machine, 1280 otherwise, unless configured. */
  readonly mtu: number;
  /** The peer is one of ours on this very machine. */
  readonly sameHost: boolean;
  binding: number;
  negotiation: Negotiation | undefined;
  /** ICE user fragment of the offer being answered: names the attempt. */
  offerUfrag: string | undefined;
  webrtc: SessionStatus['webrtc'];
  /** Why it is not connected, after a failure; empty before and while it is. */
  webrtcReason: string;
  /** Kinds of the selected candidates. */
  candidates: SessionStatus['candidates'];
  /** Failed attempts since WebRTC last worked. */
  attempts: number;
  /** Over as a session, but its data channel carries on until the one of its successor is up. */
  retired: boolean;
  /** When the attempt under way began, ms. */
  begunAtMs: number;
  /** By when the peer's offer is to come, ms; only while we wait for the first one. */
  offerDueAtMs: number | undefined;
  /** When WebRTC is to be tried again, ms; only the acceptor tries. */
  retryAtMs: number | undefined;
}

/** What the client field of status says. */
export function clientName(peer: Fingerprint): SessionStatus['client'] {
  return peer.kind;
}

/** The peer's channel epoch; empty for upstream peers, which have none. */
export function epochOf(peer: Fingerprint): string {
  return peer.kind === 'hotlink' ? peer.instance : '';
}
