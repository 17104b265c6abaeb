// What the main thread knows of one live session: who is at the other end and how its exchanges stand. Main thread.

import type { DirectSignalFields, Fingerprint, KeyExchange, Negotiation } from '../../native-free/index.js';
import type { IceSettings } from '../../workers/messages.js';
import type { SessionStatus } from '../status.js';

/** How the direct lane of one session stands. */
export interface DirectRecord {
  state: SessionStatus['direct'];
  /** Why it is not up; the peer's address when it is. */
  reason: string;
  /** Names the attempt under way; undefined without one. */
  token: string | undefined;
  /** The peer's offer, which an answer of ours is for. */
  offer: string | undefined;
  /** What we said of ourselves, for a peer that asks twice. */
  said: DirectSignalFields | undefined;
  /** Failed attempts since it last worked. */
  attempts: number;
  /** When the offer is to be repeated, the attempt given up, or a new one made, ms. Only the acceptor repeats and tries again. */
  repeatAtMs: number | undefined;
  deadlineMs: number | undefined;
  retryAtMs: number | undefined;
}

export interface SessionRecord {
  readonly sid: string;
  readonly direction: 'in' | 'out';
  readonly path: string;
  readonly peer: Fingerprint;
  /** Frames up to 4096-byte datagrams between two ends of one machine, 1280 otherwise, unless configured. */
  readonly mtu: number;
  /** The peer is a hotlink on this very machine. */
  readonly sameHost: boolean;
  binding: number;
  negotiation: Negotiation | undefined;
  /** ICE user fragment of the offer being answered: names the attempt. */
  offerUfrag: string | undefined;
  webrtc: SessionStatus['webrtc'];
  readonly direct: DirectRecord;
  /** Why it is not connected, after a failure; empty before and while it is. */
  webrtcReason: string;
  /** Peer connections of its WebRTC lane, while that is up. */
  connections: number;
  /** How many the peer takes; 1 until it says otherwise. */
  peerConnections: number;
  /** The largest packet that the peer's interfaces take, bytes; undefined until it says so. */
  peerPacketBytes?: number | undefined;
  /** Kinds of the selected candidates. */
  candidates: SessionStatus['candidates'];
  /** When it was accepted, Unix ms. */
  readonly acceptedMs: number;
  /** Failed attempts since WebRTC last worked. */
  attempts: number;
  /** Connections that the worker was told to make and has not begun: what it says meanwhile is of an earlier one. */
  rtcStarting: number;
  /** ICE servers that were named for the last attempt, and those of them that it used. */
  namedIce?: IceSettings;
  ice: IceSettings | undefined;
  /** Over as a session, but its data channel carries on until the one of its successor is up. */
  retired: boolean;
  /** Own peers only. */
  exchange: KeyExchange | undefined;
  /** Whether frames through the relay are sealed; `refused`: it may not carry this session. */
  seal: 'pending' | 'sealed' | 'plain' | 'refused';
  /** Why it is refused. */
  sealReason: string;
  /** The worker asked for the relay lane. */
  relayWanted: boolean;
  /** Fingerprint of the identity key that the peer has proved. */
  identity: string | undefined;
  /** A lane uses a certificate of the peer's that nobody vouched for: its identity was not known then. */
  unvouched: boolean;
  /** When the peer's last wish for new connections is or was granted, ms. */
  askedAtMs: number;
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
