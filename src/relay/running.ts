// A relay that runs, as the program that started it sees it.
import type { HostServer } from './claim.js';
import type { RelayCounters } from './counters.js';

/** What is the case right now, and counters, which only grow: docs/relay-metrics.md. */
export interface RelayStats
  extends Readonly<
    Record<
      | 'connectionsTotal'
      | 'refusedTotal'
      | 'refusedUser'
      | 'refusedAddress'
      | 'refusedDraining'
      | 'slowRequests'
      | 'badRequests'
      | 'largeBodies'
      | 'requestsThrottled'
      | 'authErrors'
      | 'authFailures'
      | 'messagesIn'
      | 'bytesIn'
      | 'messagesOut'
      | 'bytesOut'
      | 'badEnvelopes'
      | 'ignoredMessages'
      | 'opens'
      | 'opensDenied'
      | 'opensBadPath'
      | 'opensBadSid'
      | 'opensSidTaken'
      | 'opensOverLimit'
      | 'accepts'
      | 'acceptsRefused'
      | 'dataForwarded'
      | 'dataForwardedRaw'
      | 'dataUnknownSession'
      | 'dataNotOpener'
      | 'dataForeignPath'
      | 'dataNotAccepted'
      | 'dataDenied'
      | 'strangers'
      | 'sessionsExpired'
      | 'sessionsEvicted'
      | 'pauses'
      | 'stuckDisconnects'
      | 'overflowDisconnects'
      | 'silentDisconnects'
      | 'expiredDisconnects'
      | 'throttled'
      | 'rateDisconnects'
      | 'messagesTooLarge'
      | 'messagesTooFragmented'
      | 'protocolErrors'
      | 'cutOffDisconnects'
      | 'aclUpdates'
      | 'aclRefused'
      | 'stunRequests'
      | 'stunIgnored',
      number
    >
  > {
  /** WebSocket connections. */
  readonly connections: number;
  /** Users with a connection. */
  readonly users: number;
  /** Sessions of all users. */
  readonly sessions: number;
  /** Directories with an ACL file. */
  readonly aclRulesets: number;
  /** Connections whose reading is paused for a slow recipient. */
  readonly pausedConnections: number;
  /** Connections whose reading is paused for their user's rate. */
  readonly throttledConnections: number;
  /** Bytes waiting for all recipients. */
  readonly bufferedBytes: number;
  /** Bytes waiting for the one with the most. */
  readonly maxBufferedBytes: number;
  /** Everybody is being sent away. */
  readonly draining: boolean;
  /** Of the other processes, if this one is of many. */
  readonly cluster?: {
    /** Whether it may act: false while it is cut off from the others, and has no clients. */
    readonly isServing: boolean;
    /** Processes of the cluster, this one included. */
    readonly processes: number;
    /** Connections at the other ones. */
    readonly remoteClients: number;
    /** Sessions that this process knows of. */
    readonly knownSessions: number;
    /** Bytes for other processes that they have not acknowledged. */
    readonly outstandingBytes: number;
    /** Messages between processes that were sent again. */
    readonly resent: number;
    /** Gaps in what others sent; repaired. */
    readonly gaps: number;
  };
}

type Nothing<T extends never> = T;
/** Does not compile while a counter is missing from {@link RelayStats}. */
export type UnnamedCounters = Nothing<Exclude<keyof RelayCounters, keyof RelayStats>>;

/** A relay that runs, in whatever HTTP server. `await using` closes it. */
export interface EmbeddedRelay extends AsyncDisposable {
  /** UDP port of the STUN responder, if there is one. */
  readonly stunPort: number | undefined;
  /** A snapshot of its counters. Synchronous and cheap. */
  stats(): RelayStats;
  /** Looks at the files of secrets, tokens and certificates now, and not within two seconds. Connections whose token is no longer good are closed (1008). */
  reload(): Promise<void>;
  /**
   * Lets nobody in, delivers what is held, then sends everybody away (1012) to connect again. Takes `drainMs` at most.
   * @remarks And half a second. It reads no more; they are to connect to whoever serves this address then. It goes on answering HTTP until {@link close}.
   */
  drain(): Promise<void>;
  /** Disconnects everybody and frees the relay's ports; a host program's server goes on. */
  close(): Promise<void>;
}

/** A relay with a server of its own. */
export interface RelayServer extends EmbeddedRelay {
  /** `http://host:port`, or `https:` with `tls`; usable by a client on this machine. */
  readonly url: string;
  /** TCP port it listens on. */
  readonly port: number;
}

/** A server that is somebody else's, and what of it is the relay's. */
export interface RelayHost {
  readonly server: HostServer;
  /** @returns the URL as the relay knows it; undefined: the host's own */
  ours(url: string): string | undefined;
}
