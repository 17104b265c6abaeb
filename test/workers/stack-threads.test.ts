// How the WebRTC stack's threads are scheduled, on a machine made of files: what Linux shows of its processors and of this process's threads.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StackThreads } from '../../workers/stack-threads.js';

const [OTHER, BATCH] = [0, 3];
/** Two processors, a second between looks: ticks of 10 ms. */
const TICKS = 200;
const [SELF, RTC_A, RTC_B, JUICE, TIMER, FIFO, HEIR] = [101, 102, 103, 104, 105, 107, 108];
/** The whole process was started with that policy. */
let batchBefore = false;

let proc: string;
let policies: Map<number, number>;
let threads: StackThreads;
const ticks = { idle: 0, other: 0, own: 0, waiting: 0 };

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'hotlink-proc-'));
  policies = new Map();
  batchBefore = false;
  threads = new StackThreads((thread, policy) => {
    policies.set(thread, policy);
    return true;
  }, proc);
  Object.assign(ticks, { idle: 0, other: 0, own: 0, waiting: 0 });
  symlinkSync(`99/task/${SELF}`, join(proc, 'thread-self'));
  for (const [thread, name] of [
    [SELF, 'node'],
    [RTC_A, 'RTC worker'],
    [RTC_B, 'RTC worker'],
    [JUICE, 'juice poll'],
    [TIMER, 'SCTP timer'],
  ] as const)
    begin(thread, name);
  spend(0, 0);
});
afterEach(() => rmSync(proc, { recursive: true }));

let nowMs = 0;
/** Another connection, a second after the one before. */
function arrive(): void {
  nowMs += 1000;
  threads.arrived(nowMs);
}

function begin(thread: number, name: string): void {
  const home = join(proc, 'self', 'task', `${thread}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'comm'), `${name}\n`);
  writeFileSync(join(home, 'stat'), stat(thread, name, 0));
}

/** proc(5): a name may hold spaces and brackets. */
function stat(thread: number, name: string, ownTicks: number): string {
  const behindTheName = new Array<string | number>(50).fill(7);
  behindTheName[0] = 'S';
  behindTheName[11] = ownTicks - (ownTicks >> 2);
  behindTheName[12] = ownTicks >> 2;
  behindTheName[38] = thread === FIFO ? 1 : thread === HEIR || batchBefore ? BATCH : OTHER;
  return `${thread} (${name}) ${behindTheName.join(' ')}\n`;
}

/** A second goes by, of whose processor time so much is idle, so much waits for a disk, and so much is this process's, all of it by one thread. */
function spend(idle: number, own: number, waiting = 0): void {
  ticks.idle += idle * TICKS;
  ticks.own += own * TICKS;
  ticks.waiting += waiting * TICKS;
  ticks.other += (1 - idle - own - waiting) * TICKS;
  const busy = ticks.own + ticks.other;
  const each = ['cpu0', 'cpu1'].map((name) => `${name} 1 2 3 4 5 6 7 8 9 10\n`).join('');
  writeFileSync(join(proc, 'stat'), `cpu  ${busy - 20} 5 5 ${ticks.idle} ${ticks.waiting} 5 5 0 0 0\n${each}intr 1 2\n`);
  const total = busy + ticks.idle + ticks.waiting;
  writeFileSync(join(proc, 'uptime'), `${(1000 + total / TICKS).toFixed(2)} ${(ticks.idle / 100).toFixed(2)}\n`);
  writeFileSync(join(proc, 'self', 'task', `${RTC_A}`, 'stat'), stat(RTC_A, 'RTC (a) worker', ticks.own));
}

function seconds(count: number, idle: number, own: number, waiting = 0): void {
  for (let n = 0; n < count; n += 1) {
    spend(idle, own, waiting);
    threads.look();
  }
}

/** Of this process; none where the system does not say. */
function openFiles(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((file) => {
    try {
      return [readlinkSync(`/proc/self/fd/${file}`)];
    } catch {
      return [];
    }
  });
}

const all = (policy: number): object => Object.fromEntries([SELF, RTC_A, RTC_B, JUICE].map((thread) => [thread, policy]));
const now = (): object => Object.fromEntries(policies);

describe('the threads that packets wake', () => {
  it('do not interrupt each other once there is a connection, and no others are touched', () => {
    threads.look();
    expect(now()).toEqual({});
    arrive();
    expect(now()).toEqual(all(BATCH));
  });

  it('keep a policy that somebody else gave them, and one that was refused', () => {
    begin(FIFO, 'RTC worker');
    threads = new StackThreads((thread, policy) => {
      if (thread === RTC_B) return false;
      policies.set(thread, policy);
      return true;
    }, proc);
    arrive();
    seconds(1, 0.5, 0.1);
    seconds(5, 0, 0.1);
    expect(now()).toEqual({ [SELF]: OTHER, [RTC_A]: OTHER, [JUICE]: OTHER });
  });

  it('have it from the one that began them, and give it back with it', () => {
    arrive();
    begin(HEIR, 'juice poll');
    seconds(1, 0.5, 0.1);
    seconds(2, 0, 0.1);
    expect(now()).toEqual({ ...all(OTHER), [HEIR]: OTHER });
  });

  it('are left alone in a process that was started so', () => {
    batchBefore = true;
    for (const [thread, name] of [
      [SELF, 'node'],
      [RTC_A, 'RTC worker'],
      [RTC_B, 'RTC worker'],
      [JUICE, 'juice poll'],
    ] as const)
      begin(thread, name);
    arrive();
    seconds(1, 0.5, 0.1);
    seconds(5, 0, 0.1);
    expect(now()).toEqual({});
  });

  it('are found though they had no name of their own yet when the connection came', () => {
    begin(RTC_B, 'node');
    arrive();
    expect(now()).toEqual({ [SELF]: BATCH, [RTC_A]: BATCH, [JUICE]: BATCH });
    begin(RTC_B, 'RTC worker');
    threads.look();
    expect(now()).toEqual(all(BATCH));
  });

  it.each([
    ['had no name of their own yet', 'node'],
    ['came right behind another connection', undefined],
  ])('are found at the next look though they %s, on an idle machine', (_what, nameAtFirst) => {
    arrive();
    seconds(3, 0.9, 0.02);
    policies.clear();
    if (nameAtFirst !== undefined) begin(106, nameAtFirst);
    arrive();
    if (nameAtFirst === undefined) threads.arrived(nowMs);
    begin(106, 'juice poll');
    expect(now()).toEqual({});
    seconds(1, 0.9, 0.02);
    expect(now()).toEqual({ 106: BATCH });
  });

  it('are left alone where the kernel shows nothing', () => {
    for (const name of ['thread-self', 'self', 'stat', 'uptime']) rmSync(join(proc, name), { recursive: true });
    arrive();
    threads.look();
    expect(now()).toEqual({});
  });

  it('are found when they come with a later connection, and are asked for once', () => {
    arrive();
    policies.clear();
    begin(106, 'juice poll');
    arrive();
    expect(now()).toEqual({ 106: BATCH });
  });

  it.each([
    ['the machine is idle', 0.9, 0.02],
    ['they fill it themselves', 0, 0.2],
    ['others fill half of it', 0.3, 0.05],
    ['all that could run waits for a disk', 0, 0.05, 0.5],
  ])('stay so while %s', (_what, idle, own, waiting = 0) => {
    arrive();
    policies.clear();
    seconds(10, idle, own, waiting);
    expect(now()).toEqual({});
  });

  it('are scheduled as usual while others take all processors, and a single such second is nothing', () => {
    arrive();
    seconds(3, 0.5, 0.1);
    policies.clear();
    seconds(2, 0, 0.1);
    seconds(1, 0.5, 0.1);
    seconds(2, 0.04, 0.1);
    expect(now()).toEqual({});
    seconds(1, 0.04, 0.1);
    expect(now()).toEqual(all(OTHER));
    policies.clear();
    begin(106, 'juice poll');
    arrive();
    seconds(1, 0.5, 0.1);
    seconds(5, 0, 0.1);
    expect(now()).toEqual({});
    seconds(2, 0.5, 0.1);
    expect(now()).toEqual({ ...all(BATCH), 106: BATCH });
  });

  it('may end: others that come are found, and what ended is not asked for again', () => {
    arrive();
    seconds(2, 0.5, 0.1);
    for (const thread of [RTC_B, JUICE]) rmSync(join(proc, 'self', 'task', `${thread}`), { recursive: true });
    seconds(1, 0.5, 0.1);
    policies.clear();
    seconds(3, 0, 0.1);
    expect(now()).toEqual({ [SELF]: OTHER, [RTC_A]: OTHER });
  });

  it('may end on an idle machine: another one has the number of one that did', () => {
    arrive();
    seconds(2, 0.9, 0.02);
    rmSync(join(proc, 'self', 'task', `${JUICE}`), { recursive: true });
    arrive();
    begin(JUICE, 'juice poll');
    policies.clear();
    arrive();
    expect(now()).toEqual({ [JUICE]: BATCH });
  });

  it.each([
    [
      'a container shows its own idle time',
      (): void => writeFileSync(join(proc, 'uptime'), `${1000 + ticks.other} ${1000 + ticks.other}\n`),
    ],
    ['nothing says how idle the machine is', (): void => rmSync(join(proc, 'uptime'), { force: true })],
    ['the file about it is empty', (): void => writeFileSync(join(proc, 'uptime'), '')],
  ])('are scheduled as usual while others take all processors though %s', (_what, lie) => {
    arrive();
    policies.clear();
    for (let second = 0; second < 25; second += 1) {
      spend(second < 10 ? 0.5 : 0, 0.1);
      lie();
      threads.look();
    }
    expect(now()).toEqual(all(OTHER));
  });

  it('are scheduled as usual while others take all processors though the file about it can be opened and not be read, and none stays open', () => {
    const uptime = join(proc, 'uptime');
    arrive();
    policies.clear();
    for (let second = 0; second < 25; second += 1) {
      spend(second < 10 ? 0.5 : 0, 0.1);
      rmSync(uptime);
      mkdirSync(uptime);
      threads.look();
      rmSync(uptime, { recursive: true });
    }
    expect(now()).toEqual(all(OTHER));
    expect(openFiles().filter((file) => file.startsWith(proc))).toEqual([]);
  });
});
