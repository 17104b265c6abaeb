// A lane: one carrier of HLNK frames to a peer. The core of a channel knows lanes only through this interface; the direct, WebRTC and
// relay lanes live in workers/, the in-memory twin in lane-twin.ts. Back-pressure is a return value, never an exception.

/** From best to worst: TLS over TCP between own peers, a data channel, the relay's WebSocket. */
export const LANE_KINDS: readonly LaneKind[] = ['direct', 'webrtc', 'relay'];
/** What carries frames: `direct` (TLS over TCP), `webrtc` (a data channel), `relay`. */
export type LaneKind = 'direct' | 'webrtc' | 'relay';
/** Lanes that pass no server of ours or of upstream's. */
export type PeerLaneKind = Exclude<LaneKind, 'relay'>;

/**
 * What became of a frame that was offered to a lane.
 * - `taken`: the lane has its own copy (or has sent it); the caller may reuse the bytes.
 * - `full`: above the high watermark; `onWritable` will be called once it is below the low one.
 * - `oversize`: larger than the carrier can take; nothing was sent and no sequence number is burned.
 * - `closed`: the lane is gone; `onClosed` was or will be called.
 */
export type SendVerdict = 'taken' | 'full' | 'oversize' | 'closed';

export interface LaneEvents {
  /**
   * A whole message arrived.
   * @param lasting true when the bytes stay valid after the call returns (the receiver may keep views of them); false when the
   *   lane reuses the memory, so that whatever is kept must be copied.
   */
  frame(lane: Lane, message: Uint8Array, lasting: boolean): void;
  /** The lane was full and takes frames again. */
  writable(lane: Lane): void;
  closed(lane: Lane, reason: string): void;
}

/** One carrier of frames to the peer. */
export interface Lane {
  /** Which kind it is. */
  readonly kind: LaneKind;
  /** Session this lane belongs to. */
  readonly sid: string;
  /** Largest frame (head and payload) in bytes that the carrier takes as far as is known. */
  readonly maxFrameBytes: number;
  /** @param urgent a small control frame: taken even above the high watermark, so that acknowledgements never wait behind data */
  trySend(frame: Uint8Array, urgent?: boolean): SendVerdict;
  /** Bytes taken but not yet given to the network. */
  bufferedBytes(): number;
  /** Of a lane that may deliver out of order without having lost anything: whether this frame is known to be on its way still. */
  carries?(seq: number): boolean;
  /** Ends the lane; `closed` is not reported for one's own close. Idempotent. */
  close(): void;
}
