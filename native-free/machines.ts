// What other programs import as `hotlink/native-free/machines`: the state machines by which a program on a platform of its own, such as a page, is a
// whole peer: sessions, the key exchange, and the channel's core with streams, acknowledgements, credit and the choice of lanes. Whoever only
// reads and writes messages needs `hotlink/native-free` alone. No Node, no I/O, no clock: native-free/README.md says how a machine is driven.

export type { InFlowPorts } from './channel/in-flow.js';
export {
  type ChannelConfig,
  ChannelCore,
  type ChannelLimits,
  type ChannelPorts,
  DEFAULT_LIMITS,
  type OutStream,
  type SessionInfo,
} from './channel/index.js';
export { COUNTER_NAMES, type CounterName } from './counters.js';
export { encodeDataEnvelope, FRAME_SIGNAL } from './envelope/data.js';
export { type Fingerprint, fingerprint, ownId, ownIdStem } from './envelope/ids.js';
export { type AcceptMessage, type CloseMessage, MessageType, type OpenMessage } from './envelope/types.js';
export type { HotlinkErrorCode } from './errors.js';
export type { Lane, LaneKind, PeerLaneKind, SendVerdict } from './lane.js';
export type { ByteMemory } from './memory.js';
export {
  KEY_SIGNAL,
  type KeyCrypto,
  KeyExchange,
  type KeyExchangeOptions,
  type KeyExchangeOutput,
  type KeySignalVerdict,
  type SealKeys,
  type SealRole,
} from './seal/index.js';
export {
  type InboundOptions,
  type InboundOutput,
  type InboundSession,
  InboundSessions,
  type OpenVerdict,
  type RefusedReason,
} from './session/inbound.js';
export {
  type AcceptVerdict,
  type EndVerdict,
  type OutboundOptions,
  type OutboundOutput,
  OutboundSession,
  type OutboundState,
} from './session/outbound.js';
export { iceUfrag } from './session/sdp.js';
export type { InboundTunables, OutboundTunables } from './session/tunables.js';
export type { ChannelLookup, PeerKind, SendOutput, SessionMessage } from './session/types.js';
