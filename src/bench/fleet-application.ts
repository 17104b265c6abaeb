// The application with many streams, as a process.
import { type AppProcess, type CommandWrapper, startApp } from './app-process.js';
import type { FleetReport } from './fleet.js';
import type { StreamShape } from './frame-source.js';

export interface FleetApplicationOptions extends StreamShape {
  role: 'send' | 'receive';
  host: string;
  /** Ports to dial; with `listen`, the one to listen on. */
  ports: readonly number[];
  listen?: boolean;
  streams: number;
  /** Connections stay open and silent until `child.endInput()`. */
  hold?: boolean;
  timeoutMs: number;
  wrap?: CommandWrapper;
}

export function startFleet(options: FleetApplicationOptions): AppProcess<FleetReport> {
  const { role, host, ports, listen, streams, hold, link, frameCount, frameBytes, timeoutMs, wrap } = options;
  const args = ['--role', role, '--host', host, '--ports', ports.join(','), '--streams', String(streams), '--link', link];
  args.push('--count', String(frameCount), '--size', String(frameBytes), '--timeout-ms', String(timeoutMs));
  if (listen) args.push('--listen');
  if (hold) args.push('--hold');
  return startApp({
    name: `fleet that ${role}s`,
    entry: './app-fleet.js',
    args,
    report: 'fleet',
    ...(listen === undefined ? {} : { listen }),
    ...(wrap === undefined ? {} : { wrap }),
  });
}
