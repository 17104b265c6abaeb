// The first bytes on a direct connection, after both certificates: which attempt it belongs to, and which of several connections is kept.
//
//   dialler → listener   "HLD1" + the listener's token, 16 bytes
//   listener → dialler   "HLD1" + the dialler's token
//   opener → acceptor    "K": this connection is kept. Frames may follow at once, either way
//
// A token proves that whoever holds it saw the other side's signal; the certificate, whose hash came in the same signal, that it is the one
// who sent it. Both are checked before a byte of payload is taken or given. Channel worker.

import type { TLSSocket } from 'node:tls';

const MAGIC = 'HLD1';
export const GREETING_BYTES = 20;
export const KEEP = Buffer.from('K');

/** @param token 32 hex digits */
export function greeting(token: string): Buffer {
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), Buffer.from(token, 'hex')]);
}

/** @returns the token; undefined when these bytes are no greeting */
export function readGreeting(bytes: Buffer): string | undefined {
  return bytes.length === GREETING_BYTES && bytes.toString('latin1', 0, 4) === MAGIC ? bytes.toString('hex', 4) : undefined;
}

/** SHA-256 of the certificate the other end showed, 64 lowercase hex digits; undefined without one. */
export function peerFingerprint(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase();
}

/**
 * The next `bytes` bytes of a connection that nobody reads yet.
 * @returns undefined when it ended or stayed silent for `waitMs`; it is destroyed then
 */
export function readExactly(socket: TLSSocket, bytes: number, waitMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(undefined), waitMs);
    const look = (): void => {
      const got = socket.read(bytes) as Buffer | null;
      if (got !== null) finish(got.length === bytes ? got : undefined);
    };
    const gone = (): void => finish(undefined);
    const finish = (got: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.off('readable', look).off('close', gone);
      if (got === undefined) socket.destroy();
      resolve(got);
    };
    socket.on('readable', look).once('close', gone);
    look();
  });
}
