// How the kernel schedules the threads of the WebRTC stack. A packet wakes two of them at each end, and a woken thread may interrupt the one that runs: with
// all processors busy the receiver's threads took turns for every single packet, and a fifth of the time was the taking of turns. As SCHED_BATCH a
// woken thread waits until the running one has nothing left to do, and finds several packets: a fifth more bytes, and small rounds are a fifth quicker
// (perf/README.md, "Threads that interrupt each other"). Neither do they interrupt other programs' threads then, for which they would have to wait too long
// where those take all processors: as long as they do, the threads are scheduled as usual. sched(7). Linux, by koffi. Channel worker thread.

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { cFunction } from './c-library.js';

const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
/** musl's own function of this name does nothing. */
const SYS_SCHED_SETSCHEDULER: Partial<Record<NodeJS.Architecture, number>> = { x64: 144, arm64: 119 };
/** What the stack calls the threads that packets wake. */
const NAMES: readonly string[] = ['RTC worker', 'juice poll'];
/** Fields of a thread's stat behind its name, which is the second and may hold anything: user time, system time, policy. proc(5) */
const [UTIME, STIME, POLICY] = [11, 12, 38];

/** Less than this of all processors' time was idle, … */
const HARDLY_IDLE = 0.05;
/** … and less than this of it was the stack's: others have the processors. At full rate between two ends on two cores it is 0.25 and more. */
const SMALL_PART = 0.15;
/** A look that says something else has to be followed by another. */
const LOOKS = 2;
/** So many looks in a row are quick ones at most: what a container shows of its machine's idle time may be its own (lxcfs). */
const QUICK_LOOKS = 9;
/** Hundreds of connections may come up at once: names are read again after so long, ms, or at the next look. */
const SCAN_MS = 100;

/** Whether other programs leave no processor free. */
export class Crowd {
  #here = false;
  #contrary = 0;

  get here(): boolean {
    return this.#here;
  }

  /** Nothing points to one. */
  get isFar(): boolean {
    return !this.#here && this.#contrary === 0;
  }

  /** @param idle of all processors' time since the last look, 0…1; `own` the stack's part of it */
  look(idle: number, own: number): void {
    const seen = idle < HARDLY_IDLE && own < SMALL_PART;
    this.#contrary = seen === this.#here ? 0 : this.#contrary + 1;
    if (this.#contrary < LOOKS) return;
    this.#here = seen;
    this.#contrary = 0;
  }
}

/** Since the machine began, s: of the clock, and of all processors without work, those that wait for a disk not among them. proc_uptime(5) */
interface Uptime {
  up: number;
  idle: number;
}

/** @returns whether the thread is scheduled so now */
export type SetPolicy = (thread: number, policy: number) => boolean;

/**
 * Of the whole process, whichever of its channel threads a stack belongs to: all that look see the same threads and come to the same. Threads of a process that
 * somebody else gave a policy keep it.
 */
export class StackThreads {
  readonly #setPolicy: SetPolicy;
  readonly #proc: string;
  readonly #crowd = new Crowd();
  /** Processor time of each of the stack's threads at the last look, ticks. */
  readonly #stack = new Map<string, number>();
  /** Those whose policy is ours to set. */
  readonly #ours = new Set<string>();
  #before: Ticks | undefined;
  #uptime: Uptime | undefined;
  /** Its descriptor; closed with the thread, or the process. */
  #uptimeFile: number | undefined;
  readonly #line = Buffer.alloc(64);
  #quickLooks = 0;
  #scannedMs = Number.NEGATIVE_INFINITY;
  /** A connection has come since names were read, or so shortly before that its threads may not have had theirs. */
  #unread = false;
  #began = false;

  /** @param proc where the kernel shows processes */
  constructor(setPolicy: SetPolicy, proc = '/proc') {
    this.#setPolicy = setPolicy;
    this.#proc = proc;
  }

  /** A connection of this thread is up, and what it needs of threads is there. */
  arrived(nowMs = performance.now()): void {
    this.#began = true;
    if (nowMs - this.#scannedMs >= SCAN_MS) {
      this.#scannedMs = nowMs;
      attempt(() => {
        this.#take(basename(readlinkSync(`${this.#proc}/thread-self`)));
        this.#scan();
      });
    }
    this.#unread = true;
  }

  /** To be called once a second or so. */
  look(): void {
    if (this.#began) attempt(() => this.#look());
  }

  #look(): void {
    if (this.#quickLooks < QUICK_LOOKS && this.#crowd.isFar && this.#mostlyIdle()) {
      this.#quickLooks += 1;
      if (this.#unread) this.#scan();
      return;
    }
    this.#quickLooks = 0;
    this.#scan();
    const ownTicks = this.#ownTicks();
    const now = processorTicks(readFileSync(`${this.#proc}/stat`, 'latin1'));
    const before = this.#before;
    this.#before = now;
    if (before === undefined || now.total <= before.total) return;
    const total = now.total - before.total;
    const was = this.#crowd.here;
    this.#crowd.look((now.idle - before.idle) / total, ownTicks / total);
    if (this.#crowd.here === was) return;
    for (const thread of this.#ours) this.#setPolicy(Number(thread), was ? SCHED_BATCH : SCHED_OTHER);
  }

  /**
   * One short file that stays open, instead of a long one and one per thread: what is asked each second beside small rounds has to be cheap (80 µs, where
   * the others take 700). @returns false where nothing says so
   */
  #mostlyIdle(): boolean {
    const before = this.#uptime;
    this.#uptime = this.#readUptime();
    if (this.#uptime === undefined || before === undefined || this.#before === undefined) return false;
    const seconds = this.#uptime.up - before.up;
    return seconds > 0 && this.#uptime.idle - before.idle >= HARDLY_IDLE * this.#before.processors * seconds;
  }

  #readUptime(): Uptime | undefined {
    try {
      this.#uptimeFile ??= openSync(`${this.#proc}/uptime`, 'r');
      const length = readSync(this.#uptimeFile, this.#line, 0, this.#line.length, 0);
      const [up, idle] = this.#line.toString('latin1', 0, length).split(' ').map(Number);
      return up === undefined || idle === undefined ? undefined : { up, idle };
    } catch {
      // What serves it in a container may have been started anew.
      const file = this.#uptimeFile;
      this.#uptimeFile = undefined;
      if (file !== undefined) closeSync(file);
      return undefined;
    }
  }

  /** Forgets those that ended. A thread has its creator's name at first: those that are not known are asked each time. */
  #scan(): void {
    this.#unread = false;
    const threads = readdirSync(`${this.#proc}/self/task`);
    for (const thread of this.#stack.keys()) {
      if (threads.includes(thread)) continue;
      this.#stack.delete(thread);
      this.#ours.delete(thread);
    }
    for (const thread of threads) {
      if (this.#stack.has(thread) || !NAMES.includes(this.#read(thread, 'comm').trim())) continue;
      this.#stack.set(thread, ticksOf(this.#stat(thread)));
      this.#take(thread);
    }
  }

  #take(thread: string): void {
    if (this.#ours.has(thread)) return;
    const policy = Number(this.#stat(thread)[POLICY]);
    // What one of ours begins has its policy from it.
    const inherited = policy === SCHED_BATCH && this.#ours.size > 0;
    if (policy !== SCHED_OTHER && !inherited) return;
    if (this.#crowd.here || this.#setPolicy(Number(thread), SCHED_BATCH)) this.#ours.add(thread);
  }

  /** Since the last look. */
  #ownTicks(): number {
    let ticks = 0;
    for (const [thread, before] of this.#stack) {
      const stat = this.#stat(thread);
      if (stat.length === 0) continue;
      const now = ticksOf(stat);
      ticks += now - before;
      this.#stack.set(thread, now);
    }
    return ticks;
  }

  /** The fields behind the name; none of a thread that is gone. */
  #stat(thread: string): string[] {
    const stat = this.#read(thread, 'stat');
    return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  }

  #read(thread: string, file: string): string {
    try {
      return readFileSync(`${this.#proc}/self/task/${thread}/${file}`, 'latin1');
    } catch {
      return '';
    }
  }
}

let made: { threads: StackThreads | undefined } | undefined;

/** @returns undefined where there is no such call: not Linux, or koffi is not installed */
export function stackThreads(): StackThreads | undefined {
  made ??= { threads: bind() };
  return made.threads;
}

function bind(): StackThreads | undefined {
  const number = SYS_SCHED_SETSCHEDULER[process.arch];
  const call = number === undefined ? undefined : cFunction('long syscall(long number, int thread, int policy, const void *priority)');
  if (call === undefined) return undefined;
  const priority = Buffer.alloc(4);
  return new StackThreads((thread, policy) => call(number, thread, policy, priority) === 0);
}

function ticksOf(stat: readonly string[]): number {
  return Number(stat[UTIME] ?? 0) + Number(stat[STIME] ?? 0);
}

/** Of all processors since the machine began, and how many there are. proc(5) */
interface Ticks {
  total: number;
  idle: number;
  processors: number;
}

function processorTicks(stat: string): Ticks {
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0, stolen = 0] = stat
    .slice('cpu'.length)
    .trimStart()
    .split(/\s/, 8)
    .map(Number);
  const total = user + nice + system + idle + waiting + irq + softIrq + stolen;
  return { total, idle: idle + waiting, processors: stat.match(/^cpu\d/gm)?.length ?? 0 };
}

/** Where /proc is not there, or there is no file descriptor left for it, everything stays as it is. */
function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // threads are scheduled as usual
  }
}
