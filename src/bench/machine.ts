// Fingerprint of the machine a figure was measured on: without it a figure means nothing.
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

export interface Machine {
  cores: number;
  model: string;
  node: string;
  platform: string;
  memoryMib: number;
}

export function machine(): Machine {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.versions.node,
    platform: `${platform()} ${release()} ${arch()}`,
    memoryMib: Math.round(totalmem() / 1024 / 1024),
  };
}
