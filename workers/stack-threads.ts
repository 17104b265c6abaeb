// How the kernel schedules the threads of the WebRTC stack. A packet wakes two of them at each end, and a woken thread may interrupt the one that runs: with
// all processors busy the receiver's threads took turns for every single packet, and a fifth of the time was the taking of turns. As SCHED_BATCH a
// woken thread waits until the running one has nothing left to do, and finds several packets: a fifth more bytes, and small rounds are a fifth quicker
// (perf/README.md, "Threads that interrupt each other"). Neither do they interrupt other programs' threads then, for which they would have to wait too long
// where those take all processors: as long as they do, the threads are scheduled as usual. sched(7). Linux, by koffi. Channel worker thread.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { cLibrary } from './c-library.js';

const SCHED_OTHER = 0;
const SCHED_BATCH = 3;
/** musl's own function of this name does nothing. */
const SYS_SCHED_SETSCHEDULER: Partial<Record<NodeJS.Architecture, number>> = { x64: 144, arm64: 119 };
/** What the stack calls the threads that packets wake. */
const NAMES: readonly string[] = ['RTC worker', 'juice poll'];

/** Less than this of all processors' time was idle, … */
const HARDLY_IDLE = 0.05;
/** … and less than this of it was the stack's: others have the processors. At full rate between two ends on two cores it is 0.3 and more. */
const SMALL_PART = 0.2;
/** A look that says something else has to be followed by another. */
const LOOKS = 2;

/** Whether other programs leave no processor free. */
export class Crowd {
  #here = false;
  #contrary = 0;

  get here(): boolean {
    return this.#here;
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

/** @returns whether the thread is scheduled so now */
export type SetPolicy = (thread: number, policy: number) => boolean;

/** Of this process, whichever of its threads they belong to: several that look come to the same. */
export class StackThreads {
  readonly #setPolicy: SetPolicy;
  readonly #proc: string;
  readonly #crowd = new Crowd();
  readonly #known = new Set<number>();
  readonly #stack = new Set<number>();
  #before: { total: number; idle: number; own: number } | undefined;

  /** @param proc where the kernel shows processes */
  constructor(setPolicy: SetPolicy, proc = '/proc') {
    this.#setPolicy = setPolicy;
    this.#proc = proc;
  }

  /** A connection of this thread is up, and what it needs of threads is there. */
  arrived(): void {
    this.#take(Number(basename(readlinkSync(`${this.#proc}/thread-self`))));
    for (const name of readdirSync(`${this.#proc}/self/task`)) {
      const thread = Number(name);
      if (this.#known.has(thread)) continue;
      this.#known.add(thread);
      if (NAMES.includes(read(`${this.#proc}/self/task/${name}/comm`).trim())) this.#take(thread);
    }
  }

  /** To be called once a second or so. */
  look(): void {
    if (this.#stack.size === 0) return;
    const now = { ...processorTicks(read(`${this.#proc}/stat`)), own: this.#ownTicks() };
    const before = this.#before;
    this.#before = now;
    if (before === undefined || now.total <= before.total) return;
    const total = now.total - before.total;
    const was = this.#crowd.here;
    this.#crowd.look((now.idle - before.idle) / total, Math.max(0, now.own - before.own) / total);
    if (this.#crowd.here === was) return;
    for (const thread of this.#stack) this.#setPolicy(thread, was ? SCHED_BATCH : SCHED_OTHER);
  }

  #take(thread: number): void {
    if (this.#stack.has(thread)) return;
    this.#stack.add(thread);
    if (!this.#crowd.here) this.#setPolicy(thread, SCHED_BATCH);
  }

  #ownTicks(): number {
    let ticks = 0;
    for (const thread of this.#stack) {
      // "tid (name) state …": utime and stime are the 14th and 15th field, the name may hold anything. proc(5)
      const stat = read(`${this.#proc}/self/task/${thread}/stat`);
      if (stat === '') {
        this.#stack.delete(thread);
        this.#known.delete(thread);
      }
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    }
    return ticks;
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
  const call =
    number === undefined ? undefined : cLibrary()?.func('long syscall(long number, int thread, int policy, const void *priority)');
  if (call === undefined) return undefined;
  const priority = Buffer.alloc(4);
  return new StackThreads((thread, policy) => call(number, thread, policy, priority) === 0);
}

/** Ticks of all processors since the machine began. proc(5) */
function processorTicks(stat: string): { total: number; idle: number } {
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0, stolen = 0] = stat
    .slice('cpu'.length)
    .trimStart()
    .split(/\s/, 8)
    .map(Number);
  return { total: user + nice + system + idle + waiting + irq + softIrq + stolen, idle: idle + waiting };
}

/** @returns the file, empty when it is gone with its thread */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
