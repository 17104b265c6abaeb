// Which process is meant: a pid alone is given away again once its process is gone, and means nothing on another machine or in another
// container. Linux says more, by /proc; elsewhere the pid has to do. Main thread.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Names one process for as long as the machine runs. */
export interface ProcessIdentity {
  pid: number;
  /** When it was started, in the kernel's ticks since boot; tells it from a later process of the same pid. Linux only. */
  startTicks?: number;
  /** Where the pid means something: boot and pid namespace. Empty where the system does not say. */
  scope: string;
  host: string;
}

export function ownIdentity(): ProcessIdentity {
  const startTicks = startTicksOf(process.pid);
  return { pid: process.pid, ...(startTicks === undefined ? {} : { startTicks }), scope: scopeOfPids(), host: hostname() };
}

/**
 * - `alive`, `gone`: known for certain
 * - `perhaps`: a process has the pid, and the system does not say whether it is the one
 * - `elsewhere`: the pid belongs to another machine, container or boot; nothing can be said from here
 */
export type Liveness = 'alive' | 'gone' | 'perhaps' | 'elsewhere';

export function livenessOf(identity: ProcessIdentity): Liveness {
  if (identity.scope !== scopeOfPids() || (identity.scope === '' && identity.host !== hostname())) return 'elsewhere';
  if (!pidTaken(identity.pid)) return 'gone';
  if (identity.startTicks === undefined) return 'perhaps';
  return startTicksOf(identity.pid) === identity.startTicks ? 'alive' : 'gone';
}

function pidTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/PID/stat. The second field, the program's name, may hold blanks and parentheses. */
function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Number.isSafeInteger(ticks) ? ticks : undefined;
  } catch {
    return undefined;
  }
}

function scopeOfPids(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}
