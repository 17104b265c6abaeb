export { type AccessTokenOptions, accessTokens, mintAccessToken } from './access-token.js';
export { type Authenticate, claimedIdentity, type Identity } from './auth.js';
export { DEFAULT_LIMITS, type RelayLimits } from './limits.js';
export type { RelayOptions } from './options.js';
export { type RelayServer, type RelayStats, startRelay } from './server.js';
