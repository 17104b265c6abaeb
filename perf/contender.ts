// A way from a TCP client to a TCP server: what the same two applications are run through, one way after the other.
import type { Places } from './place.js';

export interface Address {
  host: string;
  port: number;
}

export interface RouteOptions extends Places {
  /** Where the serving application listens, in the far place. It need not be there yet; several come, one after the other. */
  target: Address;
  /** Largest packet for those that choose it; undefined: as the contender does by itself. */
  mtu?: number;
  signal: AbortSignal;
}

/** An open way. Whoever opened it closes it. */
export interface Route {
  /** Where the client application dials, in the near place. */
  dial: Address;
  /** Processes whose cost is the way's. */
  pids: readonly number[];
  /** What carried it; throws when that is not what it was to be. */
  check?(): Promise<void>;
  close(): Promise<void>;
}

export interface Contender {
  /** As its row is called. */
  name: string;
  /** Ours, as opposed to what it is compared with. */
  ours?: boolean;
  /** Far slower than the others: gets less to carry. */
  slow?: boolean;
  /** @returns why it cannot run here, in words for a person */
  missing(): string | undefined;
  /** @throws Error when it does not come up */
  open(options: RouteOptions): Promise<Route>;
}
