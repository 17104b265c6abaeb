// What a thread needs to show itself on direct connections, and the constants both ends of one share. Channel worker.

export interface DirectIdentity {
  /** PEM. */
  key: string;
  certificate: string;
  /** SHA-256 of the certificate, 64 lowercase hex digits. */
  fingerprint: string;
  /** Port for peers on other machines; threads beyond the first take the ones above. 0: the system's choice. */
  port: number;
}

/** AES-128 first: on processors with AES instructions the fastest, and as good as any here. */
export const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
/** How long a connection may take for its handshake, and again for its first bytes, ms. A few round trips of the slowest path. */
export const GREETING_WAIT_MS = 5000;
