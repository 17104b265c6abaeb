// The session room's surface: opener, acceptor, early items, and the SDP and ICE exchange.
export * from './backoff.js';
export * from './candidate-filter.js';
export * from './direct-signal.js';
export * from './early.js';
export * from './inbound.js';
export * from './negotiation.js';
export * from './no-path.js';
export * from './outbound.js';
export * from './sdp.js';
export * from './signal-token.js';
export * from './stripe-signal.js';
export * from './tunables.js';
export * from './types.js';
