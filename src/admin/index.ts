// The admin endpoint, the lock of the data directory, and how other commands find the daemon that has it. Main thread.
export { type AdminAddress, adminListen, readAddress } from './address.js';
export { AdminClient } from './client.js';
export { channelTroubles } from './dashboard/view/troubles.js';
export { type DashboardDoor, openDashboardDoor } from './dashboard-door.js';
export { DirectoryLock, type LockHolder, readHolder } from './directory-lock.js';
export { METRICS_CONTENT_TYPE, metricsMarkdown, metricsText } from './metrics.js';
export { livenessOf } from './process-identity.js';
export type { ChannelRates } from './rates.js';
export { type RegisteredDaemon, register, registered, unregister } from './registry.js';
export type { ChannelReport, DaemonReport } from './report.js';
export { type AdminServer, startAdmin } from './server.js';
