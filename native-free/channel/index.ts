// The protocol core of a channel, free of sockets and clocks.
export type { SessionInfo } from './carriers.js';
export { ChannelCore } from './core.js';
export { UPSTREAM_STREAM } from './in-flow.js';
export { type ChannelLimits, DEFAULT_LIMITS, INITIAL_CREDIT_BYTES, OWN_FRAME_BYTES } from './limits.js';
export type { OutStream } from './out-stream.js';
export type { ChannelConfig, ChannelPorts } from './ports.js';
export { SendWindow } from './send-window.js';
export { SteadyWatch } from './steady.js';
