// What the two processes of the bare data-channel comparison say to each other and to their parent, over the channel a forked process has.

/** Parent → peer: the other peer's description or candidate, or the start. */
export type ToPeer = { kind: 'description'; sdp: string; type: string } | { kind: 'candidate'; candidate: string; mid: string };

/** Peer → parent. */
export type FromPeer =
  | ToPeer
  /** First send, unix ms. */
  | { kind: 'started'; atMs: number }
  /** Last byte counted, unix ms. */
  | { kind: 'received'; atMs: number; bytes: number };

export interface BarePeerArguments {
  role: 'sender' | 'receiver';
  messageBytes: number;
  totalBytes: number;
  mtu: number;
}
