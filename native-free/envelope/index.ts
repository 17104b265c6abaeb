// The relay's event protocol: typed messages, both encodings, every dialect. wire.md §1, §2.
export { type DataPeek, encodeDataEnvelope, FRAME_SIGNAL, peekData } from './data.js';
export { decodeEnvelope } from './decode.js';
export { encodeEnvelope } from './encode.js';
export { type Fingerprint, fingerprint, OWN_ID_PREFIX, ownId, ownIdStem, PLAIN_ID_PREFIX } from './ids.js';
export { decodeEnvelopeText } from './json.js';
export * from './types.js';
