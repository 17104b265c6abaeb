export { mintAccessToken } from './auth.js';
export { DEFAULT_LIMITS, type RelayLimits, type RelayOptions } from './options.js';
export { type RelayServer, type RelayStats, startRelay } from './server.js';
