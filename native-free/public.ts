// What other programs import as `hotlink/native-free`: the wire protocol, and the rules of paths, markers and permissions, as data in, data out. No Node,
// no I/O, no clock: runs in a browser. Every name here is documented in docs/api; the rooms of this repository import index.ts, which has more.

export type { GlobWork } from './acl/glob.js';
export { ACL_FILE_NAME, type AccessLevel, parseAclFile, type Rule, type Ruleset, type RulesetResult } from './acl/ruleset.js';
export { AclTree } from './acl/tree.js';
export { inboundKeys, outboundPath } from './channel-keys.js';
export { decodeEnvelope } from './envelope/decode.js';
export { encodeEnvelope } from './envelope/encode.js';
export { decodeEnvelopeText } from './envelope/json.js';
export type {
  AcceptMessage,
  AckMessage,
  AclManifestMessage,
  CloseMessage,
  DataMessage,
  Decoded,
  DecodeResult,
  EnvelopeFormat,
  EnvelopeVerdict,
  ErrorMessage,
  FileDeleteMessage,
  FileNotifyMessage,
  FileWriteMessage,
  HotlinkMessage,
  Message,
  NackMessage,
  OpenMessage,
  Refused,
  RejectMessage,
  SignalMessage,
  SystemMessage,
  UnknownMessage,
} from './envelope/types.js';
export { HotlinkError, type HotlinkErrorCode } from './errors.js';
export { MAX_ETAG_BYTES, MAX_PATH_BYTES, MAX_PAYLOAD_BYTES } from './hlnk/constants.js';
export { FrameDecoder } from './hlnk/decoder.js';
export { encodeFrame } from './hlnk/encode.js';
export { type FrameVerdict, FrameView } from './hlnk/view.js';
export { type DialTarget, type Marker, type MarkerResult, parseMarker } from './marker.js';
export { checkPath, isEmail, type PathVerdict, TCP_REQUEST_SUFFIX } from './path.js';
export {
  Negotiation,
  type NegotiationOptions,
  type NegotiationOutput,
  type NegotiationState,
  type SignalKind,
  type SignalVerdict,
} from './session/negotiation.js';
export {
  type CandidateToken,
  type DescriptionType,
  formatCandidate,
  formatDescription,
  parseCandidate,
  parseDescription,
} from './session/signal-token.js';
export type { NegotiationTunables } from './session/tunables.js';
