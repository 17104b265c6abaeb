// The admin endpoint, the lock of the data directory, and how other commands find the daemon that has it. Main thread.
export { type AdminAddress, adminListen, readAddress } from './address.js';
export { AdminClient } from './client.js';
export { channelTroubles } from './dashboard/view/troubles.js';
export { type DashboardDoor, openDashboardDoor } from './dashboard-door.js';
export { DirectoryLock, type LockHolder, readHolder } from './directory-lock.js';
export type { AdminServer } from './endpoint.js';
export { METRICS_CONTENT_TYPE, metricsMarkdown, metricsText } from './metrics.js';
export { livenessOf } from './process-identity.js';
export type { ChannelRates } from './rates.js';
export { type RegisteredDaemon, register, registered, unregister } from './registry.js';
export { startRelayAdmin } from './relay-admin.js';
export { relayMetrics } from './relay-metrics.js';
export type { RelayReport } from './relay-report.js';
export type { ChannelReport, DaemonReport } from './report.js';
export { startAdmin } from './server.js';
