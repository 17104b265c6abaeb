// What programs that embed hotlink import.
export { HotlinkError, type HotlinkErrorCode } from '../native-free/errors.js';
export type { PingOptions, PingResult } from './control/ping.js';
export type { ThreadProfile } from './control/profiling.js';
export type { ConnectOptions, ForwardChannel, ForwardOptions } from './forward.js';
export { createHotlink, type Hotlink } from './hotlink.js';
export type { HotlinkOptions, IdentityMode, Log, SealMode } from './options.js';
export type { ChannelCounters, ChannelStatus, LaneKind, LaneStatus, SessionStatus, Status, ThreadStatus } from './status.js';
