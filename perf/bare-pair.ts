// Runs one transfer between two bare node-datachannel processes and says how fast it was.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mibPerSecond } from '../src/bench/burst-result.js';
import type { BarePeerArguments, FromPeer } from './bare-messages.js';

const entry = fileURLToPath(new URL('./bare-peer.js', import.meta.url));

export interface BarePairOptions {
  messageBytes: number;
  totalBytes: number;
  mtu: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * @returns MiB per second of payload, from the first send to the last byte counted
 * @throws Error when a process leaves early or the time is up (a channel hangs silently at an MTU above about 4160)
 */
export async function runBarePair(options: BarePairOptions): Promise<number> {
  const { messageBytes, totalBytes, mtu, signal } = options;
  const [sender, receiver] = (['sender', 'receiver'] as const).map((role) => {
    const args: BarePeerArguments = { role, messageBytes, totalBytes, mtu };
    return fork(entry, [JSON.stringify(args)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }) as [ChildProcess, ChildProcess];
  try {
    return await new Promise<number>((resolve, reject) => {
      let startedMs = 0;
      const listen = (from: ChildProcess, to: ChildProcess): void => {
        from.on('message', (message: FromPeer) => {
          if (message.kind === 'started') startedMs = message.atMs;
          else if (message.kind === 'received') resolve(mibPerSecond(message.bytes, (message.atMs - startedMs) / 1000));
          else if (to.connected) to.send(message);
        });
        from.on('exit', (code) => reject(new Error(`a bare peer left early with exit code ${code}`)));
        from.on('error', reject);
      };
      listen(sender, receiver);
      listen(receiver, sender);
      const timer = setTimeout(() => reject(new Error(`the bare pair was not done after ${options.timeoutMs} ms`)), options.timeoutMs);
      timer.unref();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  } finally {
    await Promise.all([sender, receiver].map(end));
  }
}

/** Killed, not asked: the measurement is over and the addon has nothing worth saving. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
