// What a channel needs of its local side, whatever is there: TCP connections and their streams (tcp/), or the application of an IPC
// directory (ipc/). The first group answers the core's ports of the same names. Channel worker thread.

export interface LocalSide {
  deliver(stream: number, payload: Uint8Array, lasting: boolean): void;
  opened(stream: number): void;
  peerEnded(stream: number): void;
  peerReset(stream: number, reason: string): void;
  room(stream: number): void;
  sendingDone(stream: number): void;
  peerRestarted(renumbered: ReadonlyMap<number, number>): void;

  /** The peer closed its channel for good: streams it knew that are not over cannot end any more. */
  peerGone?(reason: string): void;

  /** A lane, a session or room in a lane may have appeared. */
  writable?(): void;
  /** Everything ends with a reset that the applications see, if they are to see it. */
  resetAll(reason: string): void;
  /** Nothing more is read from applications. */
  quiesce(): void;
  /** What is still open ends with a reset that the peer hears of. */
  endAll(reason: string): void;
  /** Bytes wait for an application to take them, and a stop should wait for that. */
  readonly flushing: boolean;
  /** Gauges for status. */
  readonly liveStreams: number;
  readonly backlogBytes: number;
  destroy(): void;
}
