// What each thread of a process costs, as the kernel counts it: its own work and the system calls it makes. Linux; elsewhere nothing is known.
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel's clock tick as programs see it: 100 a second on every Linux there is. */
const TICK_MS = 10;

/** Role of the threads that Node and V8 keep for themselves. */
export const NODE_HELPERS = "Node's helpers: garbage collection, compiling, files";
/** They are called after the program, or by newer versions after what they do. */
const NODES_OWN = /^(node|V8Worker|libuv|Delayed|Signal)/;

export interface ThreadUsage {
  /** As the kernel knows it: native threads name themselves, Node's are called after the program. */
  name: string;
  userMs: number;
  systemMs: number;
}

/** By the kernel's number of each thread that lives now. */
export function threadUsage(pid: number): Map<number, ThreadUsage> {
  const threads = new Map<number, ThreadUsage>();
  for (const tid of threadsOf(pid)) {
    const stat = statOf(`/proc/${pid}/task/${tid}/stat`);
    if (stat !== undefined) threads.set(tid, stat);
  }
  return threads;
}

/** What each thread did since; one that came meanwhile did all of it. */
export function since(before: ReadonlyMap<number, ThreadUsage>, after: ReadonlyMap<number, ThreadUsage>): Map<number, ThreadUsage> {
  return new Map(
    [...after].map(([tid, { name, userMs, systemMs }]) => {
      const then = before.get(tid);
      return [tid, { name, userMs: userMs - (then?.userMs ?? 0), systemMs: systemMs - (then?.systemMs ?? 0) }];
    }),
  );
}

/** Threads of one role together; those without one by the name the kernel has for them. Who did nothing is left out. */
export function byRole(threads: ReadonlyMap<number, ThreadUsage>, roles: ReadonlyMap<number, string>): Map<string, ThreadUsage> {
  const sums = new Map<string, ThreadUsage>();
  for (const [tid, usage] of threads) {
    const name = roles.get(tid) ?? (NODES_OWN.test(usage.name) ? NODE_HELPERS : `native, "${usage.name}"`);
    const { userMs, systemMs } = sums.get(name) ?? { userMs: 0, systemMs: 0 };
    if (cpuMs(usage) > 0) sums.set(name, { name, userMs: userMs + usage.userMs, systemMs: systemMs + usage.systemMs });
  }
  return sums;
}

/** In all, ms; nothing for a thread that is not there. */
export function cpuMs(usage: ThreadUsage | undefined): number {
  return usage === undefined ? 0 : usage.userMs + usage.systemMs;
}

/** Processor time of a line of /proc/…/stat; the name, in brackets, may hold anything. */
export function parseStat(line: string): ThreadUsage {
  const end = line.lastIndexOf(')');
  // Fields 14 and 15 of the whole line, of which two are in front of the bracket's end.
  const fields = line.slice(end + 2).split(' ');
  return { name: line.slice(line.indexOf('(') + 1, end), userMs: Number(fields[11]) * TICK_MS, systemMs: Number(fields[12]) * TICK_MS };
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function statOf(path: string): ThreadUsage | undefined {
  try {
    return parseStat(readFileSync(path, 'utf8'));
  } catch {
    // It is gone.
    return undefined;
  }
}
