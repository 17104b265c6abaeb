// What an embedding program holds: the data plane of one identity, as an interface. How it is made of parts stands in data-plane.ts.

import type { PingOptions, PingResult } from './control/ping.js';
import type { ThreadProfile } from './control/profiling.js';
import { DataPlane } from './data-plane.js';
import type { EventsOptions } from './event-reader.js';
import type { HotlinkEvent, HotlinkEvents } from './events.js';
import type { ConnectOptions, ForwardChannel, ForwardOptions, HotlinkStream } from './forward.js';
import type { HotlinkOptions } from './options.js';
import type { Status } from './status.js';

/** A running data plane. To be called from the thread that made it. `await using` ends it as {@link Hotlink.stop} does. */
export interface Hotlink extends AsyncDisposable {
  /**
   * Starts threads, relay connection and discovery; a second call returns the same promise. A relay that cannot be reached is not an error: it
   * is tried again in the background. Where this throws, nothing is left behind once {@link Hotlink.stop} has resolved.
   * @throws HotlinkError `ERR_HLNK_CONFIG` when an option cannot be used, `ERR_HLNK_CLOSED` when it is stopped before or meanwhile,
   *   `ERR_HLNK_RELAY_UNAVAILABLE` when the program's own signaling cannot be connected
   */
  start(): Promise<void>;
  /**
   * Opens an ad-hoc channel without a marker file. The peer gets the permissions it needs on our copy of the channel's directory.
   * @throws HotlinkError `ERR_HLNK_USAGE`, `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_PORT_BUSY`, `ERR_HLNK_CLOSED` (stopped, or
   *   aborted by the signal)
   */
  forward(options: ForwardOptions): Promise<ForwardChannel>;
  /**
   * One stream to the peer, carried by this program itself instead of a TCP port. The other end is another `connect()` or `hotlink pipe`
   * of the same name, or an application behind `forward({ dial })`. It is there at once; what is written waits until the peer comes.
   * @throws HotlinkError as {@link Hotlink.forward}
   */
  connect(options: ConnectOptions): Promise<HotlinkStream>;
  /**
   * Measures one round trip through the data path, over a channel with that peer if there is one. The peer answers when it has a channel with
   * us too, whatever its applications do.
   * @throws HotlinkError `ERR_HLNK_PEER_UNAVAILABLE` without an answer in time (default 5000 ms), or from an upstream client; `ERR_HLNK_USAGE`,
   *   `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_WORKER`, `ERR_HLNK_CLOSED`
   */
  ping(options: PingOptions): Promise<PingResult>;
  /**
   * Makes new peer-to-peer connections for every session that a peer opened, as after a change of networks: WebRTC connections are given
   * up first, direct ones stay until their successors are up. Streams to peers of our own kind go on, over whatever lane is left meanwhile.
   */
  renegotiate(): void;
  /**
   * Ends everything, telling peers: what was written is given two seconds to arrive, streams that are still open are reset
   * (`ERR_HLNK_PEER_UNAVAILABLE` at their other ends). Resolves when threads, sockets and timers are gone. Idempotent.
   */
  stop(): Promise<void>;
  /** A snapshot of what runs now. Synchronous and cheap. */
  status(): Status;
  /**
   * What happens from now on, one after the other: `for await (const { what, fields } of link.events())`. Every call is a reader of its own. Events
   * that a slow reader has not taken wait, `limit` of them; beyond that the oldest is dropped and the `id`s show a gap. Ends when the data plane
   * has stopped, the signal aborts or the loop is left.
   */
  events(options?: EventsOptions): AsyncIterableIterator<HotlinkEvent>;
  /**
   * A CPU profile of every thread over the next `milliseconds`: `main`, `relay`, `channel-1`, … Aborting ends it early.
   * @throws HotlinkError `ERR_HLNK_USAGE` while one is being taken
   */
  profile(options: { milliseconds: number; signal?: AbortSignal }): Promise<ThreadProfile[]>;
  /** Calls `listener` at each event, within the turn it happens in; what it throws is thrown there. */
  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void;
  /** Takes a listener off again. */
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void;
}

/**
 * @returns a data plane that does nothing until `start()`
 * @throws HotlinkError `ERR_HLNK_CONFIG`, `ERR_HLNK_USAGE` when an option cannot be used
 */
export function createHotlink(options: HotlinkOptions): Hotlink {
  return new DataPlane(options);
}
