// The burst's own applications on a plain TCP connection: their ceiling. A tunnel can never be measured faster than this.
import { startReceiver, startSender } from '../src/bench/application.js';
import { mibPerSecond } from '../src/bench/burst-result.js';

export interface PlainTcpOptions {
  frameCount: number;
  frameBytes: number;
  sha256: boolean;
  timeoutMs: number;
}

/** @returns MiB per second of payload. @throws Error when a byte was wrong or missing */
export async function runPlainTcp(options: PlainTcpOptions): Promise<number> {
  const shape = { ...options, link: 'plain tcp' };
  const receiver = startReceiver({ ...shape, address: '127.0.0.1:0', listen: true });
  const sender = startSender({ ...shape, address: `127.0.0.1:${await receiver.ready}` });
  const [sent, received] = await Promise.all([sender.report, receiver.report]);
  if (!sent.ok || !received.ok) throw new Error(`plain TCP: ${sent.error ?? received.error}`);
  return mibPerSecond(received.bytes, (received.verifiedMs - sent.startedMs) / 1000);
}
