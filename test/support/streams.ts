// Bytes through streams of the program: random ones in pieces of changing size, and their digest at either end.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';

export interface Digest {
  bytes: number;
  sha256: string;
}

/** Reads to the end. */
export function digestOf(stream: Duplex): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  stream.on('data', (data: Buffer) => {
    bytes += data.length;
    hash.update(data);
  });
  return once(stream, 'end').then(() => ({ bytes, sha256: hash.digest('hex') }));
}

/** Writes random bytes in pieces of changing size, and ends. */
export async function write(stream: Duplex, bytes: number): Promise<Digest> {
  const hash = createHash('sha256');
  const block = randomBytes(700_000);
  let sent = 0;
  for (let i = 0; sent < bytes; i += 1) {
    const piece = block.subarray(0, Math.min(1 + ((i * 104_729) % block.length), bytes - sent));
    hash.update(piece);
    sent += piece.length;
    if (!stream.write(piece)) await once(stream, 'drain');
  }
  stream.end();
  return { bytes: sent, sha256: hash.digest('hex') };
}
