// The candidates a peer has sent for one session: each once, held back until the remote description is set (the addon aborts the process on an
// earlier one), bounded. Wire spec 5.3 and 5.6; pure.

import { candidateKind } from './no-path.js';
import { candidatesIn, firstMid } from './sdp.js';
import type { CandidateToken } from './signal-token.js';
import { SIGNAL_LIMITS } from './tunables.js';

export type ReadyCandidate = { candidate: string; mid: string };

export class RemoteCandidates {
  readonly #seen = new Set<string>();
  #queued: CandidateToken[] = [];
  #mid: string | undefined;
  #dropped = 0;

  /** Candidates beyond the bounds. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Of those that were taken. */
  get kinds(): ReadonlySet<string> {
    return new Set([...this.#seen].map(candidateKind));
  }

  /** Takes a candidate; gives it back if it can be applied at once. */
  add(token: CandidateToken): ReadyCandidate | undefined {
    const { candidate } = token;
    if (this.#seen.has(candidate)) return undefined;
    const full = this.#mid === undefined && this.#queued.length >= SIGNAL_LIMITS.maxQueuedCandidates;
    if (full || this.#seen.size >= SIGNAL_LIMITS.maxCandidates) {
      this.#dropped++;
      return undefined;
    }
    this.#seen.add(candidate);
    if (this.#mid !== undefined) return { candidate, mid: token.mid ?? this.#mid };
    this.#queued.push(token);
    return undefined;
  }

  /** The remote description is set: gives what was held back, without what the description brought itself. */
  release(sdp: string): ReadyCandidate[] {
    const mid = firstMid(sdp);
    const inside = new Set(candidatesIn(sdp).slice(0, SIGNAL_LIMITS.maxCandidates));
    const ready = this.#queued
      .filter(({ candidate }) => !inside.has(candidate))
      .map((token) => ({ candidate: token.candidate, mid: token.mid ?? mid }));
    for (const candidate of inside) this.#seen.add(candidate);
    this.#queued = [];
    this.#mid = mid;
    return ready;
  }
}
