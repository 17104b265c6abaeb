// What a channel's core needs of its owner, and what it tells it. Channel worker.

import type { HotlinkErrorCode } from '../errors.js';
import type { Lane } from '../lane.js';
import type { ByteMemory } from '../memory.js';
import type { InFlowPorts } from './in-flow.js';
import type { ChannelLimits } from './limits.js';

/** What a core does to its owner: bytes and ends of streams, and what it needs. */
export interface ChannelPorts extends Omit<InFlowPorts, 'overrun'> {
  /** A stream's window has room again. */
  room(stream: number): void;
  /** Everything of the stream's sending half is on its way. */
  sendingDone(stream: number): void;
  /** A session we open is wanted: there are bytes to send, or open streams to go on with. */
  wantSession(): void;
  /** The relay lane of this session is wanted. */
  wantRelay(sid: string): void;
  /**
   * The peer restarted: every stream is to be reset locally and needs no `removeStream`.
   * @param renumbered those that go on, because the peer had not heard of them: their ids from now on, by the ids they had
   */
  peerRestarted(renumbered: ReadonlyMap<number, number>): void;
  /**
   * The channel cannot keep its promise; local sockets are to be reset. When the core is `over` by then, nothing is taken or sent any more:
   * start a new one under a new epoch, by which the peer knows. Otherwise only lanes are forbidden that would be needed, and it goes on
   * when one comes up.
   */
  failed(code: HotlinkErrorCode, message: string): void;
  /** A frame was refused. Counted already. */
  refused(reason: string, sid: string): void;
  /**
   * The peer answered {@link ChannelCore.ping}.
   * @param lane what carried it there; undefined when the peer is upstream's, which answers none
   */
  pong?(token: number, lane: Lane | undefined, rttMs: number): void;
  /** Another lane carries the channel now. */
  carries(lane: Lane | undefined, reason: string): void;
}

/** What a core is made from. */
export interface ChannelConfig {
  /** Path of the channel, as frames name it until a session says otherwise. */
  path: string;
  /** Five base-36 characters that make this channel's upstream etags unlike any other's. */
  salt: string;
  /** Its tunables. */
  limits: ChannelLimits;
  /** Where it counts: a word for each of {@link COUNTER_NAMES}. */
  counters: Float64Array;
  /** Where the numbering of a path goes on that an upstream peer counted before (upstream-numbers.ts). */
  numbers?: Iterable<readonly [string, number]>;
  /** Its owner. */
  ports: ChannelPorts;
  /** Frames of an upstream peer are messages: they are delivered whole, with path and etag, instead of their payload (local IPC). */
  whole?: boolean;
  /** How bytes are copied into its windows. Default: the language's own way. */
  memory?: ByteMemory;
}
