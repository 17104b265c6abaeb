// Every number the session machines can be tuned by: default, unit, range, and the memory or the load it bounds.
// The only place where they are defined.

/** The opener's patience. Waits are multiplied by 0.75 … 1.25 at random, so that openers do not march in step. */
export type OutboundTunables = {
  /** First wait for an Accept, and first wait after a loss. 250 … 60000. Upstream waits 1500 and then gives up. */
  openWaitMs: number;
  /** Where doubling that wait ends: bounds the Opens an absent peer costs the relay. 1000 … 600000. */
  openWaitMaxMs: number;
  /** First wait after `permission denied`: an ACL may not have reached the server yet. 250 … 60000. */
  deniedWaitMs: number;
  /** Where doubling that wait ends. 1000 … 600000. */
  deniedWaitMaxMs: number;
  /** Least time between two Opens that are not waiting for anything: bounds a loop with a confused server to 4 a second. 50 … 5000. */
  reopenFloorMs: number;
  /** A session that ended before it was accepted this long counts as a flap and makes the next wait longer. 0 … 60000. */
  stableAfterMs: number;
};

export const OUTBOUND_TUNABLES: Readonly<OutboundTunables> = {
  openWaitMs: 1500,
  openWaitMaxMs: 15_000,
  deniedWaitMs: 2000,
  deniedWaitMaxMs: 30_000,
  reopenFloorMs: 250,
  stableAfterMs: 5000,
};

/** What the acceptor keeps of Opens that it cannot accept yet, and of sessions that are over. */
export type InboundTunables = {
  /** How long an Open for a channel that is not known yet is remembered. 1000 … 600000. Longer than an opener's longest wait. */
  waitingTtlMs: number;
  /** Opens remembered in all, about 0.5 KiB each. 1 … 65536. */
  maxWaiting: number;
  /** Opens remembered of one peer, so that one peer cannot push out the others'. 1 … maxWaiting. */
  maxWaitingPerPeer: number;
  /** Ids remembered of sessions that are over, so that a late Open cannot bring one back; about 0.1 KiB each. 1 … 65536. */
  maxEnded: number;
};

export const INBOUND_TUNABLES: Readonly<InboundTunables> = { waitingTtlMs: 30_000, maxWaiting: 256, maxWaitingPerPeer: 64, maxEnded: 256 };

/** What may arrive for a session before the session does. */
export type EarlyTunables = {
  /** Sessions held for. 1 … 65536. */
  maxSids: number;
  /** Items held for one session; an offer and a generous set of candidates. 1 … 65536. */
  maxItemsPerSid: number;
  /** Memory of all items together, as told by the caller's `sizeBytes`. */
  maxBytes: number;
  /** How long they are held. Reordering in the server is a matter of milliseconds; the slack is for a busy machine. 100 … 600000. */
  ttlMs: number;
};

export const EARLY_TUNABLES: Readonly<EarlyTunables> = { maxSids: 64, maxItemsPerSid: 96, maxBytes: 4 * 1024 * 1024, ttlMs: 10_000 };

/** The patience of one SDP and ICE exchange. */
export interface NegotiationTunables {
  /** How long a description waits for candidates before it leaves with those there are. 0 … 10000. */
  gatherCapMs: number;
  /** When, after it was first sent, an unanswered offer is sent again (wire spec, section 13.5). */
  retryAfterMs: readonly number[];
  /** From `start` to an open data channel. 1000 … 120000. */
  connectDeadlineMs: number;
}

export const NEGOTIATION_TUNABLES: Readonly<NegotiationTunables> = {
  gatherCapMs: 250,
  retryAfterMs: [250, 1000, 3000],
  connectDeadlineMs: 15_000,
};

/** Limits on what a peer's signals may cost; far above what an honest one sends. */
export const SIGNAL_LIMITS = {
  /** Characters of one signal token; a description with 64 candidates is about 8 KiB. */
  maxTokenChars: 64 * 1024,
  /** Characters of one candidate line. */
  maxCandidateChars: 1024,
  /** Candidates held back until the remote description is there. */
  maxQueuedCandidates: 64,
  /** Candidates taken from one peer for one session. */
  maxCandidates: 256,
  /** Characters of a peer's error text that are kept. */
  maxErrorChars: 200,
} as const;
