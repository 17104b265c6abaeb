// The synchronous snapshot of a running data plane: what `hotlink status --json`, the telemetry file and an embedding program read.
// Plain data; numbers are counts, bytes or milliseconds as their names say. Main thread.

import type { LaneKind } from '../native-free/index.js';

export type { LaneKind };

/** Live state of one session (upstream's unit: one direction, opener to acceptor). */
export interface SessionStatus {
  /** Its id. */
  sid: string;
  /** `out`: opened by us. */
  direction: 'in' | 'out';
  /** The peer's e-mail. */
  peer: string;
  /** Directory name of the channel, e.g. `0_to_1`. */
  channel: string;
  /** How far it is. */
  state: 'opening' | 'accepted' | 'rejected' | 'closed';
  /** How its data channel is. */
  webrtc: 'none' | 'connecting' | 'connected' | 'error';
  /** How its direct connection is. */
  direct: 'none' | 'connecting' | 'connected' | 'error';
  /** Why there is no direct lane now, in words; absent likewise. */
  directReason?: string;
  /** Why there is no data channel now, in words to act on; absent while one is connected or nothing was tried yet. */
  webrtcReason?: string;
  /** Peer connections that the WebRTC lane is made of, while it is up. */
  connections?: number;
  /** Kinds of the candidates that carry the data channel: `host`, `srflx` (through a NAT), `prflx`, `relay` (through TURN). */
  candidates?: { local: string; remote: string };
  /** What the peer runs, from its message ids. */
  client: 'hotlink' | 'go' | 'rust' | 'unknown';
  /** Lane that carries this session now. */
  lane?: LaneKind;
  /** Why no better lane carries it, in words. */
  laneReason?: string;
  /** Highest sequence number sent (out) or delivered (in). */
  seq: number;
  /** Packets of its data channel, bytes. */
  mtu?: number;
  /** Whether the relay lane of this session is sealed end to end; absent until that is known. */
  sealed?: boolean;
  /** Fingerprint of the identity key that the peer has proved. */
  identity?: string;
  /** Unix ms; undefined while it is being opened. */
  acceptedMs?: number;
}

/** One lane of a channel, whether it carries or not. */
export interface LaneStatus {
  /** Which one. */
  lane: LaneKind;
  /** `off`: not allowed here. `idle`: nothing asks for it. */
  state: 'carries' | 'up' | 'connecting' | 'failed' | 'idle' | 'off';
  /** Why it does not carry, in words; empty when it does. */
  reason: string;
}

/** One thread of the data plane. */
export interface ThreadStatus {
  /** `main`, `relay`, `channel-1`, … */
  name: string;
  /** What it does: control, the relay's WebSocket, or channels. */
  role: 'main' | 'relay' | 'channel';
  /** `threadId` of `node:worker_threads`; 0 for main. */
  threadId: number;
  /** Share of the last second that its event loop was busy, 0…1. */
  utilization: number;
  /** By how much timers came late in the last second on average, ms. */
  delayMeanMs: number;
  /** 99 of 100 timers came no later than this, ms. */
  delayP99Ms: number;
  /** The latest one, ms. */
  delayMaxMs: number;
  /** Age of these figures, ms. Several seconds: the thread stands still. */
  ageMs: number;
}

/** Monotonic counters of one channel, summed over its life. Written by its channel worker only. */
export interface ChannelCounters {
  /** Frames sent first time, over any lane. */
  txPackets: number;
  /** Their payload, bytes. */
  txBytes: number;
  /** Frames that took a data channel or the direct lane. */
  txP2pPackets: number;
  /** Those of `txP2pPackets` that took the direct lane. */
  txDirectPackets: number;
  /** Frames that took the relay. */
  txWsPackets: number;
  /** For how long bytes waited for a lane to take them, ms, summed up. */
  txSendMsTotal: number;
  /** The longest such wait, ms. */
  txSendMsMax: number;
  /** Frames delivered. */
  rxPackets: number;
  /** Their payload, bytes. */
  rxBytes: number;
  /** For how long applications did not take what was there, ms, summed up. */
  rxWriteMsTotal: number;
  /** The longest such wait, ms. */
  rxWriteMsMax: number;
  /** Frames refused by the parser (magic, version, lengths, truncated, trailing bytes). */
  framesRefused: number;
  /** Frames received that were there already; dropped. */
  duplicates: number;
  /** Frames sent again. */
  retransmits: number;
  /** Times the send gate closed on the lane's high watermark. */
  gateStalls: number;
  /** Oversize refusals that made the chunker step down. */
  chunkSteps: number;
  /** Connections accepted that came and went without a byte. */
  probes: number;
  /** Application connections that carried bytes. */
  connections: number;
  /** Streams that this side reset. */
  resets: number;
  /** Times the relay had to carry because nothing better came up in time. */
  wsFallbacks: number;
  /** Times strict mode found a fallback necessary. */
  strictViolations: number;
  /** Connections to the direct lane's port that were turned away: no or a wrong certificate, an unknown token, no TLS. */
  directRefused: number;
  /** Acknowledgements sent, credit included; this and what follows between own peers only. */
  acksSent: number;
  /** Acknowledgements received. */
  acksReceived: number;
  /** Times the peer was asked where it stands. */
  pings: number;
  /** Acknowledgements that told the peer of frames missing in the middle. */
  holeReports: number;
  /** Times the peer sent more than its credit allowed, which costs it the stream. */
  creditBreaches: number;
  /** Times a lane was passed over because it had fallen silent. */
  lanesSuspected: number;
  /** Not summed up, but as it is now: frames that wait behind a missing one, whoever the peer is. */
  heldFrames: number;
  /** Not summed up: memory of the send windows in use, bytes. */
  windowBytes: number;
  /** Sealed frames that were changed or forged on their way through the relay. */
  sealBroken: number;
  /** Sealed frames that came again, or too late to tell. */
  sealRepeats: number;
}

/** One channel: between this identity and one peer, with any number of connections. */
export interface ChannelStatus {
  /** Local key: the marker's path with `stream.tcp.request`. */
  key: string;
  /** The peer's e-mail. */
  peer: string;
  /** E-mail of the party that the marker names first. */
  from: string;
  /** E-mail of the other party. */
  to: string;
  /** Port the channel listens on; 0 until bound. */
  port: number;
  /** Whether applications can dial it. */
  listening: boolean;
  /** Live application connections that carried bytes. */
  connections: number;
  /** Why the channel does not work, in a sentence, when it does not. */
  problem?: string;
  /** Directory name of the channel, or the name given to `forward`. */
  name: string;
  /** `ipc`: frames of the application of an IPC directory, which {@link Status.ipc} shows. `program`: a stream of the embedding program. */
  shape: 'rendezvous' | 'forward' | 'dial' | 'ipc' | 'program';
  /** What it listens on or dials, `host:port`; empty for IPC and for the program itself. */
  address: string;
  /** Unix ms. */
  addedMs: number;
  /** What carries it now; undefined: nothing. */
  lane?: LaneKind;
  /** Why no better lane carries it, in words. */
  laneReason?: string;
  /** Since when that lane carries, Unix ms. */
  laneSinceMs?: number;
  /** Every lane, best first. */
  lanes: LaneStatus[];
  /** Last measured round trip through the data path, ms; undefined before the first one. Own peers only. */
  rttMs?: number;
  /** Sent and not acknowledged, as of the last second. */
  inFlightFrames: number;
  /** Open streams, as of the last second. */
  streams: number;
  /** Taken by the lane and not yet given to the network, bytes, as of the last second. */
  laneBufferedBytes: number;
  /** Delivered and not taken by applications, bytes, as of the last second. */
  backlogBytes: number;
  /** Bytes in the rings to and from the relay worker, while there are rings. */
  ringBytes?: { out: number; in: number };
  /** What it counts. */
  counters: ChannelCounters;
  /** Its sessions, in both directions. */
  sessions: SessionStatus[];
}

/** Counters of one directory with a local IPC endpoint. */
export interface IpcCounters {
  /** 1 while an application is connected. */
  applications: number;
  /** Frames that no peer has acknowledged yet. */
  waitingFrames: number;
  /** Their bytes. */
  waitingBytes: number;
  /** Frames that the application gave us. */
  framesFromApplication: number;
  /** Frames that it was given. */
  framesToApplication: number;
  /** Frames of the application that could not be taken. */
  framesRefused: number;
  /** Fallback files written. */
  filesWritten: number;
  /** Fallback files read and carried. */
  filesReplayed: number;
  /** Frames that came a second time. */
  duplicates: number;
}

/** One directory with a local IPC endpoint. */
export interface IpcStatus {
  /** Datasite-relative. */
  directory: string;
  /** What the marker says: path of the socket, name of the pipe, or `host:port`; empty until it listens. */
  address: string;
  /** Whether applications can connect. */
  listening: boolean;
  /** `stream.accept` is there: frames of peers are taken. */
  consent: boolean;
  /** Peers with a channel, whose status stands among the channels. */
  peers: string[];
  /** Why it does not work, in a sentence, when it does not. */
  problem?: string;
  /** What it counts. */
  counters: IpcCounters;
}

/** What runs: the answer of `status()`. */
export interface Status {
  /** Our identity. */
  email: string;
  /** The relay's address, or the name of the program's own signaling. */
  server: string;
  /** Fingerprint of our identity key, when there is one. */
  identity?: string;
  /** Unix ms. */
  startedMs: number;
  /** When this was taken, Unix ms. */
  nowMs: number;
  /** Upstream's words for whether strict mode is on. */
  mode: 'hotlink_p2p' | 'hotlink_p2p_strict';
  /** Strict mode: whatever would need a fallback is an error. */
  strict: boolean;
  /** The connection to the relay, since when it is so (Unix ms), and what went wrong last. */
  relay: { state: 'connecting' | 'up' | 'down' | 'denied'; since: number; lastError?: string };
  /** Every channel. */
  channels: ChannelStatus[];
  /** Directories with an IPC endpoint. */
  ipc: IpcStatus[];
  /** Counters that belong to no single channel: sums over every channel there was, those that are gone included. */
  totals: {
    p2pOffers: number;
    p2pAnswersOk: number;
    p2pAnswersErr: number;
    strictViolations: number;
    markersRefused: number;
    envelopesRefused: number;
    opensRefused: number;
    framesRefused: number;
    badSignals: number;
  };
  /** Every thread. */
  threads: ThreadStatus[];
  /** The latest session setup, ms: from the offer to the open data channel, on to the first payload, on to a steady rate. */
  timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number; firstPayloadToSteadyStateMs?: number };
  /** Recent events, oldest first, bounded. */
  events: {
    /** Counts from 1 over the life of the data plane. */ id: number;
    atMs: number;
    what: string;
    fields: Record<string, unknown>;
  }[];
}
