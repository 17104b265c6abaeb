// Configuration: one table, one resolver, one generator of its documentation. Main thread, command line only.
export { settingsMarkdown } from './docs.js';
export { configJsonSchema } from './file.js';
export { RELAY_CONFIG_ENV, type RelayValues, relayOptionsOf, relaySettings, resolveRelaySettings } from './relay-table.js';
export { type Origin, type Resolved, type ResolvedRows, requireIdentity, resolveSettings, type Sources } from './resolve.js';
export type { Row, Setting } from './setting.js';
export { settings } from './table.js';
export type { ChannelConfig, ValueKey, Values } from './values.js';
