// What a process costs, as the kernel counts it: processor time, memory, threads. Linux; elsewhere nothing is known.
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel's clock tick as programs see it: 100 a second on every Linux there is. */
const TICK_MS = 10;

export interface ProcessUsage {
  cpuMs: number;
  rssBytes: number;
  threads: number;
}

/** @returns undefined when the process is gone, or there is no /proc */
export function usageOf(pid: number): ProcessUsage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    return { cpuMs: cpuMsOf(`/proc/${pid}/stat`), rssBytes: field('VmRSS') * 1024, threads: field('Threads') };
  } catch {
    return undefined;
  }
}

/** Processor time of each thread by the kernel's number of it, ms. */
export function threadCpuMs(pid: number): Map<number, number> {
  const times = new Map<number, number>();
  try {
    for (const tid of readdirSync(`/proc/${pid}/task`)) times.set(Number(tid), cpuMsOf(`/proc/${pid}/task/${tid}/stat`));
  } catch {
    // gone, or a thread of it is
  }
  return times;
}

/** Sum over processes; those that are gone count nothing. */
export function usageOfAll(pids: readonly number[]): ProcessUsage {
  const sum: ProcessUsage = { cpuMs: 0, rssBytes: 0, threads: 0 };
  for (const pid of pids) {
    const usage = usageOf(pid);
    if (usage === undefined) continue;
    sum.cpuMs += usage.cpuMs;
    sum.rssBytes += usage.rssBytes;
    sum.threads += usage.threads;
  }
  return sum;
}

function cpuMsOf(path: string): number {
  const text = readFileSync(path, 'utf8');
  // Behind the program's name, which may hold anything: fields 14 and 15 of the whole line.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
