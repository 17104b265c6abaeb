// The synchronous snapshot of a running data plane: what `hotlink status --json`, the telemetry file and an embedding program read.
// Plain data; numbers are counts, bytes or milliseconds as their names say. Main thread.

import type { IpcCounterName, LaneKind } from '../native-free/index.js';

export type { LaneKind };

/** Live state of one session (upstream's unit: one direction, opener to acceptor). */
export interface SessionStatus {
  sid: string;
  direction: 'in' | 'out';
  peer: string;
  /** Directory name of the channel, e.g. `0_to_1`. */
  channel: string;
  state: 'opening' | 'accepted' | 'rejected' | 'closed';
  webrtc: 'none' | 'connecting' | 'connected' | 'error';
  direct: 'none' | 'connecting' | 'connected' | 'error';
  /** Why there is no direct lane now, likewise. */
  directReason?: string;
  /** Why there is no data channel now, in words to act on; absent while one is connected or nothing was tried yet. */
  webrtcReason?: string;
  /** Peer connections that the WebRTC lane is made of, while it is up. */
  connections?: number;
  /** Kinds of the candidates that carry the data channel: `host`, `srflx` (through a NAT), `prflx`, `relay` (through TURN). */
  candidates?: { local: string; remote: string };
  /** What the peer runs, from its message ids. */
  client: 'hotlink' | 'go' | 'rust' | 'unknown';
  /** Lane that carries this session now, with the reason when it is not the best one. */
  lane?: LaneKind;
  laneReason?: string;
  /** Highest sequence number sent (out) or delivered (in). */
  seq: number;
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
  role: 'main' | 'relay' | 'channel';
  threadId: number;
  /** Share of the last second that its event loop was busy, 0…1. */
  utilization: number;
  /** By how much timers came late in the last second, ms. */
  delayMeanMs: number;
  delayP99Ms: number;
  delayMaxMs: number;
  /** Age of these figures, ms. Several seconds: the thread stands still. */
  ageMs: number;
}

/** Monotonic counters of one channel, summed over its life. Written by its channel worker only. */
export interface ChannelCounters {
  txPackets: number;
  txBytes: number;
  txP2pPackets: number;
  /** Those of `txP2pPackets` that took the direct lane. */
  txDirectPackets: number;
  txWsPackets: number;
  txSendMsTotal: number;
  txSendMsMax: number;
  rxPackets: number;
  rxBytes: number;
  rxWriteMsTotal: number;
  rxWriteMsMax: number;
  /** Frames refused by the parser (magic, version, lengths, truncated, trailing bytes). */
  framesRefused: number;
  duplicates: number;
  retransmits: number;
  /** Times the send gate closed on the lane's high watermark. */
  gateStalls: number;
  /** Oversize refusals that made the chunker step down. */
  chunkSteps: number;
  /** Connections accepted that came and went without a byte. */
  probes: number;
  /** Application connections that carried bytes. */
  connections: number;
  resets: number;
  wsFallbacks: number;
  strictViolations: number;
  /** Connections to the direct lane's port that were turned away: no or a wrong certificate, an unknown token, no TLS. */
  directRefused: number;
  /** Between own peers, from here on. Acknowledgements sent and received, credit included. */
  acksSent: number;
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

export interface ChannelStatus {
  /** Local key: the marker's path with `stream.tcp.request`. */
  key: string;
  peer: string;
  from: string;
  to: string;
  /** Port the channel listens on; 0 until bound. */
  port: number;
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
  /** What carries it now, since when (Unix ms), and why that one. */
  lane?: LaneKind;
  laneReason?: string;
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
  counters: ChannelCounters;
  sessions: SessionStatus[];
}

/** One directory with a local IPC endpoint. */
export interface IpcStatus {
  /** Datasite-relative. */
  directory: string;
  /** What the marker says: path of the socket, name of the pipe, or `host:port`; empty until it listens. */
  address: string;
  listening: boolean;
  /** `stream.accept` is there: frames of peers are taken. */
  consent: boolean;
  /** Peers with a channel, whose status stands among the channels. */
  peers: string[];
  problem?: string;
  counters: Record<IpcCounterName, number>;
}

export interface Status {
  email: string;
  server: string;
  /** Fingerprint of our identity key, when there is one. */
  identity?: string;
  /** Unix ms. */
  startedMs: number;
  nowMs: number;
  mode: 'hotlink_p2p' | 'hotlink_p2p_strict';
  strict: boolean;
  relay: { state: 'connecting' | 'up' | 'down' | 'denied'; since: number; lastError?: string };
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
  threads: ThreadStatus[];
  timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number; firstPayloadToSteadyStateMs?: number };
  /** Recent events, oldest first, bounded. */
  events: {
    /** Counts from 1 over the life of the data plane. */ id: number;
    atMs: number;
    what: string;
    fields: Record<string, unknown>;
  }[];
}
