// The synchronous snapshot of a running data plane: what `hotlink status --json`, the telemetry file and an embedding program read.
// Plain data; numbers are counts, bytes or milliseconds as their names say. Main thread.

export type LaneKind = 'webrtc' | 'relay';

/** Live state of one session (upstream's unit: one direction, opener to acceptor). */
export interface SessionStatus {
  sid: string;
  direction: 'in' | 'out';
  peer: string;
  /** Directory name of the channel, e.g. `0_to_1`. */
  channel: string;
  state: 'opening' | 'accepted' | 'rejected' | 'closed';
  webrtc: 'none' | 'connecting' | 'connected' | 'error';
  /** Why there is no data channel now, in words to act on; absent while one is connected or nothing was tried yet. */
  webrtcReason?: string;
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
}

/** Monotonic counters of one channel, summed over its life. Written by its channel worker only. */
export interface ChannelCounters {
  txPackets: number;
  txBytes: number;
  txP2pPackets: number;
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
  counters: ChannelCounters;
  sessions: SessionStatus[];
}

export interface Status {
  email: string;
  server: string;
  /** Unix ms. */
  startedMs: number;
  nowMs: number;
  mode: 'hotlink_p2p' | 'hotlink_p2p_strict';
  strict: boolean;
  relay: { state: 'connecting' | 'up' | 'down' | 'denied'; since: number; lastError?: string };
  channels: ChannelStatus[];
  /** Counters that belong to no single channel. */
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
  timings: { offerToDcOpenMs?: number; openToFirstPayloadMs?: number; firstPayloadToSteadyStateMs?: number };
  /** Recent events, oldest first, bounded. */
  events: { atMs: number; what: string; fields: Record<string, unknown> }[];
}
