// The synchronous snapshot of a running data plane: what `hotlink status --json`, the telemetry file and an embedding program read.
// Plain data; numbers are counts, bytes or milliseconds as their names say. Main thread.

import type { LaneKind } from '../native-free/index.js';

export type { LaneKind };

/** One session: one direction, from opener to acceptor. */
export interface SessionStatus {
  /** Its id. */
  sid: string;
  /** `out`: opened by us. */
  direction: 'in' | 'out';
  /** The peer's e-mail. */
  peer: string;
  /** The channel's directory, as `0_to_1`. */
  channel: string;
  /** How far it is. */
  state: 'opening' | 'accepted' | 'rejected' | 'closed';
  /** How its data channel is. */
  webrtc: 'none' | 'connecting' | 'connected' | 'error';
  /** How its direct connection is. */
  direct: 'none' | 'connecting' | 'connected' | 'error';
  /** Why there is none, in words. */
  directReason?: string;
  /**
   * Why there is no data channel, in words.
   * @remarks To act on; absent while one is connected or nothing was tried yet.
   */
  webrtcReason?: string;
  /** Peer connections of the WebRTC lane. */
  connections?: number;
  /** Kinds of the candidates that carry it: `host`, `srflx` (through a NAT), `prflx`, `relay` (TURN). */
  candidates?: { local: string; remote: string };
  /** What the peer runs. */
  client: 'hotlink' | 'go' | 'rust' | 'unknown';
  /** What carries it. */
  lane?: LaneKind;
  /** Why no better lane carries it, in words. */
  laneReason?: string;
  /** Highest sequence number sent or delivered. */
  seq: number;
  /** Packets of its data channel, bytes. */
  mtu?: number;
  /** Whether its relay lane is sealed, once known. */
  sealed?: boolean;
  /** Fingerprint of the peer's proven identity key. */
  identity?: string;
  /** Unix ms, once it is. */
  acceptedMs?: number;
}

/** One channel: with one peer, of any number of connections. */
export interface ChannelStatus {
  /** Local key: its path. */
  key: string;
  /** The peer's e-mail. */
  peer: string;
  /** The party that the marker names first. */
  from: string;
  /** The other party. */
  to: string;
  /** What it listens on; 0 until bound. */
  port: number;
  /** Whether applications can dial it. */
  listening: boolean;
  /** Live application connections. */
  connections: number;
  /** Why it does not work, in a sentence. */
  problem?: string;
  /** Its directory, or the name given to `forward`. */
  name: string;
  /**
   * `ipc`: frames of local IPC; `program`: a `connect()` of this program.
   * @remarks Frames of the application of an IPC directory, which {@link Status.ipc} shows.
   */
  shape: 'rendezvous' | 'forward' | 'dial' | 'ipc' | 'program';
  /**
   * What it listens on or dials, `host:port`.
   * @remarks Empty for IPC and for the program itself.
   */
  address: string;
  /** Unix ms. */
  addedMs: number;
  /** What carries it now, if anything. */
  lane?: LaneKind;
  /** Why no better lane carries it, in words. */
  laneReason?: string;
  /** Since when that lane carries, Unix ms. */
  laneSinceMs?: number;
  /**
   * Every lane, best first, and why it does not carry.
   * @remarks `off`: not allowed here. `idle`: nothing asks for it. The reason is empty when it carries.
   */
  lanes: { lane: LaneKind; state: 'carries' | 'up' | 'connecting' | 'failed' | 'idle' | 'off'; reason: string }[];
  /**
   * Last measured round trip between hotlinks, ms.
   * @remarks Undefined before the first one.
   */
  rttMs?: number;
  /** Sent and not acknowledged; this and what follows as of the last second. */
  inFlightFrames: number;
  /** Open streams. */
  streams: number;
  /** Taken by the lane, not yet by the network. */
  laneBufferedBytes: number;
  /** Delivered and not taken by applications. */
  backlogBytes: number;
  /** Bytes on the way to and from the relay's thread. */
  ringBytes?: { out: number; in: number };
  /** What it counts over its life: docs/metrics.md. */
  counters: {
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
    /** Small frames sent beside the data channel. */
    txDatagrams: number;
    /** Of them, those sent again over it. */
    datagramsLost: number;
  };
  /** Its sessions, in both directions. */
  sessions: SessionStatus[];
}

/** What runs: the answer of `status()`. */
export interface Status {
  /** Our identity. */
  email: string;
  /** The relay's address, or the own signaling's name. */
  server: string;
  /** Fingerprint of our identity key. */
  identity?: string;
  /** Unix ms. */
  startedMs: number;
  /** When this was taken, Unix ms. */
  nowMs: number;
  /** Upstream's words for `strict`. */
  mode: 'hotlink_p2p' | 'hotlink_p2p_strict';
  /** Whether strict mode is on. */
  strict: boolean;
  /** The connection to it, since when (Unix ms), and what went wrong last. */
  relay: { state: 'connecting' | 'up' | 'down' | 'denied'; since: number; lastError?: string };
  /** Every channel. */
  channels: ChannelStatus[];
  /** Directories with a local IPC endpoint, and what each counts: docs/ipc.md. */
  ipc: {
    directory: string;
    /** What the marker says: path of the socket, name of the pipe, or `host:port`; empty until it listens. */
    address: string;
    listening: boolean;
    /** `stream.accept` is there: frames of peers are taken. */
    consent: boolean;
    /** Those with a channel, whose status stands among the channels. */
    peers: string[];
    problem?: string;
    counters: {
      /** 1 while an application is connected. */
      applications: number;
      /** Frames that no peer has acknowledged yet. */
      waitingFrames: number;
      waitingBytes: number;
      framesFromApplication: number;
      framesToApplication: number;
      /** Frames of the application that could not be taken. */
      framesRefused: number;
      /** Fallback files written. */
      filesWritten: number;
      /** Fallback files read and carried. */
      filesReplayed: number;
      /** Frames that came a second time. */
      duplicates: number;
    };
  }[];
  /** Counters of no single channel, or of all there were. */
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
  /**
   * Every thread over the last second: how busy (0…1), how late its timers; with an `ageMs` of seconds it stands still.
   * @remarks `delay…` is by how much timers came late: on average, 99 of 100 of them at most, the latest one.
   */
  threads: {
    /** `main`, `relay`, `channel-1`, … */
    name: string;
    role: 'main' | 'relay' | 'channel';
    /** `threadId` of `node:worker_threads`; 0 for main. */
    threadId: number;
    utilization: number;
    delayMeanMs: number;
    delayP99Ms: number;
    delayMaxMs: number;
    ageMs: number;
  }[];
  /**
   * The latest session's setup, ms.
   * @remarks From the offer to the open data channel, on to the first payload, on to a steady rate.
   */
  timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number; firstPayloadToSteadyStateMs?: number };
  /** Recent events, oldest first, bounded. */
  events: { id: number; atMs: number; what: string; fields: Record<string, unknown> }[];
}

/** Written by the channel's worker only. */
export type ChannelCounters = ChannelStatus['counters'];
export type LaneStatus = ChannelStatus['lanes'][number];
export type ThreadStatus = Status['threads'][number];
export type IpcStatus = Status['ipc'][number];
export type IpcCounters = IpcStatus['counters'];
