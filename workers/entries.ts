// Where the worker threads begin. The only place that knows the files' names, so that a bundler or a test has one line to change.

/** A Piscina task that runs one channel until it is told to stop. */
export const CHANNEL_ENTRY = new URL('./channel/entry.js', import.meta.url);
/** A plain worker thread that owns the WebSocket to the relay. */
export const RELAY_ENTRY = new URL('./relay/entry.js', import.meta.url);
/** A program that tries the WebRTC addon and says how it went. */
export const ADDON_CHECK_ENTRY = new URL('./addon-check.js', import.meta.url);
