// Who is connected: all live connections, by user. One user may have several, some of them at other processes of the cluster.
// Invariant: what is counted, swept and closed is this process's own; what is asked and written to is everybody's.
import type { Connection } from './connection.js';
import type { Recipient } from './recipient.js';

export class Hub {
  private readonly byUser = new Map<string, Set<Connection>>();
  private readonly remoteByUser = new Map<string, Set<Recipient>>();
  private count = 0;

  get connections(): number {
    return this.count;
  }

  get users(): number {
    return this.byUser.size;
  }

  add(connection: Connection): void {
    addTo(this.byUser, connection);
    this.count++;
  }

  /** @returns whether it was the user's last one */
  remove(connection: Connection): boolean {
    if (removeFrom(this.byUser, connection)) this.count--;
    return this.isAbsent(connection.user);
  }

  /** A connection at another process. */
  addRemote(recipient: Recipient): void {
    addTo(this.remoteByUser, recipient);
  }

  /** @returns whether it was the user's last one */
  removeRemote(recipient: Recipient): boolean {
    removeFrom(this.remoteByUser, recipient);
    return this.isAbsent(recipient.user);
  }

  /** The connection a user made last, at this process if there is one. */
  newestOf(user: string): Recipient | undefined {
    return [...(this.byUser.get(user) ?? [])].at(-1) ?? [...(this.remoteByUser.get(user) ?? [])].at(-1);
  }

  /** Each user with its connections. One with connections here and elsewhere comes twice. */
  *entries(): Generator<[string, ReadonlySet<Recipient>]> {
    yield* this.byUser;
    yield* this.remoteByUser;
  }

  *of(user: string): Generator<Recipient> {
    yield* this.byUser.get(user) ?? [];
    yield* this.remoteByUser.get(user) ?? [];
  }

  /** This process's own. */
  *all(): Generator<Connection> {
    for (const own of this.byUser.values()) yield* own;
  }

  private isAbsent(user: string): boolean {
    return !this.byUser.has(user) && !this.remoteByUser.has(user);
  }
}

function addTo<R extends Recipient>(index: Map<string, Set<R>>, recipient: R): void {
  const own = index.get(recipient.user);
  if (own === undefined) index.set(recipient.user, new Set([recipient]));
  else own.add(recipient);
}

function removeFrom<R extends Recipient>(index: Map<string, Set<R>>, recipient: R): boolean {
  const own = index.get(recipient.user);
  const was = own?.delete(recipient) ?? false;
  if (own?.size === 0) index.delete(recipient.user);
  return was;
}
