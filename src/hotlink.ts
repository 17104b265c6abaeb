// What an embedding program holds: the data plane of one identity, as an interface. How it is made of parts stands in data-plane.ts.

import { DataPlane } from './data-plane.js';
import type { HotlinkEvent, HotlinkEvents } from './events.js';
import type { ForwardChannel, ForwardOptions, HotlinkStream } from './forward.js';
import type { HotlinkOptions } from './options.js';
import type { LaneKind, Status } from './status.js';

/** A running data plane, to be called from the thread that made it. `await using` stops it. */
export interface Hotlink extends AsyncDisposable {
  /**
   * Starts threads, relay connection and discovery. A relay that cannot be reached is no error: it is tried again.
   * @remarks A second call returns the same promise. Where this throws, nothing is left behind once {@link Hotlink.stop} has resolved.
   * @throws HotlinkError `ERR_HLNK_CONFIG`, `ERR_HLNK_CLOSED` (stopped meanwhile), `ERR_HLNK_RELAY_UNAVAILABLE` (the program's own signaling)
   */
  start(): Promise<void>;
  /**
   * Opens a channel for TCP applications, without a marker file; the peer is granted what it needs.
   * @throws HotlinkError `ERR_HLNK_USAGE`, `ERR_HLNK_RELAY_UNAVAILABLE`, `ERR_HLNK_DENIED`, `ERR_HLNK_PORT_BUSY`, `ERR_HLNK_CLOSED`
   */
  forward(options: ForwardOptions): Promise<ForwardChannel>;
  /**
   * One stream to the peer's `connect()`, `hotlink pipe` or dialled application of that name. What is written waits for the peer.
   * @remarks Beside `highWaterMark` (262144 bytes each way), in this process's heap, there are 1 MiB of shared memory each way, and the channel's window. Aborting the signal
   * rejects the call with `ERR_HLNK_CLOSED`; later it closes the stream, resetting the far end. It is not watched any more once the stream is closed.
   * @throws HotlinkError as {@link Hotlink.forward}
   */
  connect(options: { peer: string; name: string; signal?: AbortSignal; highWaterMark?: number }): Promise<HotlinkStream>;
  /**
   * Measures one round trip through the data path, over the channel `name`, any with that peer, or one of its own.
   * @remarks The peer answers when it has a channel with us too, whatever its applications do.
   * @throws HotlinkError `ERR_HLNK_PEER_UNAVAILABLE` (upstream client, or no answer in `timeoutMs`, 5000), `ERR_HLNK_WORKER`; otherwise as {@link Hotlink.forward}
   */
  ping(options: { peer: string; name?: string; timeoutMs?: number; signal?: AbortSignal }): Promise<{
    peer: string;
    channel: string;
    lane: LaneKind;
    rttMs: number;
  }>;
  /** A snapshot of what runs now. Cheap. */
  status(): Status;
  /**
   * What happens from now on, for `for await`; of what is unread, the newest `limit` (1024) wait.
   * @remarks Every call is a reader of its own. Beyond `limit` (1…65536) the oldest event is dropped and the `id`s show a gap. Ends when the data plane has stopped,
   * the signal aborts or the loop is left.
   * @throws HotlinkError `ERR_HLNK_USAGE`
   */
  events(options?: { signal?: AbortSignal; limit?: number }): AsyncIterableIterator<HotlinkEvent>;
  /** Calls `listener` at each event, within its turn; what it throws is thrown there. */
  on<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void;
  /** Removes a listener. */
  off<K extends keyof HotlinkEvents>(event: K, listener: (...args: HotlinkEvents[K]) => unknown): void;
  /**
   * Makes new peer-to-peer connections, as after a change of networks.
   * @remarks For every session that a peer opened: WebRTC connections are given up first, direct ones stay until their successors are up. Streams between
   * hotlinks go on, over whatever lane is left meanwhile.
   */
  renegotiate(): void;
  /**
   * A `.cpuprofile` of every thread over that time; `tid` is the kernel's number of the thread.
   * @remarks Roles are `main`, `relay`, `channel-1`, … Aborting ends it early.
   * @throws HotlinkError `ERR_HLNK_USAGE`, also while one is taken
   */
  profile(options: { milliseconds: number; signal?: AbortSignal }): Promise<{ role: string; tid: number | undefined; profile: string }[]>;
  /**
   * Ends everything: what was written has two seconds to arrive, open streams are reset, threads, sockets and timers are gone.
   * @remarks Peers are told: their ends of streams fail with `ERR_HLNK_PEER_UNAVAILABLE`. Idempotent.
   */
  stop(): Promise<void>;
}

/**
 * Makes a data plane, which does nothing until `start()`.
 * @throws HotlinkError `ERR_HLNK_CONFIG`
 */
export function createHotlink(options: HotlinkOptions): Hotlink {
  return new DataPlane(options);
}
