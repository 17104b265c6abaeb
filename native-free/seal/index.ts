// End-to-end encryption of the relay lane as data: tokens, what is signed, the exchange, the sealed frame. The cryptography itself is Node's.
export * from './fields.js';
export * from './key-exchange.js';
export * from './key-token.js';
export * from './replay-window.js';
export * from './sealed-frame.js';
export * from './transcript.js';
