// The constants both ends of a direct connection share. Channel worker.

/** AES-128 first: on processors with AES instructions the fastest, and as good as any here. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** How long a connection may take for its handshake, and again for its first bytes, ms. A few round trips of the slowest path. */
export const GREETING_WAIT_MS = 5000;
