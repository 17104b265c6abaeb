// Opens whose channel is not known yet, kept for a bounded time in case its marker turns up. Invariant: bounded in all and per peer, and one
// per peer and path, the newest. Wire spec 13.3 and defect S11; main thread, no clock.

import type { Fingerprint } from '../envelope/ids.js';
import type { InboundTunables } from './tunables.js';
import type { ChannelLookup } from './types.js';

export type WaitingOpen = {
  readonly sid: string;
  readonly path: string;
  readonly peer: string;
  readonly opener: Fingerprint;
  readonly lookup: ChannelLookup;
  readonly expiresAtMs: number;
};

export class WaitingOpens {
  readonly #tunables: InboundTunables;
  /** In order of arrival, which is the order of expiry too: every one waits equally long. */
  readonly #bySid = new Map<string, WaitingOpen>();

  constructor(tunables: InboundTunables) {
    this.#tunables = tunables;
  }

  get size(): number {
    return this.#bySid.size;
  }

  has(sid: string): boolean {
    return this.#bySid.has(sid);
  }

  /** A copy, oldest first, so that entries may be removed on the way. */
  list(): WaitingOpen[] {
    return [...this.#bySid.values()];
  }

  add(open: WaitingOpen): void {
    const { maxWaiting, maxWaitingPerPeer } = this.#tunables;
    const ofPeer = this.list().filter((other) => other.peer === open.peer);
    // Its opener gave up the older one when it opened this one.
    const twin = ofPeer.find((other) => other.path === open.path);
    const evicted = twin ?? (ofPeer.length >= maxWaitingPerPeer ? ofPeer[0] : undefined);
    if (evicted !== undefined) this.#bySid.delete(evicted.sid);
    for (const oldest of this.#bySid.keys()) {
      if (this.#bySid.size < maxWaiting) break;
      this.#bySid.delete(oldest);
    }
    this.#bySid.set(open.sid, open);
  }

  delete(sid: string): boolean {
    return this.#bySid.delete(sid);
  }

  timeoutMs(): number | undefined {
    for (const oldest of this.#bySid.values()) return oldest.expiresAtMs;
    return undefined;
  }

  expire(nowMs: number): void {
    for (const open of this.#bySid.values()) {
      if (open.expiresAtMs > nowMs) return;
      this.#bySid.delete(open.sid);
    }
  }
}
