// HLNK frames: the one unit that every lane and every local stream carries. wire.md §3.
export {
  HEADER_BYTES,
  HLNK_VERSION,
  MAGIC_0,
  MAGIC_1,
  MAGIC_2,
  MAGIC_3,
  MAGIC_BYTES,
  MAX_ETAG_BYTES,
  MAX_PATH_BYTES,
  MAX_PAYLOAD_BYTES,
} from './constants.js';
export { FrameDecoder } from './decoder.js';
export { encodeFrame, framePayloadBytes, headRoomBytes, writeFrameHead, writeFrameSeq } from './encode.js';
export { type FrameVerdict, FrameView } from './view.js';
