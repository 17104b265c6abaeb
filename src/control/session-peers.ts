// Which peer is at the other end of each session, where no relay keeps account. Bounded for each peer, least recently used first out, so that one
// that opens without end only loses sessions of its own. Main thread.

/** More channels than anyone has with one peer, two sessions each. */
const SESSIONS_PER_PEER = 1024;

export interface SessionEnds {
  /** The e-mail at the other end. */
  peer: string;
  /** We opened it. */
  ours: boolean;
}

export class SessionPeers {
  readonly #ends = new Map<string, SessionEnds>();
  /** In the order of their last use. */
  readonly #sidsOf = new Map<string, Set<string>>();

  get(sid: string): SessionEnds | undefined {
    const ends = this.#ends.get(sid);
    const sids = ends === undefined ? undefined : this.#sidsOf.get(ends.peer);
    if (sids?.delete(sid) === true) sids.add(sid);
    return ends;
  }

  put(sid: string, ends: SessionEnds): void {
    this.delete(sid);
    const sids = this.#sidsOf.get(ends.peer) ?? new Set();
    this.#sidsOf.set(ends.peer, sids.add(sid));
    this.#ends.set(sid, ends);
    const [oldest] = sids;
    if (sids.size > SESSIONS_PER_PEER && oldest !== undefined) this.delete(oldest);
  }

  delete(sid: string): void {
    const peer = this.#ends.get(sid)?.peer;
    if (peer === undefined) return;
    this.#ends.delete(sid);
    const sids = this.#sidsOf.get(peer);
    sids?.delete(sid);
    if (sids?.size === 0) this.#sidsOf.delete(peer);
  }
}
