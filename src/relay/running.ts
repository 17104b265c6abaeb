// A relay that runs, as the program that started it sees it.
import type { HostServer } from './claim.js';
import type { ClusterStats } from './cluster/options.js';
import type { RelayCounters } from './counters.js';

/** Counters, which only grow, and what is the case right now. */
export interface RelayStats extends Readonly<RelayCounters> {
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
  readonly cluster?: ClusterStats;
}

/** A relay that runs, in whatever HTTP server. */
export interface EmbeddedRelay extends AsyncDisposable {
  /** UDP port of the STUN responder, if there is one. */
  readonly stunPort: number | undefined;
  /** A snapshot of its counters. Synchronous and cheap. */
  stats(): RelayStats;
  /**
   * Look at the files of secrets, tokens and certificates now, which happens every two seconds anyway. Connections whose token is no longer good
   * are closed with 1008; nobody else notices.
   */
  reload(): Promise<void>;
  /**
   * Let nobody in any more, read no more, deliver what is held, then send everybody away with 1012: they are to connect again, to whoever serves
   * this address then. Takes `drainMs` and half a second at most. The relay goes on answering HTTP until {@link close}.
   */
  drain(): Promise<void>;
  /** Disconnect everybody and free the relay's ports; a host program's server goes on. May be called twice. */
  close(): Promise<void>;
}

/** A relay with a server of its own. */
export interface RelayServer extends EmbeddedRelay {
  /** `http://host:port`, usable by a client on this machine. */
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
