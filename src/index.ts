// What programs that embed hotlink import.
export { HotlinkError, type HotlinkErrorCode } from '../native-free/errors.js';
export type { ThreadRole } from '../native-free/thread-health.js';
export type { Clock } from './clock.js';
export type { PingOptions, PingResult } from './control/ping.js';
export type { ThreadProfile } from './control/profiling.js';
export { DIAGNOSTICS_CHANNELS, type DiagnosticsMessages } from './diagnostics.js';
export type { EventsOptions } from './event-reader.js';
export type { Client, HotlinkEvent, HotlinkEventFields, HotlinkEventName, HotlinkEvents } from './events.js';
export type { ConnectOptions, ForwardChannel, ForwardOptions, HotlinkStream, WebStreamPair } from './forward.js';
export { createHotlink, type Hotlink } from './hotlink.js';
export type { HotlinkOptions, HotlinkSettings, IdentityMode, Log, SealMode } from './options.js';
export type {
  AddressFilter,
  AddressUse,
  HotlinkPorts,
  IceServerList,
  IceServersFor,
  IceServersRequest,
  WorkerEntries,
} from './ports.js';
export type { Signaling, SignalingAddress, SignalingPort } from './signaling.js';
export type {
  ChannelCounters,
  ChannelStatus,
  IpcCounters,
  IpcStatus,
  LaneKind,
  LaneStatus,
  SessionStatus,
  Status,
  ThreadStatus,
} from './status.js';
