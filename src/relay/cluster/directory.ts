// Which process has which session, for all sessions of the cluster. Pure.
// Invariant: every process comes to the same answer, in whatever order it hears of things: the greater generation has a session, then the
// smaller process id. A session id belongs to whoever opened it first, wherever that was.
import type { Leg } from './leg.js';

export interface Entry {
  readonly sid: string;
  readonly opener: string;
  /** The process that has it. */
  home: string;
  generation: number;
  /** Clients here who accepted a session that is elsewhere: to be told when its process is lost. */
  joined: Set<Leg> | undefined;
}

/** What became of somebody's claim. */
export type ClaimVerdict =
  | 'taken' // theirs now
  | 'lost' // it was ours, and is theirs now
  | 'refused'; // it stays where it is

export class Directory {
  private readonly bySid = new Map<string, Entry>();

  get size(): number {
    return this.bySid.size;
  }

  get(sid: string): Entry | undefined {
    return this.bySid.get(sid);
  }

  /** May this user open it, as far as other processes know? */
  mayOpen(sid: string, user: string): boolean {
    const entry = this.bySid.get(sid);
    return entry === undefined || entry.opener === user;
  }

  /** It was opened here. @returns the entry to tell everybody about */
  open(self: string, sid: string, opener: string): Entry {
    const before = this.bySid.get(sid);
    const entry: Entry = { sid, opener, home: self, generation: before === undefined ? 0 : before.generation + 1, joined: undefined };
    this.replace(before, entry);
    return entry;
  }

  claim(self: string, home: string, sid: string, opener: string, generation: number): ClaimVerdict {
    const before = this.bySid.get(sid);
    if (before !== undefined && before.home !== home) {
      if (before.generation > generation || (before.generation === generation && before.home < home)) return 'refused';
    }
    this.replace(before, { sid, opener, home, generation, joined: undefined });
    return before?.home === self ? 'lost' : 'taken';
  }

  /** It ended at `home`; elsewhere it may live on. @returns whether it was known to be there */
  forget(home: string, sid: string): boolean {
    const entry = this.bySid.get(sid);
    if (entry?.home !== home) return false;
    this.replace(entry, undefined);
    return true;
  }

  /** A process is lost, and its sessions with it. */
  lose(home: string): Entry[] {
    const lost = [...this.bySid.values()].filter((entry) => entry.home === home);
    for (const entry of lost) this.bySid.delete(entry.sid);
    return lost;
  }

  *of(home: string): Generator<Entry> {
    for (const entry of this.bySid.values()) if (entry.home === home) yield entry;
  }

  clear(): void {
    this.bySid.clear();
  }

  private replace(before: Entry | undefined, entry: Entry | undefined): void {
    if (before === undefined && entry === undefined) return;
    for (const leg of before?.joined ?? []) leg.joined.delete(before as Entry);
    if (entry === undefined) this.bySid.delete((before as Entry).sid);
    else this.bySid.set(entry.sid, entry);
  }
}
