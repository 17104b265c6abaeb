// Sessions opened a moment ago, for clients elsewhere whose coming is heard of late: they were connected when the Open was sent, as far as
// they and their peer know, and must be shown it. Pure.
// Invariant: bounded by time and number; a session that is over is not shown.
import type { Recipient } from '../recipient.js';
import type { Session } from '../sessions.js';

/** Longer than word of a client takes, a NATS server that is started anew included. */
const KEPT_MS = 10_000;
const MAX_KEPT = 10_000;

interface RecentOpen {
  readonly session: Session<Recipient>;
  /** The message's id. */
  readonly id: string;
  readonly atMs: number;
}

export class RecentOpens {
  private kept: RecentOpen[] = [];

  add(session: Session<Recipient>, id: string, nowMs: number): void {
    this.kept.push({ session, id, atMs: nowMs });
    if (this.kept.length > MAX_KEPT * 2) this.kept.splice(0, MAX_KEPT);
  }

  /** Those that are young enough, oldest first. */
  at(nowMs: number): readonly RecentOpen[] {
    const first = this.kept.findIndex(({ atMs }) => nowMs - atMs < KEPT_MS);
    this.kept.splice(0, first < 0 ? this.kept.length : first);
    return this.kept;
  }

  clear(): void {
    this.kept = [];
  }
}
