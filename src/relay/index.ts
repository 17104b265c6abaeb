// What programs that run a relay import as `hotlink/relay`.
export type { Log } from '../options.js';
export { type AccessTokenOptions, accessTokens, mintAccessToken } from './access-token.js';
export { type Authenticate, claimedIdentity, type Identity } from './auth.js';
export type { HostServer } from './claim.js';
export type { ClusterOptions, ClusterStats } from './cluster/options.js';
export type { RelayCounters } from './counters.js';
export { type AttachOptions, attachRelay } from './embed.js';
export { DEFAULT_LIMITS, type RelayLimits } from './limits.js';
export type { RelayOptions, RelaySettings } from './options.js';
export type { EmbeddedRelay, RelayServer, RelayStats } from './running.js';
export { startRelay } from './server.js';
