// What other programs import as `hotlink/native-free`: the wire protocol, and the rules of paths, markers and permissions, as data in, data out. No Node,
// no I/O, no clock: runs in a browser. Every name here is documented in docs/api, which a test keeps short; the rooms of this repository import index.ts.

import { FrameDecoder as Decoder } from './hlnk/decoder.js';
import { FrameView as View } from './hlnk/view.js';

export { parseAclFile, type Ruleset } from './acl/ruleset.js';
export { AclTree } from './acl/tree.js';
export { inboundKeys, outboundPath } from './channel-keys.js';
export { decodeEnvelope } from './envelope/decode.js';
export { encodeEnvelope } from './envelope/encode.js';
export { decodeEnvelopeText } from './envelope/json.js';
export { type DecodeResult, type HotlinkMessage, type Message, MessageType } from './envelope/types.js';
export { HotlinkError, type HotlinkErrorCode } from './errors.js';
export { encodeFrame } from './hlnk/encode.js';
export { type Marker, parseMarker } from './marker.js';
export { checkPath, isEmail } from './path.js';
export { formatCandidate, formatDescription, parseCandidate, parseDescription } from './session/signal-token.js';

/** One HLNK frame, read in place; a view may be used again. Fields have a meaning after `ok` and `trailing-bytes` only. */
export interface FrameView {
  /** Reads the one frame that a message is. */
  read(
    message: Uint8Array,
  ):
    | 'ok'
    | 'bad-magic'
    | 'bad-version'
    | 'path-too-long'
    | 'etag-too-long'
    | 'payload-too-long'
    | 'bad-seq'
    | 'truncated'
    | 'trailing-bytes';
  /** Sequence number, a safe integer. */
  readonly seq: number;
  /** The path as text. */
  path(): string;
  /** The etag as text. */
  etag(): string;
  /** The payload as a view into the message: it is as short-lived as that. */
  payload(): Uint8Array;
}
/** Makes a view, of no frame yet. */
export const FrameView: new () => FrameView = View;

/** Frames out of a stream of bytes that is cut anywhere: `push(chunk)`, then iterate until there are none. A frame is good until the next. */
export interface FrameDecoder extends Iterable<FrameView> {
  /** Gives the next bytes, which must stay unchanged until their frames have been taken. */
  push(chunk: Uint8Array): void;
  /** The next frame; undefined when more bytes are needed. */
  next(): FrameView | undefined;
  /** Bytes that were no part of any frame, so far. */
  readonly skippedBytes: number;
  /** Bytes kept back because they may be the beginning of a frame: at the end of a stream, one that was cut. */
  readonly unfinishedBytes: number;
}
/** Makes a decoder, of one stream. */
export const FrameDecoder: new () => FrameDecoder = Decoder;
