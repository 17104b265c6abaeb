// The ACL files of all processes of a cluster, kept the same everywhere.
// Invariant: of two contents of one file the one with the greater version stands, everywhere, in whatever order they are heard of; a file is
// spread when every process that may act has it. A file on disk counts by the time it was written.
import type { AclRecord } from './records.js';

/** Where rules are decided by: the relay's own store. */
export interface AclTarget {
  /** Take a file as another process has it; null removes it. Never throws. */
  adopt(key: string, content: Buffer | null, modifiedMs: number): void;
}

interface File {
  readonly version: number;
  /** null: it was removed. */
  readonly content: Buffer | null;
}

interface Ticket {
  readonly waitsFor: Set<string>;
  readonly done: (spread: boolean) => void;
}

export class AclReplica {
  private readonly files = new Map<string, File>();
  private readonly tickets = new Map<number, Ticket>();
  /** Edits from here on are others' business too. */
  onEdit: ((key: string, content: Uint8Array | null) => void) | undefined;
  private nextTicket = 1;
  /** The greatest version seen: a later change is later everywhere, whatever this machine's clock says. */
  private clock = 0;

  /** Files of its own at start may be older than what others have. */
  get isEmpty(): boolean {
    return this.files.size === 0;
  }

  /** The disk of this process has it so; null: no more. At start a file counts by its date, afterwards it was edited. */
  readonly found = (key: string, content: Uint8Array | null, modifiedMs: number): void => {
    if (this.onEdit !== undefined) this.onEdit(key, content);
    else if (content !== null) this.keep(key, Buffer.from(content), Math.trunc(modifiedMs));
  };

  /**
   * This process took a file in, by upload or because it was edited on disk; null: it was removed.
   * @returns what to tell the others, without a ticket; undefined when it is as it was
   */
  changed(key: string, content: Uint8Array | null, nowMs: number): AclRecord | undefined {
    const known = this.files.get(key);
    if (known !== undefined && (known.content === null ? content === null : content !== null && known.content.equals(content)))
      return undefined;
    this.keep(key, content === null ? null : Buffer.from(content), Math.max(Math.trunc(nowMs), this.clock + 1));
    return this.record(key);
  }

  /** Another process has a file. */
  offered(record: AclRecord, target: AclTarget): void {
    const known = this.files.get(record.key);
    const content = record.content === null ? null : Buffer.from(record.content, 'base64');
    if (known !== undefined && !isNewer(record.version, content, known)) return;
    this.keep(record.key, content, record.version);
    target.adopt(record.key, content, record.version);
  }

  /** Everything, for a process that came. */
  *all(): Generator<AclRecord> {
    for (const key of this.files.keys()) {
      const record = this.record(key);
      if (record !== undefined) yield record;
    }
  }

  /**
   * @param to the processes that must have it
   * @param done called once: true when they have, or are lost; false when this process was cut off from them
   * @returns the ticket they answer with
   */
  ticket(to: Iterable<string>, done: (spread: boolean) => void): number {
    const waitsFor = new Set(to);
    const ticket = this.nextTicket++;
    if (waitsFor.size === 0) done(true);
    else this.tickets.set(ticket, { waitsFor, done });
    return ticket;
  }

  answered(from: string, ticket: number): void {
    this.settle(ticket, from);
  }

  lost(process: string): void {
    for (const ticket of [...this.tickets.keys()]) this.settle(ticket, process);
  }

  /** Nobody is there to answer any more. */
  abandon(): void {
    for (const [ticket, { done }] of [...this.tickets]) {
      this.tickets.delete(ticket);
      done(false);
    }
  }

  private settle(number: number, process: string): void {
    const ticket = this.tickets.get(number);
    if (ticket === undefined || !ticket.waitsFor.delete(process) || ticket.waitsFor.size > 0) return;
    this.tickets.delete(number);
    ticket.done(true);
  }

  private keep(key: string, content: Buffer | null, version: number): void {
    this.files.set(key, { version, content });
    this.clock = Math.max(this.clock, version);
  }

  /** What to tell others of a file, without a ticket. */
  record(key: string): AclRecord | undefined {
    const file = this.files.get(key);
    return file && { kind: 'acl', key, version: file.version, content: file.content?.toString('base64') ?? null, ticket: 0 };
  }
}

/** Two versions of one millisecond are told apart by what is in them: any order will do that is the same everywhere. */
function isNewer(version: number, content: Buffer | null, known: File): boolean {
  if (version !== known.version) return version > known.version;
  return Buffer.compare(content ?? Buffer.alloc(0), known.content ?? Buffer.alloc(0)) > 0;
}
