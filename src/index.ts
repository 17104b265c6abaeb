// What programs that embed hotlink import. Small on purpose: docs/api is to be read in ten minutes, which a test holds it to. Shapes that arguments and
// results alone have stand in the signatures, without a name of their own; the rooms of this repository take names for them from the modules.
export { HotlinkError, type HotlinkErrorCode } from '../native-free/errors.js';
export type { DiagnosticsMessages } from './diagnostics.js';
export type { HotlinkEvent, HotlinkEventFields, HotlinkEvents } from './events.js';
export type { ForwardChannel, ForwardOptions, HotlinkStream } from './forward.js';
export { createHotlink, type Hotlink } from './hotlink.js';
export type { HotlinkOptions, IceServerList } from './options.js';
export type { Signaling, SignalingPort } from './signaling.js';
export type { ChannelStatus, LaneKind, SessionStatus, Status } from './status.js';
