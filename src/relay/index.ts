// What programs that run a relay import as `hotlink/relay`: as small as src/index.ts, and for the same reason.
export { accessTokens, mintAccessToken } from './access-token.js';
export type { Authenticate, Identity } from './auth.js';
export { type AttachOptions, attachRelay } from './embed.js';
export type { RelayLimits } from './limits.js';
export type { RelayOptions } from './options.js';
export type { EmbeddedRelay, RelayServer, RelayStats } from './running.js';
export { startRelay } from './server.js';
