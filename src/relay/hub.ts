// Who is connected: all live connections, by user. One user may have several.
import type { Connection } from './connection.js';

export class Hub {
  private readonly byUser = new Map<string, Set<Connection>>();
  private count = 0;

  get connections(): number {
    return this.count;
  }

  get users(): number {
    return this.byUser.size;
  }

  add(connection: Connection): void {
    const own = this.byUser.get(connection.user);
    if (own === undefined) this.byUser.set(connection.user, new Set([connection]));
    else own.add(connection);
    this.count++;
  }

  /** @returns whether it was the user's last one */
  remove(connection: Connection): boolean {
    const own = this.byUser.get(connection.user);
    if (own?.delete(connection)) this.count--;
    if (own !== undefined && own.size > 0) return false;
    this.byUser.delete(connection.user);
    return true;
  }

  /** The connection a user made last. */
  newestOf(user: string): Connection | undefined {
    return [...(this.byUser.get(user) ?? [])].at(-1);
  }

  /** Each user with its connections. */
  entries(): Iterable<[string, ReadonlySet<Connection>]> {
    return this.byUser;
  }

  of(user: string): Iterable<Connection> {
    return this.byUser.get(user) ?? [];
  }

  *all(): Generator<Connection> {
    for (const own of this.byUser.values()) yield* own;
  }
}
