// Local IPC: frames of applications that no stream carries, and their fallback to files. wire.md 6.
export * from './counters.js';
export { Inbox, type InboxVerdict } from './inbox.js';
export { Outbox, type OutboxFrame } from './outbox.js';
export * from './preamble.js';
