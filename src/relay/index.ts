// What programs that run a relay import as `hotlink/relay`.
export { mintAccessToken } from './auth.js';
export type { HostServer } from './claim.js';
export { type AttachOptions, attachRelay } from './embed.js';
export { DEFAULT_LIMITS, type RelayLimits, type RelayOptions, type RelaySettings } from './options.js';
export { type EmbeddedRelay, type RelayServer, type RelayStats, startRelay } from './server.js';
