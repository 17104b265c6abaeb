// The protocol core of a channel, free of sockets and clocks.
export { ChannelCore, type ChannelPorts, type SessionInfo, UPSTREAM_STREAM } from './core.js';
export { type ChannelLimits, DEFAULT_LIMITS, INITIAL_CREDIT_BYTES } from './limits.js';
export type { OutStream } from './out-stream.js';
export { SendWindow } from './send-window.js';
