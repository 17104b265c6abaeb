// The constants two own peers must agree on, and the tunables of one channel. Protocol facts first, tunables second.

/** Bytes a stream may send before the first credit arrives. Part of the own-peer protocol: both ends assume it. */
export const INITIAL_CREDIT_BYTES = 1_048_576;
/** Largest frame between own peers. Every lane of theirs takes it, so a frame that was cut for one lane can be sent again on any other. */
export const OWN_FRAME_BYTES = 262_144;

/** Tunables of one channel's core. */
export interface ChannelLimits {
  /** Largest payload of one frame, bytes (4096…1048576). Between own peers {@link OWN_FRAME_BYTES} counts too. */
  chunkBytes: number;
  /** The same toward an own peer, whose lanes take more. */
  ownChunkBytes: number;
  /** Send window of one stream, bytes: memory per stream that carries bytes, on the sender. */
  windowBytes: number;
  /** Where the window of a stream, and the credit, stop growing on a path that is long enough to need it, bytes. */
  farWindowBytes: number;
  /** Credit of a new stream, bytes. {@link INITIAL_CREDIT_BYTES}, since both ends must say the same; smaller only in a simulation. */
  creditFloorBytes: number;
  /** Where the credit of one stream stops growing, bytes beyond what its application has taken: memory per stream on the receiver. */
  creditBytes: number;
  /** Bytes held while a hole in the sequence is open. Own peers send again what did not fit; upstream's channel fails loudly. */
  reorderBytes: number;
  /** How many frames of them. */
  reorderFrames: number;
  /** How long a hole may stay open, or sent frames unacknowledged, while the peer is heard, ms. */
  gapMs: number;
  /** How long a new session waits for WebRTC before the relay carries it, ms (upstream: 1500). */
  fallbackGraceMs: number;
  /** How long a p2p-only or strict channel waits for a lane or an Accept before it is an error, ms (upstream: 10 s). */
  p2pWaitMs: number;
  /** Silence of an own peer after which it is asked at the latest whether it is there, while a stream is open, ms. */
  keepAliveMs: number;
  /** Within this long a killed own peer's streams are reset, ms: its last message, {@link lossAfterMs} of silence, and the reset itself. */
  peerLossMs: number;
  /** How long open streams survive without any lane, ms. */
  resumeMs: number;
  /** Whether the direct lane may carry; between own peers only. */
  directAllowed: boolean;
  /** Whether a data channel may carry. */
  webrtcAllowed: boolean;
  /** Whether the relay may. */
  relayAllowed: boolean;
  /** Whatever would need a fallback is an error. */
  strict: boolean;
}

/** What a channel goes by where nothing else is given. */
export const DEFAULT_LIMITS: ChannelLimits = {
  ownChunkBytes: 245_760, // the per-frame cost is paid a quarter as often; with its head below the smallest lane between own peers
  chunkBytes: 61_440, // upstream's default; fits a Rust peer's 65,535-byte receive buffer with its path
  windowBytes: 4_194_304, // four times the data channel's default high watermark: the lane never waits for TCP
  farWindowBytes: 33_554_432, // 1 Gbit/s for a quarter of a second: as long as a loss waits for the repair of its repair (with half of it, 0.1 % lost cost a third)
  creditFloorBytes: INITIAL_CREDIT_BYTES,
  creditBytes: 4_194_304, // matches the window, so that credit alone never stops a reader that keeps up
  reorderBytes: 33_554_432, // more than both ends' buffers of any lane, so a lane change never overflows it
  reorderFrames: 65_536, // 512-byte frames on average before the count binds before the bytes
  gapMs: 30_000, // upstream's own patience with a missing writer; a relay never delays one message this long
  fallbackGraceMs: 1500,
  p2pWaitMs: 10_000,
  keepAliveMs: 3000, // three chances before peerLossMs, and one small message each way per open channel
  peerLossMs: 10_000, // an application's own patience is seldom shorter, and a busy machine stalls for less
  resumeMs: 60_000, // a relay restart or a laptop between two networks; openers ask again every 15 s at the latest, so four tries fit
  directAllowed: false, // needs a certificate, which only the data plane has
  webrtcAllowed: true,
  relayAllowed: true,
  strict: false,
};

/** Bytes received since the last acknowledgement that make the next one due at once. */
export const ACK_EVERY_BYTES = 524_288; // an eighth of the default window: the sender never runs dry, one small message per 8 large frames
/** The same in frames: the heads of many small ones fill a window, too. */
export const ACK_EVERY_FRAMES = 2048;
/** A smaller window asks for room when it is full, bytes: it may be, heads and landing places included, before the peer owes an acknowledgement. */
export const ASKING_WINDOW_BYTES = 4 * ACK_EVERY_BYTES;
/**
 * Fewer are acknowledged after this long, ms. What waits for it is the sender's memory, and nothing else: who leaves or has no room asks. Each
 * acknowledgement is in the way of small rounds: with 250 instead of 40 the median was 2 % lower and the slowest hundredth 4 to 20 %; with 1000 a few percent
 * more, but a round trip of more than {@link PING_FIRST_MS} less this costs a ping each time something is sent after a pause.
 */
export const ACK_DELAY_MS = 250;
/** A sender that repeats itself is told after this long how far we are, ms: repeats come in runs. Also how long a lane is let be that has no room for it. */
export const ACK_AGAIN_MS = 40;
/** A hole this old is reported, ms: longer than lanes differ in delay, short against a person's patience. */
export const HOLE_REPORT_MS = 200;
/** A hole that shows when the one before it closes is reported after this long, ms, if it is old enough: a burst is over by then. */
export const NEXT_HOLE_MS = 20;
/** Reports of the same hole space out up to this, ms: one lost repair costs no more than a ping does. */
export const HOLE_REPORT_MAX_MS = 1600;
/** A sender without progress asks the peer where it stands after this long, ms; the time doubles with each answer that brings none… */
export const PING_FIRST_MS = 1000;
/** …up to this. */
export const PING_MAX_MS = 3000;
/**
 * Kept of peerLossMs, ms, for what a peer's kernel and the relay still deliver after it was killed (some 4 MiB: well below 100 ms), for
 * timers on a busy machine and for the reset's own way.
 */
export const LOSS_MARGIN_MS = 500;
/** Silence after which an own peer is lost, ms. */
export const lossAfterMs = ({ peerLossMs }: Pick<ChannelLimits, 'peerLossMs'>): number => peerLossMs - LOSS_MARGIN_MS;
/** A lane that stays silent for this long after a ping is passed over while another one is up, ms: ICE itself takes 30 s to see it. */
export const SUSPECT_MS = 2000;
/**
 * A lane on which pings are not answered and no frame gets through is passed over after this long although the peer is heard on it, ms: it may be dead one
 * way. Long enough for one frame behind a full buffer on a path of 200 kbit/s, and short against the {@link ChannelLimits.gapMs} that the streams have.
 */
export const DEAF_MS = 10_000;
