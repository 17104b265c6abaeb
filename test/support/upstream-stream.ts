// A byte stream toward or from an upstream peer: those have no word for the end of a stream, so the receiver counts, and compares digests.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';

export interface CountedTransfer {
  sent: string;
  received: string;
  receivedBytes: number;
}

/** What is sent: random bytes, or one letter over and over, which is what content dedupe falls for. */
export type Content = 'random' | 'one letter';

/**
 * Sends `bytes` from one socket and waits until as many arrived at the other; neither is ended.
 * @param mayClose the sender's connection may be closed once everything was written
 */
export async function sendCounted(
  from: Socket,
  to: Socket,
  bytes: number,
  content: Content = 'random',
  mayClose = false,
): Promise<CountedTransfer> {
  const sent = createHash('sha256');
  const received = createHash('sha256');
  let receivedBytes = 0;
  let enough: () => void = () => {};
  let cut: (error: Error) => void = () => {};
  const done = new Promise<void>((resolve, reject) => {
    enough = resolve;
    cut = reject;
  });
  const take = (data: Buffer): void => {
    receivedBytes += data.length;
    received.update(data);
    if (receivedBytes >= bytes) enough();
  };
  const lost = (): void => cut(new Error(`a connection was closed after ${receivedBytes} of ${bytes} bytes`));
  to.on('data', take);
  if (!mayClose) from.once('close', lost);
  to.once('close', lost);
  done.catch(() => {});
  const block = content === 'random' ? randomBytes(Math.min(bytes, 1_048_576)) : Buffer.alloc(Math.min(bytes, 1_048_576), 'A');
  for (let left = bytes; left > 0; left -= Math.min(left, block.length)) {
    const piece = block.subarray(0, Math.min(left, block.length));
    sent.update(piece);
    if (!from.write(piece)) await Promise.race([once(from, 'drain'), done]);
  }
  await done;
  to.off('data', take);
  from.off('close', lost);
  to.off('close', lost);
  return { sent: sent.digest('hex'), received: received.digest('hex'), receivedBytes };
}
