// What the Go server does with each message (wire.md 2.3), its defects included: sessions that any sid overwrites, answers to a dead
// connection, Data whose path nobody checks, a map that is changed while it is iterated.

import { type Fields, Typ, textOf, type Wire } from './dialect.js';
import type { GoAcl } from './go-acl.js';
import type { GoConnection } from './go-connection.js';

interface Session {
  path: string;
  from: string;
  to: string;
  opener: GoConnection;
  accepted: Map<GoConnection, string>;
  /** Loops over `accepted` that are under way. */
  iterating: number;
}

export interface GoHub {
  readonly connections: Set<GoConnection>;
  readonly acl: GoAcl;
  /** How late an Accept is handed on, ms. */
  readonly acceptMs: number;
  /** Accepts that signals of their sender overtake. */
  readonly acceptsOvertaken: number;
  /** What would have ended the process. */
  crashed(why: string): void;
}

export class GoSessions {
  /** Data that went nowhere because nobody had accepted, or that its sender had no right to. */
  dataVanished = 0;
  /** Accepts by sid: more than one is churn that can kill the server (S4). */
  readonly accepts = new Map<string, number>();
  /** Sids of Signals that were answered as unknown; the answer is in the queue to whoever asked. */
  readonly unknownSignals = new Set<string>();
  /** Kind of the last signal that was dropped as a stranger's, by sid. */
  readonly #dropped = new Map<string, string>();
  readonly #hub: GoHub;
  readonly #bySid = new Map<string, Session>();

  constructor(hub: GoHub) {
    this.#hub = hub;
  }

  get size(): number {
    return this.#bySid.size;
  }
  /** Sids that are open, oldest first. */
  get sids(): string[] {
    return [...this.#bySid.keys()];
  }

  async handle(from: GoConnection, wire: Wire): Promise<void> {
    const sid = textOf(wire.dat['sid']);
    switch (wire.typ) {
      case Typ.open:
        return this.#open(from, wire, sid);
      case Typ.accept:
        return this.#accept(from, wire, sid);
      case Typ.reject: {
        const session = this.#bySid.get(sid);
        if (session !== undefined && session.from !== from.user) await session.opener.send(wire);
        return;
      }
      case Typ.data:
        return this.#data(from, wire, sid);
      case Typ.close:
        return this.#close(from, wire, sid);
      case Typ.signal:
        return this.#signal(from, wire, sid);
      case Typ.fileWrite: {
        const path = textOf(wire.dat['Path']);
        const ok = this.#hub.acl.put(from.user, path, Buffer.from(wire.dat['Content'] as Uint8Array).toString());
        await from.say(ok ? Typ.ack : Typ.nack, ok ? { OriginalId: wire.id } : { OriginalId: wire.id, Error: 'access denied' });
        return;
      }
      default:
    }
  }

  async #open(from: GoConnection, { id, dat }: Wire, sid: string): Promise<void> {
    const path = textOf(dat['pth']);
    const named = textOf(dat['to']).trim();
    const to = named === from.user ? '' : named;
    const { acl, connections } = this.#hub;
    if (!acl.can(from.user, path, 'write') || (to !== '' && !acl.can(to, path, 'read'))) {
      await this.#reject(from, sid, 'permission denied');
      return;
    }
    this.#bySid.set(sid, { path, from: from.user, to, opener: from, accepted: new Map(), iterating: 0 });
    for (const other of connections) {
      if (other.user === from.user || (to !== '' && other.user !== to) || !acl.can(other.user, path, 'read')) continue;
      other.broadcast({ id, typ: Typ.open, dat: { sid, pth: path, frm: from.user, to } });
    }
  }

  async #accept(from: GoConnection, wire: Wire, sid: string): Promise<void> {
    const session = this.#bySid.get(sid);
    if (session === undefined) return this.#reject(from, sid, 'unknown session');
    if (session.from === from.user) return;
    if (session.to !== '' && session.to !== from.user) return this.#reject(from, sid, 'permission denied');
    const taken = [...session.accepted.values()].some((user) => user !== from.user);
    if (session.path.endsWith('/stream.tcp.request') && taken) return this.#reject(from, sid, 'already accepted');
    if (!this.#hub.acl.can(from.user, session.path, 'read')) return this.#reject(from, sid, 'permission denied');
    this.accepts.set(sid, (this.accepts.get(sid) ?? 0) + 1);
    if (this.accepts.size <= this.#hub.acceptsOvertaken) await this.#overtaken(sid);
    this.#mutate(session);
    session.accepted.set(from, from.user);
    const { acceptMs } = this.#hub;
    if (acceptMs > 0) await new Promise((resolve) => setTimeout(resolve, acceptMs));
    await session.opener.send(wire);
  }

  async #data(from: GoConnection, wire: Wire, sid: string): Promise<void> {
    const session = this.#bySid.get(sid);
    if (session === undefined) return this.#reject(from, sid, 'unknown session');
    if (session.from !== from.user || session.accepted.size === 0) {
      this.dataVanished += 1;
      return;
    }
    session.iterating += 1;
    for (const [connection, user] of [...session.accepted]) {
      if (this.#hub.acl.can(user, session.path, 'read')) await connection.send(wire);
    }
    session.iterating -= 1;
  }

  async #close(from: GoConnection, wire: Wire, sid: string): Promise<void> {
    const session = this.#bySid.get(sid);
    if (session === undefined) return;
    if (session.from === from.user) {
      this.#bySid.delete(sid);
      for (const connection of [...session.accepted.keys()]) await connection.send(wire);
      return;
    }
    this.#mutate(session);
    session.accepted.delete(from);
    await session.opener.send(wire);
  }

  async #signal(from: GoConnection, wire: Wire, sid: string): Promise<void> {
    const session = this.#bySid.get(sid);
    if (session === undefined) {
      await from.say(Typ.signal, { sid, knd: 'quic_error', err: 'unknown session' });
      this.unknownSignals.add(sid);
      return;
    }
    if (session.from === from.user) for (const connection of [...session.accepted.keys()]) await connection.send(wire);
    else if (session.accepted.has(from)) await session.opener.send(wire);
    else this.#dropped.set(sid, textOf(wire.dat['knd']));
  }

  /** Until the signals that its sender sent right behind it were dropped. */
  async #overtaken(sid: string): Promise<void> {
    for (let tries = 0; tries < 1000 && this.#dropped.get(sid) !== 'ice_candidate'; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Upstream changes the map under a lock that its readers do not take. */
  #mutate(session: Session): void {
    if (session.iterating > 0) this.#hub.crashed('concurrent map iteration and map write');
  }

  async #reject(to: GoConnection, sid: string, rsn: string): Promise<void> {
    await to.say(Typ.reject, { sid, rsn } satisfies Fields);
  }
}
