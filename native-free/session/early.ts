// Signals and Data that came before the session they belong to: the server's workers let them overtake Open and Accept (defect S1).
// Invariant: bounded in sessions, items per session, bytes and time; what does not fit is counted. Any thread, no clock.

import type { SignalMessage } from '../envelope/index.js';
import { EARLY_TUNABLES, type EarlyTunables } from './tunables.js';

export type EarlyVerdict = 'held' | 'sid-full' | 'bytes-full';

export type EarlyOptions<T> = Partial<EarlyTunables> & {
  /** What an item keeps alive, in bytes; needed as soon as items carry payloads. Counts as 0 when absent. */
  sizeBytes?: (item: T) => number;
};

type Held<T> = { items: T[]; bytes: number; expiresAtMs: number };

/** Early items by sid, in the order in which they came. */
export class EarlyItems<T> {
  readonly #tunables: EarlyTunables;
  readonly #sizeBytes: (item: T) => number;
  /** In order of the first item, which is the order of expiry too. */
  readonly #bySid = new Map<string, Held<T>>();
  #bytes = 0;
  #droppedFull = 0;
  #droppedExpired = 0;
  #droppedEvicted = 0;

  constructor(options: EarlyOptions<T> = {}) {
    const { sizeBytes, ...tunables } = options;
    this.#tunables = { ...EARLY_TUNABLES, ...tunables };
    this.#sizeBytes = sizeBytes ?? (() => 0);
  }

  /** Sessions held for. */
  get size(): number {
    return this.#bySid.size;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  /** Items refused because their session's share or the memory was used up. */
  get droppedFull(): number {
    return this.#droppedFull;
  }

  /** Items whose session did not come in time. */
  get droppedExpired(): number {
    return this.#droppedExpired;
  }

  /** Items pushed out by newer sessions. */
  get droppedEvicted(): number {
    return this.#droppedEvicted;
  }

  /** Holds an item. A session that is full keeps its first items (the offer comes first); a table that is full loses its oldest session. */
  put(sid: string, item: T, nowMs: number): EarlyVerdict {
    this.handleTimeout(nowMs);
    const { maxSids, maxItemsPerSid, maxBytes, ttlMs } = this.#tunables;
    const bytes = this.#sizeBytes(item);
    const held = this.#bySid.get(sid);
    if ((held?.items.length ?? 0) >= maxItemsPerSid) return this.#drop('sid-full');
    if (this.#bytes + bytes > maxBytes) return this.#drop('bytes-full');
    this.#bytes += bytes;
    if (held !== undefined) {
      held.items.push(item);
      held.bytes += bytes;
      return 'held';
    }
    for (const oldest of this.#bySid.keys()) {
      if (this.#bySid.size < maxSids) break;
      this.#droppedEvicted += this.take(oldest).length;
    }
    this.#bySid.set(sid, { items: [item], bytes, expiresAtMs: nowMs + ttlMs });
    return 'held';
  }

  /** The items of a session, oldest first, and out of here; an empty array if there are none. */
  take(sid: string): T[] {
    const held = this.#bySid.get(sid);
    if (held === undefined) return [];
    this.#bySid.delete(sid);
    this.#bytes -= held.bytes;
    return held.items;
  }

  /** The absolute time at which {@link handleTimeout} must be called. */
  timeoutMs(): number | undefined {
    for (const oldest of this.#bySid.values()) return oldest.expiresAtMs;
    return undefined;
  }

  handleTimeout(nowMs: number): void {
    for (const [sid, held] of this.#bySid) {
      if (held.expiresAtMs > nowMs) return;
      this.#droppedExpired += this.take(sid).length;
    }
  }

  #drop(verdict: EarlyVerdict): EarlyVerdict {
    this.#droppedFull++;
    return verdict;
  }
}

/** What a held Signal keeps alive, bytes: the peer says how long its texts are. */
export function signalBytes({ knd, tok, adr, err }: SignalMessage): number {
  const chars = [knd, tok, err, ...(adr ?? [])].reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return 2 * chars;
}
