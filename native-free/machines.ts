// What other programs import as `hotlink/native-free/machines`: the state machines by which a program on a platform of its own, such as a page, is a
// whole peer of hotlinks: sessions, WebRTC's exchange, and a channel with streams, acknowledgements, credit and the choice of lanes. The interfaces here are
// what such a program needs of the machines, which have more for the rooms of this repository. No Node, no I/O, no clock: native-free/README.md says how
// a machine is driven.

import { ChannelCore } from './channel/core.js';
import { DEFAULT_LIMITS } from './channel/limits.js';
import { COUNTER_NAMES } from './counters.js';
import type { fingerprint } from './envelope/ids.js';
import type { HotlinkMessage } from './envelope/types.js';
import type { HotlinkErrorCode } from './errors.js';
import { KeyExchange as Exchange, type KeyCrypto } from './seal/key-exchange.js';
import { InboundSessions } from './session/inbound.js';
import { Negotiation as SdpExchange } from './session/negotiation.js';
import { OutboundSession } from './session/outbound.js';

export { FRAME_SIGNAL } from './envelope/data.js';
export { fingerprint, ownId, ownIdStem } from './envelope/ids.js';
export { KEY_SIGNAL } from './seal/index.js';
export { iceUfrag } from './session/sdp.js';

/** What every machine has that waits for something. After each call drain its `poll()`, then look when to be there again. */
export interface Machine {
  /** When `handleTimeout` must be called at the latest, ms; undefined while nothing waits. */
  timeoutMs(): number | undefined;
  /** The time that `timeoutMs` named has come. */
  handleTimeout(nowMs: number): void;
}

/** A carrier of frames to the peer, which the program supplies. It must not call back from within `trySend`. */
export interface Lane {
  /** Which kind it is. */
  readonly kind: 'webrtc' | 'relay' | 'direct';
  /** The session it belongs to. */
  readonly sid: string;
  /** Largest frame that it takes, bytes. */
  readonly maxFrameBytes: number;
  /** Takes a copy of a frame or says why not; an urgent one (small) also above its high watermark. After `full` it calls {@link Channel.pump}. */
  trySend(frame: Uint8Array, urgent?: boolean): 'taken' | 'full' | 'oversize' | 'closed';
  /** Bytes taken and not yet given to the network. */
  bufferedBytes(): number;
  /** Ends it. Idempotent. */
  close(): void;
}

/** What a channel does to its owner. */
export interface ChannelPorts {
  /** Bytes of a stream, in order; valid during the call only, unless `lasting`. */
  deliver(stream: number, payload: Uint8Array, lasting: boolean): void;
  /** The peer opened a stream. */
  opened(stream: number): void;
  /** The peer has no more to send. */
  ended(stream: number): void;
  /** The peer tore the stream down. */
  reset(stream: number, reason: string): void;
  /** There is room for {@link Channel.take} again. */
  room(stream: number): void;
  /** Everything of a stream that was ended is on its way. */
  sendingDone(stream: number): void;
  /** There is something to send: a session is wanted, see {@link Outbound.handleWant}. */
  wantSession(): void;
  /** The relay lane of this session is wanted. */
  wantRelay(sid: string): void;
  /** The peer was started anew: streams are over, but for those it had not heard of, which have other ids now. */
  peerRestarted(renumbered: ReadonlyMap<number, number>): void;
  /** The channel cannot keep its promise; its streams are over. */
  failed(code: HotlinkErrorCode, message: string): void;
  /** A frame could not be used. */
  refused(reason: string, sid: string): void;
  /** Another lane carries now, or none. */
  carries(lane: Lane | undefined, reason: string): void;
}

/** One channel: its streams, over whatever lanes of its sessions are up. */
export interface Channel {
  /** What carries now. */
  readonly lane: Lane | undefined;
  /** Highest stream id either side used. */
  readonly highestStream: number;
  /** Whether the peer has acknowledged everything. */
  readonly settled: boolean;
  /** Starts the sending half of a stream. `opener`: this side made up the id; `announce`: the peer hears of it before the first byte. */
  openStream(id: number, opener: boolean, announce: boolean, nowMs: number): { readonly id: number };
  /** Sends bytes, copied with `landedAt` -1. False: there is no room, keep them until `room`. */
  take(stream: { readonly id: number }, bytes: Uint8Array, landedAt: number, nowMs: number): boolean;
  /** Nothing more is sent. */
  endStream(stream: { readonly id: number }, nowMs: number): void;
  /** Tears the stream down on the far side. */
  resetStream(stream: { readonly id: number }, reason: string, nowMs: number): void;
  /** The stream is over here, in both directions. */
  removeStream(id: number): void;
  /** Delivered bytes were used: the peer may send as many more. */
  consumed(stream: number, bytes: number, nowMs: number): void;
  /** A session was accepted. `own`: by a hotlink; `epoch`: its instance, from {@link fingerprint}. */
  sessionUp(session: { sid: string; direction: 'in' | 'out'; own: boolean; epoch: string; path: string }, nowMs: number): void;
  /** A session ended. Its owner closes its lanes. */
  sessionDown(sid: string, nowMs: number): void;
  /** A lane of a session takes frames. */
  laneUp(lane: Lane, nowMs: number): void;
  /** A lane is gone. `lossy`: what it took may be lost. */
  laneDown(lane: Lane, reason: string, nowMs: number, lossy?: boolean): void;
  /** The relay connection came or went. */
  relayThere(there: boolean, nowMs: number): void;
  /** The relay may not carry this session. */
  relayRefused(sid: string, reason: string, nowMs: number): void;
  /** A peer-to-peer lane of this session is being tried. */
  attemptBegins(sid: string, kind: 'webrtc' | 'direct'): void;
  /** It did not come up. */
  attemptFailed(sid: string, kind: 'webrtc' | 'direct', reason: string, nowMs: number): void;
  /** A message arrived on a lane. `lasting`: its bytes stay as they are. Never throws. */
  frame(lane: Lane, message: Uint8Array, lasting: boolean, nowMs: number): void;
  /** Sends what can be sent now. */
  pump(nowMs: number): void;
  /** When `tick` must be called at the latest, ms. */
  timeoutMs(): number | undefined;
  /** The time that `timeoutMs` named has come. */
  tick(nowMs: number): void;
}

/** Makes a channel. `path`: as frames name it; `salt`: five random base-36 characters; `lanes`: those that may carry, by default all. */
export function createChannel(config: {
  path: string;
  salt: string;
  lanes?: readonly ('webrtc' | 'relay' | 'direct')[];
  ports: ChannelPorts;
}): Channel {
  const { path, salt, lanes = ['direct', 'webrtc', 'relay'], ports } = config;
  const [directAllowed, webrtcAllowed, relayAllowed] = (['direct', 'webrtc', 'relay'] as const).map((lane) => lanes.includes(lane));
  const limits = {
    ...DEFAULT_LIMITS,
    directAllowed: directAllowed === true,
    webrtcAllowed: webrtcAllowed === true,
    relayAllowed: relayAllowed === true,
  };
  return new ChannelCore({ path, salt, limits, counters: new Float64Array(COUNTER_NAMES.length), ports });
}

/** The session that we open, and its successors. It never gives up while it is wanted. */
export interface Outbound extends Machine {
  /** The next thing to do; undefined when there is nothing. */
  poll():
    | { kind: 'send'; message: HotlinkMessage }
    | { kind: 'accepted'; sid: string }
    | { kind: 'reopened'; oldSid: string; sid: string }
    | { kind: 'lost'; sid: string; reason: string }
    | { kind: 'rejected'; sid: string; reason: string; retryInMs: number }
    | undefined;
  /** The live one's id: the one that an Accept has to name. */
  readonly sid: string | undefined;
  /** The path that it was opened on. */
  readonly path: string;
  /** There are bytes to send. */
  handleWant(nowMs: number): void;
  /** The relay connection came (also anew) or went. */
  handleRelay(up: boolean, nowMs: number): void;
  /** An Accept arrived, from a peer of that kind. */
  handleAccept(sid: string, peerKind: 'hotlink' | 'go' | 'rust' | 'unknown', nowMs: number): 'accepted' | 'duplicate' | 'stale' | 'moved';
  /** A Reject arrived. `stale`: not about the live session. */
  handleReject(sid: string, reason: string, nowMs: number): 'taken' | 'stale' | 'ignored';
  /** A Close arrived. */
  handleClose(sid: string, reason: string, nowMs: number): 'taken' | 'stale' | 'ignored';
  /** Ends for good, telling the peer. */
  close(reason: string): void;
}

/** Makes the opener of sessions on a path with a peer. `newSid` gives unguessable ids, `jitter` chance, 0…1. */
export function createOutbound(options: { path: string; peer: string; newSid: () => string; jitter: () => number }): Outbound {
  return new OutboundSession(options);
}

/** The sessions that peers open towards us. */
export interface Inbound extends Machine {
  /** The next thing to do; undefined when there is nothing. */
  poll():
    | { kind: 'send'; message: HotlinkMessage }
    | { kind: 'accepted'; sid: string; channelId: string; opener: ReturnType<typeof fingerprint> }
    | { kind: 'replaced'; oldSid: string; sid: string; channelId: string }
    | { kind: 'closed'; sid: string; channelId: string; reason: string }
    | { kind: 'refused'; sid: string; reason: string }
    | undefined;
  /** An Open arrived; `lookup` says which channel it is for. */
  handleOpen(
    open: Extract<HotlinkMessage, { typ: 9 }>,
    opener: ReturnType<typeof fingerprint>,
    lookup: (path: string, from: string) => string | 'unknown-channel' | 'wrong-peer',
    nowMs: number,
  ): 'accepted' | 'waiting' | 'duplicate' | 'ended' | 'refused';
  /** The relay rejected our Accept. */
  handleReject(sid: string, reason: string): 'taken' | 'kept' | 'stale';
  /** A Close arrived. */
  handleClose(sid: string, reason: string): 'taken' | 'stale';
  /** The relay connection came or went. */
  handleRelay(up: boolean, nowMs: number): void;
  /** Ends a session, telling its opener. */
  close(sid: string, reason: string): void;
}

/** Makes the acceptor of sessions; `self` is our e-mail. */
export function createInbound(options: { self: string }): Inbound {
  return new InboundSessions(options);
}

/** WebRTC's exchange of descriptions and candidates, once. Its owner feeds in what the connection says and what the peer signals. */
export interface Negotiation extends Machine {
  /** The next thing to do; undefined when there is nothing. */
  poll():
    | { kind: 'send'; knd: 'sdp_offer' | 'sdp_answer' | 'ice_candidate' | 'webrtc_error'; tok?: string; err?: string }
    | { kind: 'set-remote'; type: 'offer' | 'answer'; sdp: string }
    | { kind: 'add-candidate'; candidate: string; mid: string }
    | { kind: 'failed'; reason: string }
    | undefined;
  /** How far it is. */
  readonly state: 'new' | 'gathering' | 'offered' | 'answered' | 'connecting' | 'connected' | 'failed';
  /** Begins. An offerer's owner makes the connection now, an answerer's at `set-remote`. */
  start(nowMs: number): void;
  /** The connection has a description. */
  handleLocalDescription(type: 'offer' | 'answer', sdp: string, nowMs: number): void;
  /** The connection has gathered a candidate. */
  handleLocalCandidate(candidate: string, mid: string, nowMs: number): void;
  /** It has all of them; `sdp` is its description with them. */
  handleGatheringComplete(sdp: string, nowMs: number): void;
  /** The data channel is open. */
  handleConnected(nowMs: number): void;
  /** The connection failed. */
  handleFailed(reason: string, nowMs: number): void;
  /** A Signal arrived. Never throws. */
  handleSignal(
    knd: string,
    tok: string | undefined,
    err: string | undefined,
    nowMs: number,
  ): 'taken' | 'repeated' | 'late' | 'ignored' | 'bad';
}

/** Makes an exchange: the acceptor of a session offers, its opener answers. */
export function createNegotiation(options: { role: 'offerer' | 'answerer' }): Negotiation {
  return new SdpExchange(options);
}

/** Says that this side does not seal what the relay carries. `refused`: the peer insists, and the relay may not carry the session. */
export interface KeyExchange extends Machine {
  /** The next thing to do; undefined when there is nothing. */
  poll(): { kind: 'send'; tok: string } | { kind: 'plain' | 'refused'; reason: string } | undefined;
  /** The session is up. */
  start(nowMs: number): void;
  /** A Signal {@link KEY_SIGNAL} arrived. Never throws. */
  handleSignal(tok: string | undefined): 'ok' | { refused: string };
}

/** Not asked for anything by a side that does not seal. */
const NO_CRYPTO: KeyCrypto = {
  ephemeral: new Uint8Array(0),
  identity: undefined,
  sign: () => new Uint8Array(0),
  verify: () => false,
  agree: () => undefined,
};

/** Makes the exchange of one session. `epoch`: the instance in each side's message ids. */
export function createKeyExchange(options: {
  sid: string;
  role: 'opener' | 'acceptor';
  self: { email: string; epoch: string };
  peer: { email: string; epoch: string };
}): KeyExchange {
  // It never comes to `sealed`.
  return new Exchange({ ...options, enabled: false, crypto: NO_CRYPTO, mustSeal: () => undefined, judge: () => undefined }) as KeyExchange;
}
