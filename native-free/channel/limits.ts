// The constants two own peers must agree on, and the tunables of one channel. Protocol facts first, tunables second.

/** Bytes a stream may send before the first credit arrives. Part of the own-peer protocol: both ends assume it. */
export const INITIAL_CREDIT_BYTES = 1_048_576;

/** Tunables of one channel's core. */
export interface ChannelLimits {
  /** Largest payload of one frame, bytes (4096…1048576). */
  chunkBytes: number;
  /** Send window of one stream, bytes: memory per stream that carries bytes, on the sender. */
  windowBytes: number;
  /** Credit given to one stream beyond what its application has taken, bytes: memory per stream on the receiver. */
  creditBytes: number;
  /** Frames and bytes held while a hole in the sequence is open. Beyond it the channel fails loudly. */
  reorderBytes: number;
  reorderFrames: number;
  /** How long a hole may stay open, ms. */
  gapMs: number;
  /** How long a new session waits for WebRTC before the relay carries it, ms (upstream: 1500). */
  fallbackGraceMs: number;
  /** How long a p2p-only or strict channel waits for a lane or an Accept before it is an error, ms (upstream: 10 s). */
  p2pWaitMs: number;
  webrtcAllowed: boolean;
  relayAllowed: boolean;
  strict: boolean;
}

export const DEFAULT_LIMITS: ChannelLimits = {
  chunkBytes: 61_440, // upstream's default; fits a Rust peer's 65,535-byte receive buffer with its path
  windowBytes: 4_194_304, // four times the data channel's default high watermark: the lane never waits for TCP
  creditBytes: 4_194_304, // matches the window, so that credit alone never stops a reader that keeps up
  reorderBytes: 33_554_432, // more than both ends' buffers of any lane, so a lane change never overflows it
  reorderFrames: 65_536, // 512-byte frames on average before the count binds before the bytes
  gapMs: 30_000, // upstream's own patience with a missing writer; a relay never delays one message this long
  fallbackGraceMs: 1500,
  p2pWaitMs: 10_000,
  webrtcAllowed: true,
  relayAllowed: true,
  strict: false,
};

/** Bytes received since the last acknowledgement that make the next one due at once. */
export const ACK_EVERY_BYTES = 524_288; // an eighth of the default window: the sender never runs dry, one small message per 8 large frames
/** A smaller number of bytes is acknowledged after this long, ms. */
export const ACK_DELAY_MS = 10;
