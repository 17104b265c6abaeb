// What a program tells a relay of its cluster, and is told: part of `hotlink/relay`, so it refers to nothing of the relay's inside. Types only.

/** Which processes are one cluster, and how they reach each other. */
export interface ClusterOptions {
  /** NATS servers: `nats://[user:password@|token@]host:port`, `tls://…` for TLS; several with commas between. */
  readonly servers: string;
  /** Processes of one name are one cluster. Default `relay`. */
  readonly name?: string;
  /**
   * A process not heard for this long is lost, ms, 1000…600000. Default 10 s. It gives way itself after six tenths of it without NATS.
   */
  readonly silenceMs?: number;
}

/** What one process of a cluster knows of the others. */
export interface ClusterStats {
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
}
