// The sessions the relay knows, and who may say what about them (wire §2.3; defects S7 and S8 are not copied). Pure:
// no sockets, no clock; a connection is any object with a user.
// Invariant: a session belongs to the user who opened it first; only its opener's Data and only its acceptors' answers pass.
import type { GlobWork } from '../../native-free/acl/index.js';
import { checkPath, isTcpPath } from '../../native-free/path.js';

/** One connection of one user, as far as sessions care. */
export interface Party {
  readonly user: string;
}

export interface Session<P extends Party> {
  readonly sid: string;
  readonly path: string;
  readonly opener: string;
  /** The one user who is asked; undefined: everybody who may read the path. */
  readonly to: string | undefined;
  /** The connection that opened it, while it lives. */
  openerParty: P | undefined;
  readonly accepted: Set<P>;
  /** The same, by which program each of them is, where it says so. */
  readonly programs: Map<P, string>;
  /**
   * The user a TCP session belongs to on the far side. It stays when that user's connection drops, so that nobody else can take the
   * session over before it is back.
   */
  acceptor: string | undefined;
  /** The receiver that was last found to have the right to read, and the version of the rules it was found by. */
  cleared: P | undefined;
  clearedBy: number;
}

export type OpenRefusal = 'bad-sid' | 'bad-path' | 'denied' | 'sid-taken' | 'over-limit';
export type AcceptRefusal = 'unknown session' | 'permission denied' | 'already accepted' | 'own';

export interface SessionRules {
  readonly mayWrite: (user: string, path: string) => boolean;
  /** @param shared what several of these decisions together may cost */
  readonly mayRead: (user: string, path: string, shared?: GlobWork) => boolean;
  readonly maxSessionsPerUser: number;
  /** Of all users. */
  readonly maxSessions: number;
  /** Longest path, UTF-8 bytes. */
  readonly maxPathBytes: number;
  readonly ttlMs: number;
  /** Is this session id in use elsewhere, by somebody else? */
  readonly isTaken?: (sid: string, user: string) => boolean;
  /** A session is over, or about to start afresh. */
  readonly onDelete?: (sid: string) => void;
}

// Rust slices the first eight bytes of a sid without looking and dies on a shorter one or inside a character (wire §2.1): keep those away from it.
const SID = /^[\x21-\x7e]{8,128}$/;

export class SessionStore<P extends Party> {
  /** Sessions forgotten because their opener stayed away, or to make room. */
  expired = 0;
  evicted = 0;
  private readonly rules: SessionRules;
  private readonly bySid = new Map<string, Session<P>>();
  private readonly byOpener = new Map<string, Set<Session<P>>>();
  private readonly byAcceptor = new Map<P, Set<Session<P>>>();
  private readonly absentSinceMs = new Map<string, number>();

  constructor(rules: SessionRules) {
    this.rules = rules;
  }

  get size(): number {
    return this.bySid.size;
  }

  get(sid: string): Session<P> | undefined {
    return this.bySid.get(sid);
  }

  /**
   * Open, or open again under the same sid, which starts it afresh.
   * @param to as the message has it: blanks around it do not count, and the opener itself means nobody in particular
   */
  open(from: P, sid: string, path: string, to: string | undefined): Session<P> | OpenRefusal {
    if (!SID.test(sid)) return 'bad-sid';
    if (checkPath(path) !== 'ok' || Buffer.byteLength(path) > this.rules.maxPathBytes) return 'bad-path';
    const target = to?.trim();
    const addressee = target === '' || target === from.user ? undefined : target;
    if (!this.rules.mayWrite(from.user, path)) return 'denied';
    if (addressee !== undefined && !this.rules.mayRead(addressee, path)) return 'denied';
    if (this.rules.isTaken?.(sid, from.user) === true) return 'sid-taken';
    const existing = this.bySid.get(sid);
    if (existing !== undefined) {
      if (existing.opener !== from.user) return 'sid-taken';
      this.delete(existing);
    }
    if (!this.makeRoom(from.user)) return 'over-limit';
    const session: Session<P> = {
      sid,
      path,
      opener: from.user,
      to: addressee,
      openerParty: from,
      accepted: new Set(),
      programs: new Map(),
      acceptor: undefined,
      cleared: undefined,
      clearedBy: -1,
    };
    this.bySid.set(sid, session);
    addTo(this.byOpener, from.user, session);
    return session;
  }

  /** May this user be shown the Open? @param shared what asking for many users may cost together */
  isAsked(session: Session<P>, user: string, shared?: GlobWork): boolean {
    if (user === session.opener || (session.to !== undefined && session.to !== user)) return false;
    return this.rules.mayRead(user, session.path, shared);
  }

  /**
   * Take part as a receiver. 'own' is to be passed over in silence.
   * @param program which run of which program asks, if that is known: its earlier connection is left then, dead or not. Otherwise what is
   *   sent to a connection whose other end went away without a word would pile up and stop the sender.
   */
  accept(from: P, sid: string, program?: string): Session<P> | AcceptRefusal {
    const session = this.bySid.get(sid);
    if (session === undefined) return 'unknown session';
    if (session.opener === from.user) return 'own';
    if (session.to !== undefined && session.to !== from.user) return 'permission denied';
    const tcp = isTcpPath(session.path);
    if (tcp && session.acceptor !== undefined && session.acceptor !== from.user) return 'already accepted';
    if (!this.rules.mayRead(from.user, session.path)) return 'permission denied';
    if (program !== undefined) {
      for (const [party, other] of session.programs)
        if (party !== from && party.user === from.user && other === program) this.drop(session, party);
      session.programs.set(from, program);
    }
    session.accepted.add(from);
    addTo(this.byAcceptor, from, session);
    if (tcp) session.acceptor = from.user;
    return session;
  }

  /** May this connection's Reject or Close reach the opener? Upstream lets anybody who knows the sid end a session (defect S8). */
  mayAnswer(session: Session<P>, from: P): boolean {
    if (session.accepted.has(from) || session.acceptor === from.user) return true;
    // While it belongs to one user or somebody has taken it, the word of an onlooker would only do damage.
    if (session.acceptor !== undefined || session.accepted.size > 0) return false;
    return this.isAsked(session, from.user);
  }

  /** This connection no longer receives. A TCP session is free for another user once its acceptor's last connection has left so. */
  leave(session: Session<P>, from: P): void {
    this.drop(session, from);
    if (session.acceptor === from.user && ![...session.accepted].some((party) => party.user === from.user)) session.acceptor = undefined;
  }

  private drop(session: Session<P>, party: P): void {
    session.accepted.delete(party);
    session.programs.delete(party);
    this.byAcceptor.get(party)?.delete(session);
  }

  delete(session: Session<P>): void {
    this.bySid.delete(session.sid);
    const own = this.byOpener.get(session.opener);
    own?.delete(session);
    if (own?.size === 0) this.byOpener.delete(session.opener);
    for (const party of session.accepted) this.byAcceptor.get(party)?.delete(session);
    this.rules.onDelete?.(session.sid);
  }

  /** Forget everything, without a word to anybody. */
  clear(): void {
    this.bySid.clear();
    this.byOpener.clear();
    this.byAcceptor.clear();
    this.absentSinceMs.clear();
  }

  /** A connection of the user came up: its sessions are not forgotten. */
  connected(user: string): void {
    this.absentSinceMs.delete(user);
  }

  /**
   * A connection ended. Its user's sessions wait for the user to come back, if no other connection is left.
   * @param isLast no other connection of this user is up
   */
  disconnected(party: P, isLast: boolean, nowMs: number): void {
    for (const session of this.byAcceptor.get(party) ?? []) {
      session.accepted.delete(party);
      session.programs.delete(party);
    }
    this.byAcceptor.delete(party);
    const own = this.byOpener.get(party.user);
    for (const session of own ?? []) if (session.openerParty === party) session.openerParty = undefined;
    if (isLast && own !== undefined) this.absentSinceMs.set(party.user, nowMs);
  }

  /** Forget the sessions of users who have been away for too long. */
  expire(nowMs: number): void {
    for (const [user, sinceMs] of this.absentSinceMs) {
      if (nowMs - sinceMs < this.rules.ttlMs) continue;
      for (const session of this.byOpener.get(user) ?? []) {
        this.delete(session);
        this.expired++;
      }
      this.absentSinceMs.delete(user);
    }
  }

  /** Rust never closes a session, so a long-lived client would run into the limit: give up its oldest one that nobody listens to. */
  private makeRoom(user: string): boolean {
    const own = this.byOpener.get(user);
    const isFull = this.bySid.size >= this.rules.maxSessions;
    if (!isFull && (own === undefined || own.size < this.rules.maxSessionsPerUser)) return true;
    for (const session of own ?? []) {
      if (session.accepted.size > 0) continue;
      this.delete(session);
      this.evicted++;
      return true;
    }
    return false;
  }
}

function addTo<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}
