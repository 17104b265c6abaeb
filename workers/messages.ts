// Every message that crosses between threads, as closed unions. Payload bytes are never in them: those travel in shared rings.

import type { MessagePort } from 'node:worker_threads';
import type { ChannelLimits } from '../native-free/channel/limits.js';
import type { HotlinkMessage } from '../native-free/envelope/index.js';
import type { HotlinkErrorCode } from '../native-free/errors.js';
import type { LaneKind } from '../native-free/lane.js';
import type { SealKeys } from '../native-free/seal/index.js';
import type { DirectParty } from '../native-free/session/direct-signal.js';

/** STUN and TURN servers. With each connection, since the relay may advertise them after the channel began. */
export interface IceSettings {
  /** URLs; an empty list means host candidates only. */
  iceServers: string[];
  turnUser?: string;
  turnPass?: string;
}

/** Connection settings that hold for every peer connection of a channel. */
export interface RtcSettings {
  /** SCTP send and receive buffer, bytes; `auto`: by whether both ends are on one machine (lanes/sctp-profile.ts). */
  sctpWindowBytes: number | 'auto';
  sctpCongestion: 'standard' | 'hstcp';
  /** Peer connections of one lane between own peers: so many, or as many as the path needs (channel/stripes.ts). */
  stripes: number | 'auto';
  /** The stack's threads do not interrupt others, where that can be arranged (stack-threads.ts). */
  batchScheduling: boolean;
  /** Small frames between own peers near each other go beside the data channel (native-free/datagrams.ts). */
  datagrams: boolean;
  bufferedHighBytes: number;
  backpressureWaitMs: number;
}

/** What a thread shows of itself on direct connections. */
export interface DirectIdentity {
  /** PEM. */
  key: string;
  certificate: string;
  /** SHA-256 of the certificate, 64 lowercase hex digits. */
  fingerprint: string;
  /** Port for peers on other machines; threads beyond the first take the ones above. 0: the system's choice. */
  port: number;
}

/**
 * How applications meet the channel. Both ends listen (`rendezvous`), or one listens (`forward`) and the other dials (`dial`).
 * A port 0 lets the system choose.
 */
export type ChannelShape =
  | { kind: 'rendezvous' | 'forward'; port: number }
  | { kind: 'dial'; host: string; port: number }
  /** The program itself is the application: it opens its one stream with `open`. `silent`: it never will, and streams are refused. */
  | { kind: 'program'; silent: boolean }
  /** Frames of the application of an IPC directory, which this host serves. */
  | { kind: 'ipc'; host: number };

/** Where the application of an IPC directory connects. */
export type IpcAddress = { kind: 'unix' | 'pipe'; path: string } | { kind: 'tcp'; host: string; port: number };

/** What an IPC host is started with: one directory, its endpoint and what waits there. Its channels are started on the same thread. */
export interface IpcHostTask {
  port: MessagePort;
  /** Number that channels name the host by. Never used twice in one process. */
  ipcHost: number;
  /** Datasite-relative directory that frames may name, and where it lies on this machine. */
  directory: string;
  folder: string;
  address: IpcAddress;
  /** Our own e-mail, and which run of the daemon this is. */
  self: string;
  run: string;
  /** Frames kept in memory for peers that have not got them, bytes. */
  memoryBytes: number;
  /** Without a lane for so long, waiting frames are written to files, ms; undefined: never. */
  fallbackMs: number | undefined;
  /** How long a file must not have changed before it is replayed, ms. */
  stableMs: number;
  /** Made by `createIpcCounters`. */
  counters: SharedArrayBuffer;
}

/** Main → IPC host. `task.port` is transferred. */
export type ToIpcHost =
  | { t: 'channel'; task: ChannelTask }
  /** Whether frames of peers may be delivered: `stream.accept` is there. */
  | { t: 'consent'; given: boolean }
  /** Whether the relay is there. A channel goes on believing in its lane through it until the session is replaced. */
  | { t: 'relay'; up: boolean }
  /** An upstream peer fell back to files: those in the directory are delivered. */
  | { t: 'replay' }
  | { t: 'stop' };

/** IPC host → main. */
export type FromIpcHost =
  | { t: 'listening'; address: string }
  | { t: 'listen-failed'; code: string; message: string }
  /** Frames wait, and no channel is there to carry them. @property path of the oldest */
  | { t: 'want-peer'; path: string }
  | { t: 'application'; here: boolean }
  | { t: 'refused'; reason: string }
  | { t: 'fallback'; event: 'began' | 'ended' | 'failed'; reason: string };

/** What a channel task is started with. `port` is transferred. */
export interface ChannelTask {
  port: MessagePort;
  /** Local key: the marker's path with the `stream.tcp.request` suffix. */
  key: string;
  peer: string;
  bind: string;
  shape: ChannelShape;
  salt: string;
  limits: ChannelLimits;
  rtc: RtcSettings;
  /** Undefined where the direct lane is off. */
  direct: DirectIdentity | undefined;
  /** Small reads from applications are acknowledged at once, where that can be done (tcp/quickack.ts). */
  quickAck: boolean;
  counters: SharedArrayBuffer;
  /** Next sequence numbers by path, of an upstream peer that counts them on (native-free/channel/upstream-numbers.ts). */
  numbers: [string, number][];
  /** The threads' health (native-free/thread-health.ts). */
  health: SharedArrayBuffer;
}

/** Profile your thread until something comes on `port`, and answer there (profiler.ts). `port` is transferred. */
export interface ProfileRequest {
  t: 'profile';
  port: MessagePort;
  intervalUs: number;
}

/** Main → channel worker. */
export type ToChannel =
  | { t: 'session-up'; sid: string; direction: 'in' | 'out'; own: boolean; epoch: string; path: string; countsOn: boolean }
  | { t: 'session-down'; sid: string; farewell: boolean }
  /** A peer of our own kind closed its channel for good. */
  | { t: 'peer-gone' }
  /** An upstream peer was started anew. */
  | { t: 'peer-restarted' }
  | {
      t: 'rtc-start';
      sid: string;
      role: 'offerer' | 'answerer';
      own: boolean;
      mtu: number;
      loopback: boolean;
      ice: IceSettings;
      /** A further connection of the session's lane: its name, and whether the path loses packets. */
      member?: string;
      lossy?: boolean;
      /** Whether the path carries packets of `mtu` bytes is to be found out first. */
      probed?: boolean;
    }
  | { t: 'rtc-remote'; sid: string; member?: string; type: 'offer' | 'answer'; sdp: string }
  | { t: 'rtc-candidate'; sid: string; member?: string; candidate: string; mid: string }
  | { t: 'rtc-failed'; sid: string; reason: string }
  /** The peer takes so many connections for the session's lane. */
  | { t: 'rtc-stripes'; sid: string; most: number }
  /** Without a member: all of the session's connections. */
  | { t: 'rtc-stop'; sid: string; member?: string }
  /** @property chooses this side says which of several connections is kept */
  | { t: 'direct-start'; sid: string; token: string; chooses: boolean; loopback: boolean }
  | { t: 'direct-peer'; sid: string; token: string; peer: DirectParty }
  | { t: 'direct-failed'; sid: string; reason: string }
  /** Whether the relay is there; where it is not, a silent peer may be no further away than we are. */
  | { t: 'relay-there'; there: boolean }
  | { t: 'relay-rings'; out: SharedArrayBuffer; in: SharedArrayBuffer }
  | { t: 'relay-up'; sid: string; binding: number; direction: 'in' | 'out' }
  /** @property lossy frames that the lane took may be lost */
  | { t: 'relay-down'; sid: string; reason: string; lossy: boolean }
  /** How this session's frames go through the relay. Once per session, before or after `relay-up`. */
  | { t: 'relay-seal'; sid: string; seal: SealKeys | 'plain' }
  | { t: 'relay-refused'; sid: string; reason: string }
  | ProfileRequest
  /** @property out the program's bytes @property in the peer's; both are rings */
  | { t: 'open'; out: SharedArrayBuffer; in: SharedArrayBuffer }
  /** The program gives its stream up. */
  | { t: 'abandon'; reason: string }
  | { t: 'ping'; token: number }
  | { t: 'stop' };

/** Channel worker → main. */
export type FromChannel =
  | { t: 'listening'; port: number }
  | { t: 'listen-failed'; code: string; message: string }
  /** @property path to open, where the channel has no fixed one */
  | { t: 'want-session'; path?: string }
  | { t: 'want-relay'; sid: string }
  | { t: 'seal-broken'; sid: string; reason: string }
  /** Answers `rtc-start` of a session's first connection: what was said before is of the one before. */
  | { t: 'rtc-started'; sid: string }
  /** Of a further connection of the session's lane where `member` names one. */
  | { t: 'rtc-description'; sid: string; member?: string; type: 'offer' | 'answer'; sdp: string }
  | { t: 'rtc-local-candidate'; sid: string; member?: string; candidate: string; mid: string }
  | { t: 'rtc-gathered'; sid: string; member?: string; sdp: string }
  | { t: 'rtc-open'; sid: string; member?: string; local: string; remote: string }
  /** Without a member: the lane is gone, with all of its connections. */
  /** @property tooWide packets of so many bytes did not get through */
  | { t: 'rtc-closed'; sid: string; member?: string; reason: string; tooWide?: number }
  /** The lane has so many connections now. */
  | { t: 'rtc-members'; sid: string; members: number }
  /** The lane is to have so many. @property lossy the path loses packets */
  | { t: 'rtc-widen'; sid: string; members: number; lossy: boolean }
  /** @property port 0 where peers cannot dial in */
  | { t: 'direct-listening'; sid: string; token: string; port: number; problem: string }
  | { t: 'direct-open'; sid: string; token: string; remote: string; dialled: boolean }
  /** Nothing could be dialled; the peer may still dial in. */
  | { t: 'direct-exhausted'; sid: string; token: string; reason: string }
  | { t: 'direct-closed'; sid: string; token: string; reason: string }
  | { t: 'direct-refused'; sid: string; reason: string }
  | { t: 'carries'; sid: string | undefined; lane: LaneKind | undefined; reason: string }
  | { t: 'first-payload'; sid: string }
  /** @property ms from the first payload until the rate stopped growing */
  | { t: 'steady'; ms: number }
  | { t: 'refused'; sid: string; reason: string }
  /** @property over nothing goes on in this epoch: the channel must be started anew */
  | { t: 'failed'; code: HotlinkErrorCode; message: string; over: boolean }
  /** The program's stream: everything it wrote, and its end, is acknowledged. */
  | { t: 'written' }
  /** @property lane undefined: the peer is upstream's and answers no pings */
  | { t: 'pong'; token: number; lane: LaneKind | undefined; rttMs: number }
  | { t: 'connection'; event: 'bound' | 'closed' | 'reset'; stream: number; reason: string }
  /** What the next life of the channel must know of its numbering. */
  | { t: 'numbers'; numbers: [string, number][] }
  | { t: 'stopped' };

/** What the relay worker is started with. */
export interface RelayWorkerData {
  url: string;
  headers: Record<string, string>;
  /** Constant part of our message ids. */
  idStem: string;
  /** The threads' health (native-free/thread-health.ts). */
  health: SharedArrayBuffer;
}

/** Main → relay worker. */
export type ToRelay =
  | { t: 'send'; id: string; message: HotlinkMessage }
  | { t: 'rings'; channel: number; out: SharedArrayBuffer; in: SharedArrayBuffer }
  | { t: 'rings-gone'; channel: number }
  | { t: 'bind'; channel: number; binding: number; sid: string; direction: 'in' | 'out'; paths: boolean }
  | { t: 'unbind'; sid: string }
  /** This machine's addresses are others now: a connection from one that is gone is dialled anew, and so is one that waited. */
  | { t: 'network-changed'; addresses: readonly string[] }
  | ProfileRequest
  | { t: 'stop' };

/** Relay worker → main. */
export type FromRelay =
  /** @property turnTtl seconds, as the header says it; takenFor see native-free/taken-for.ts */
  | {
      t: 'up';
      iceServers: string | undefined;
      turnUser: string | undefined;
      turnPass: string | undefined;
      turnTtl: string | undefined;
      takenFor?: string | undefined;
    }
  /** @property unconfirmed channels whose last frames the relay may not have taken */
  | { t: 'down'; reason: string; status: number; unconfirmed: number[] }
  /** The relay does not answer our pings, or does again. */
  | { t: 'quiet'; quiet: boolean }
  | { t: 'message'; id: string; message: HotlinkMessage }
  | { t: 'refused'; reason: string }
  | { t: 'unrouted'; sid: string }
  | { t: 'oversize'; sid: string; bytes: number }
  | { t: 'stopped' };

/** What the program says that tries the addon. */
export type AddonAnswer = { ok: true; threads: number; file: string } | { ok: false; reason: string };
