// What a program passes to createHotlink: everything the data plane can be told, with no environment and no file behind it. The settings are what the
// CLI reads from flags, environment and configuration file (src/config); the ports are what a program may supply in place of what hotlink brings along.
// Ports are called on the main thread; what is thrown there is reported as an event and costs the one connection or address, never the data plane.

import type { LaneKind } from '../native-free/index.js';
import type { Signaling } from './signaling.js';

/** STUN and TURN servers of one connection. */
export interface IceServerList {
  /** `stun:host[:port]`, `turn:host[:port]`; TURN over UDP only. */
  urls: readonly string[];
  /** User name for the TURN entries, which need both. */
  username?: string;
  /** Password for them. */
  credential?: string;
}

/** What {@link createHotlink} takes: `email`, and `server` or `signaling`. Defaults, ranges, memory: docs/configuration.md. */
export interface HotlinkOptions {
  /** Our identity, an e-mail address. */
  email: string;
  /**
   * Relay base URL, `http(s)://host:port`. Not with `signaling`.
   * @remarks Or `ws(s)://host:port`.
   */
  server?: string;
  /**
   * SyftBox data directory, with markers under `datasites/`. One data plane per directory.
   * @remarks The command takes care that there is one, a program must itself.
   */
  dataDir?: string;
  /** Bearer token for a relay with authentication. */
  token?: string;
  /** Aborting it is `stop()`. */
  signal?: AbortSignal;

  /**
   * Lanes that may carry payload. Default all; `direct` is between hotlinks only.
   * @remarks `p2pOnly` removes `relay`.
   */
  lanes?: readonly LaneKind[];
  /** No payload byte may travel through the relay. */
  p2pOnly?: boolean;
  /**
   * Any would-be fallback is an error.
   * @remarks An unanswered Open as well; each is a `strict_violations` count.
   */
  strict?: boolean;
  /**
   * Where peers dial in for the direct lane: `auto`, `HOST:PORT`, `off`.
   * @remarks `auto`: a port of the system's choice on every interface, or on 127.0.0.1 for a peer on this machine. `HOST:PORT`: peers are told HOST, and PORT (further threads: the ones above) is listened on.
   */
  direct?: string;
  /** Seal what the relay carries: with peers that can (default), always, never. */
  seal?: 'auto' | 'require' | 'off';
  /** Identity keys: none (default), pinned on first use, required. */
  identity?: 'off' | 'pin' | 'require';
  /** Where those are kept. Default `{dataDir}/.syftbox`. */
  identityDir?: string;
  /**
   * False: treat hotlinks as upstream peers.
   * @remarks And be one to them. Nothing is acknowledged, and streams do not survive their lane.
   */
  ownPeers?: boolean;

  /** Address that channel listeners bind. Default `127.0.0.1`. */
  bindAddress?: string;
  /** Whether `stream.tcp` markers open TCP channels. Default true. */
  tcpProxy?: boolean;
  /**
   * Endpoints of local IPC.
   * @remarks Unix sockets (named pipes on Windows) by default.
   */
  ipc?: 'unix' | 'tcp';
  /**
   * What `tcp` endpoints bind. Default `127.0.0.1:0`.
   * @remarks Port 0 lets the system choose.
   */
  ipcAddress?: string;
  /**
   * IPC frames are never written to files.
   * @remarks While hotlink is down; then the application waits.
   */
  socketOnly?: boolean;
  /**
   * Age at which a `.request` file is replayed, ms.
   * @remarks It must not have changed for so long. Default 10.
   */
  stableMs?: number;

  /**
   * STUN and TURN URLs, or who names them for each connection. Default: what the relay advertises.
   * @remarks An empty list means host candidates only. A failure of the function, or no answer within 5000 ms, is an event (`ice server left out`), and
   * the connection goes on with host candidates only; so is a URL that cannot be used.
   */
  iceServers?:
    | readonly string[]
    | ((connection: {
        peer: string;
        /** Aborted when it is given up, and after 5000 ms. */
        signal: AbortSignal;
      }) => IceServerList | Promise<IceServerList>);
  /**
   * Leave out addresses of container bridges and link-local ones. Default true.
   * @remarks Ours and the peer's, where there are others.
   */
  iceFilter?: boolean;
  /**
   * For TURN entries of a list of URLs.
   * @remarks Without both such entries are left out.
   */
  turnUser?: string;
  /** Likewise. */
  turnPass?: string;

  /** Channel worker threads. Default: the cores, at most 4. */
  threads?: number;
  /** Largest payload of a frame, bytes. */
  chunkBytes?: number;
  /**
   * The same between hotlinks.
   * @remarks Default: `chunkBytes` when that is given, 245760 otherwise.
   */
  ownChunkBytes?: number;
  /** Send window per channel and direction (the retransmission store), bytes. */
  windowBytes?: number;
  /** Data-channel high watermark, bytes. */
  bufferedHighBytes?: number;
  /**
   * How long a lane may stay above it, ms.
   * @remarks Without progress.
   */
  backpressureWaitMs?: number;
  /** How long WebRTC is waited for before the relay carries, ms. */
  fallbackGraceMs?: number;
  /**
   * Silence after which a hotlink is pinged, ms.
   * @remarks At most a third of `peerLossMs` is used.
   */
  keepAliveMs?: number;
  /** Within this long a killed hotlink's streams are reset, ms. */
  peerLossMs?: number;
  /** How long open streams survive without any lane, ms. */
  resumeMs?: number;
  /**
   * Largest packet of a WebRTC connection, bytes, IP headers included, 576…4096.
   * @remarks `auto`: 4096 when both ends are on one host, 1280 otherwise; more on further connections whose path carries it.
   */
  mtu?: number | 'auto';
  /**
   * Peer connections of one WebRTC lane between hotlinks, 1…32.
   * @remarks `auto`: one, and more, up to 32, where a long path does not carry what it could. On one host always one.
   */
  stripes?: number | 'auto';
  /**
   * SCTP send and receive buffer, bytes.
   * @remarks `auto`: 1 MiB when both ends are on one machine, 16 MiB otherwise.
   */
  sctpWindowBytes?: number | 'auto';
  /**
   * SCTP congestion control; `hstcp` for long lossy paths.
   * @remarks Of what this side sends; `hstcp` recovers faster from loss on long paths and is slower without loss.
   */
  sctpCongestion?: 'standard' | 'hstcp';
  /**
   * Acknowledge small reads at once (Linux, with koffi).
   * @remarks From applications that wait for it. Default `auto`.
   */
  quickAck?: 'auto' | 'off';
  /**
   * Keep the WebRTC stack's threads from interrupting each other (Linux, with koffi).
   * @remarks More bytes and quicker rounds on busy processors. Not while other programs take all of them. Default `auto`.
   */
  batchScheduling?: 'auto' | 'off';

  /**
   * Small frames may go beside the data channel.
   * @remarks To a hotlink that is near, as RTP packets of the same connection: quicker rounds. What gets lost is repaired over the data channel. Default `auto`.
   */
  datagrams?: 'auto' | 'off';

  /**
   * Carries the control messages in place of the relay.
   * @remarks Then there is no relay lane, and no connection to any server of ours. Instead of `server`.
   */
  signaling?: Signaling;
  /**
   * Hears what happens, as pino does.
   * @remarks The library prints nothing.
   */
  log?: Record<'debug' | 'info' | 'warn' | 'error', (fields: object, message: string) => void>;
  /**
   * The main thread's time, and a timer that returns its cancellation.
   * @remarks `nowMs` is monotonic from any origin, fractions allowed; `unixMs` stamps `status()` and events; `after` calls back once, in a later turn. The worker threads always keep the system's.
   */
  clock?: { nowMs(): number; unixMs(): number; after(delayMs: number, call: () => void): () => void };
  /**
   * `file:` URLs of the threads' modules, for bundled programs.
   * @remarks Each must be, or re-export, the module of the same role in this package (`dist/workers/channel/entry.js`, `dist/workers/relay/entry.js`).
   */
  workers?: { channel?: URL; relay?: URL };
  /**
   * False keeps a local address from the peer, a remote one untried.
   * @remarks `kind` is how WebRTC found it: `host`, `srflx` (what a STUN server saw) or `relay` (at a TURN server); `host` on the direct lane. It cannot keep the system from sending from an address that the peer was not told, nor the peer from dialling in.
   */
  addressFilter?: (use: { address: string; side: 'local' | 'remote'; lane: 'webrtc' | 'direct'; kind: string; peer: string }) => boolean;
}

/** Where a data plane's parts write what happens. */
export type Log = NonNullable<HotlinkOptions['log']>;
export type SealMode = NonNullable<HotlinkOptions['seal']>;
export type IdentityMode = NonNullable<HotlinkOptions['identity']>;
/** Names the servers of a connection. A failure, or no answer in time, is an event, and the connection goes on with host candidates only. */
export type IceServersFor = Exclude<NonNullable<HotlinkOptions['iceServers']>, readonly string[]>;
/** The modules that worker threads begin with: each is, or re-exports, the one of the same role in this package (`workers/ROLE/entry.js`). */
export type WorkerEntries = NonNullable<HotlinkOptions['workers']>;
/** Cannot keep the system from sending from an address that the peer was not told, nor the peer from dialling in. */
export type AddressFilter = NonNullable<HotlinkOptions['addressFilter']>;
export type AddressUse = Parameters<AddressFilter>[0];

/** The options that a configuration can give, for a data plane at a relay. */
export type HotlinkSettings = Omit<
  HotlinkOptions,
  'signal' | 'signaling' | 'log' | 'clock' | 'workers' | 'addressFilter' | 'server' | 'iceServers'
> & {
  server: string;
  iceServers?: readonly string[];
};
