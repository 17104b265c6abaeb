// The protocol as data in, data out: no addon, no I/O, no clock. For the rooms of this repository; other programs get what public.ts has, as
// `hotlink/native-free`.
export * from './acl/index.js';
export * from './channel/index.js';
export * from './channel-keys.js';
export * from './chunker.js';
export * from './counters.js';
export * from './envelope/index.js';
export * from './errors.js';
export * from './gate.js';
export * from './hlnk/index.js';
export * from './ipc/index.js';
export * from './lane.js';
export * from './lane-twin.js';
export * from './marker.js';
export * from './path.js';
export * from './reorder.js';
export * from './ring/index.js';
export * from './seal/index.js';
export * from './session/index.js';
export * from './stripes/index.js';
export * from './thread-health.js';
