// What a program passes to createHotlink: everything the data plane can be told, with no environment and no file behind it.
// The settings are what the CLI reads from flags, environment and configuration file (src/config); the ports (ports.ts) are for programs.

import type { LaneKind } from '../native-free/index.js';
import type { HotlinkPorts, IceServersFor } from './ports.js';

/** The few calls a log sink needs; pino's loggers have this shape. */
export interface Log {
  /** Every signal and decision. */
  debug(fields: object, message: string): void;
  /** What goes as it should. */
  info(fields: object, message: string): void;
  /** What was refused or does not work now. */
  warn(fields: object, message: string): void;
  /** What ended something. */
  error(fields: object, message: string): void;
}

/** Whether payload through the relay is sealed end to end: `auto` with peers that can, `require` or not at all, `off` never. */
export type SealMode = 'auto' | 'require' | 'off';
/** Long-lived identity keys: none, pinned on first use, or required of every peer. */
export type IdentityMode = 'off' | 'pin' | 'require';

/** Settings of one data plane. Every tunable's default, unit, range and the memory it bounds stand in `src/config/table.ts`. */
export interface HotlinkSettings {
  /** Our identity: an e-mail address as the relay knows it. */
  email: string;
  /** Relay base URL, `http(s)://host:port` or `ws(s)://host:port`. */
  server: string;
  /** SyftBox data directory; markers are looked for under `{dataDir}/datasites`. One data plane per directory: the command takes care of that, a program must itself. */
  dataDir?: string;
  /** Bearer token for a relay with authentication. */
  token?: string;
  /** No payload byte may travel through the relay. */
  p2pOnly?: boolean;
  /** Any would-be fallback or unanswered Open is an error and a `strict_violations` count. */
  strict?: boolean;
  /** Lanes that may carry payload. Default all. `p2pOnly` removes `relay`; `direct` is between own peers only. */
  lanes?: readonly LaneKind[];
  /**
   * Where peers may dial in for the direct lane. `auto`: a port of the system's choice on every interface, or on 127.0.0.1 for a peer on
   * this machine. `HOST:PORT`: peers are told HOST, and PORT (further threads: the ones above) is listened on. `off`: no direct lane.
   */
  direct?: string;
  /** Default `auto`. */
  seal?: SealMode;
  /** Default `off`. */
  identity?: IdentityMode;
  /** Where the identity key and the pinned keys of peers are kept. Default `{dataDir}/.syftbox`. */
  identityDir?: string;
  /** Address that channel listeners bind. Default `127.0.0.1`. */
  bindAddress?: string;
  /** Largest payload of one frame, bytes. */
  chunkBytes?: number;
  /** The same between peers of our own kind. Default: `chunkBytes` when that is given, 245760 otherwise. */
  ownChunkBytes?: number;
  /** Data-channel high watermark, bytes. */
  bufferedHighBytes?: number;
  /** How long a lane may stay above its high watermark without progress, ms. */
  backpressureWaitMs?: number;
  /** How long a new session waits for WebRTC before it uses the relay, ms. */
  fallbackGraceMs?: number;
  /** STUN/TURN URLs; an empty list means host candidates only. Undefined: take what the relay advertises. */
  iceServers?: readonly string[];
  /** Leave addresses of container bridges and link-local ones out of WebRTC, ours and the peer's, where there are others. Default true. */
  iceFilter?: boolean;
  /** User name for the TURN entries of `iceServers`; without both such entries are left out. */
  turnUser?: string;
  /** Password for them. */
  turnPass?: string;
  /** Channel worker threads. Default: the machine's cores, at most 4. */
  threads?: number;
  /** UDP payload limit per connection, bytes, 576…4096, or `auto`: 4096 when both ends are on one host, 1280 otherwise. */
  mtu?: number | 'auto';
  /** Acknowledge small reads at once from applications that wait for it (Linux, with the optional package koffi). Default `auto`. */
  quickAck?: 'auto' | 'off';
  /** SCTP send and receive buffer, bytes, or `auto`: 1 MiB when both ends are on one machine, 16 MiB otherwise. */
  sctpWindowBytes?: number | 'auto';
  /** SCTP congestion control of what this side sends. `hstcp` recovers faster from loss on long paths and is slower without loss. */
  sctpCongestion?: 'standard' | 'hstcp';
  /**
   * Peer connections of one WebRTC lane between own peers, 1…16, or `auto`: one, and more, up to 16, where a long path does not carry what
   * it could. On one host always one.
   */
  stripes?: number | 'auto';
  /** Send window per channel (the retransmission store), bytes. */
  windowBytes?: number;
  /** Silence after which a peer of our own kind is asked whether it is there, ms. At most a third of `peerLossMs` is used. */
  keepAliveMs?: number;
  /** Within this long a killed peer's streams are reset, ms (own peers). */
  peerLossMs?: number;
  /** How long open streams survive without any lane, ms (own peers). */
  resumeMs?: number;
  /** False: treat other hotlinks as upstream peers, and be one to them. Nothing is acknowledged, and streams do not survive their lane. */
  ownPeers?: boolean;
  /** Whether `stream.tcp` markers open TCP channels. Default true. */
  tcpProxy?: boolean;
  /** Endpoints of local IPC: unix sockets (named pipes on Windows), or loopback TCP. Default `unix`. */
  ipc?: 'unix' | 'tcp';
  /** What `tcp` endpoints bind, `host:port`; port 0 lets the system choose. Default `127.0.0.1:0`. */
  ipcAddress?: string;
  /** IPC frames are never written to files while hotlink is down; then the application waits. Default false. */
  socketOnly?: boolean;
  /** How long a `.request` file must not have changed before it is replayed, ms. Default 10. */
  stableMs?: number;
}

/**
 * What {@link createHotlink} takes: the settings, with their defaults, and the ports that a program may supply itself. Either `server` or
 * `signaling` must be there.
 */
export interface HotlinkOptions extends Omit<HotlinkSettings, 'server' | 'iceServers'>, HotlinkPorts {
  /** Relay base URL, `http(s)://host:port` or `ws(s)://host:port`. Not with `signaling`. */
  server?: string;
  /**
   * STUN/TURN URLs; an empty list means host candidates only. Undefined: take what the relay advertises. A function is asked for each
   * connection ({@link IceServersFor}).
   */
  iceServers?: readonly string[] | IceServersFor;
  /** Aborting it is `stop()`. */
  signal?: AbortSignal;
}
