// What the kernel's profiler sees of processes, thread by thread, native code included, as .cpuprofile files that 0x draws like the others. Linux with
// `perf`, and the right to use it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Samples a second: not a divisor of timers' rates. */
const HERTZ = 499;
/** A thread with fewer samples did nothing. */
const MIN_SAMPLES = 20;
const MAX_SCRIPT_BYTES = 2 ** 30;

type End = 'near' | 'far';

/** @returns why there are no native profiles here, in words for a person; undefined when there are */
export function nativeProfileUnavailable(): string | undefined {
  const file = join(tmpdir(), `hotlink-perf-probe-${process.pid}`);
  try {
    execFileSync('perf', ['record', '-q', '-e', 'cpu-clock', '-o', file, '--', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'perf is not installed' : 'perf may not record here';
  } finally {
    rmSync(file, { force: true });
  }
}

interface Recorder {
  end: End;
  file: string;
  process: ChildProcess;
}

export class NativeProfile {
  readonly #dir: string;
  readonly #recorders: Recorder[];

  private constructor(dir: string, recorders: Recorder[]) {
    this.#dir = dir;
    this.#recorders = recorders;
  }

  /** Records both processes from now on. */
  static start(ends: Readonly<Record<End, number>>, dir: string): NativeProfile {
    const recorders = (['near', 'far'] as const).map((end) => {
      const file = join(dir, `${end}.perf`);
      const args = ['record', '-q', '-F', String(HERTZ), '-e', 'cpu-clock', '-g', '-o', file, '-p', String(ends[end])];
      return { end, file, process: spawn('perf', args, { stdio: 'ignore' }) };
    });
    return new NativeProfile(dir, recorders);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#recorders.map(async ({ process: recorder }) => {
        if (recorder.exitCode !== null) return;
        const gone = once(recorder, 'exit');
        recorder.kill('SIGINT');
        await gone;
      }),
    );
  }

  /** Writes one file per thread, `END-native-ROLE.cpuprofile`. @param roles by the kernel's number; others are named by it */
  write(roles: ReadonlyMap<number, string>): void {
    for (const { end, file } of this.#recorders) {
      const script = execFileSync('perf', ['script', '-i', file, '-F', 'comm,tid,ip,sym'], {
        encoding: 'utf8',
        maxBuffer: MAX_SCRIPT_BYTES,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      rmSync(file, { force: true });
      for (const [tid, stacks] of stacksByThread(script)) {
        if (stacks.length < MIN_SAMPLES) continue;
        const role = roles.get(tid)?.slice(end.length + 1) ?? `thread-${tid}`;
        writeFileSync(join(this.#dir, `${end}-native-${role}.cpuprofile`), JSON.stringify(cpuProfile(stacks)));
      }
    }
  }
}

/** `perf script` prints a line with name and number of the thread, the frames from the innermost out, and an empty line. */
export function stacksByThread(script: string): Map<number, string[][]> {
  const threads = new Map<number, string[][]>();
  for (const block of script.split('\n\n')) {
    const [head, ...frames] = block.split('\n').filter((line) => line.trim() !== '');
    const tid = Number(/(\d+)\s*$/.exec(head ?? '')?.[1]);
    if (!(tid > 0) || frames.length === 0) continue;
    const stack = frames.map((line) => line.trim().replace(/^[0-9a-f]+ /, '')).reverse();
    threads.set(tid, [...(threads.get(tid) ?? []), stack]);
  }
  return threads;
}

interface Node {
  id: number;
  callFrame: { functionName: string; scriptId: string; url: string; lineNumber: number; columnNumber: number };
  hitCount: number;
  children: number[];
}

/** The form that V8's profiles have, so that the same tool draws both. */
export function cpuProfile(stacks: readonly (readonly string[])[]): object {
  const nodes: Node[] = [];
  const add = (functionName: string): Node => {
    const callFrame = { functionName, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
    const node: Node = { id: nodes.length + 1, callFrame, hitCount: 0, children: [] };
    nodes.push(node);
    return node;
  };
  const root = add('(root)');
  const known = new Map<string, Node>();
  const samples: number[] = [];
  for (const stack of stacks) {
    let node = root;
    for (const name of stack) {
      const key = `${node.id} ${name}`;
      let child = known.get(key);
      if (child === undefined) {
        child = add(name);
        node.children.push(child.id);
        known.set(key, child);
      }
      node = child;
    }
    node.hitCount += 1;
    samples.push(node.id);
  }
  const stepUs = Math.round(1e6 / HERTZ);
  return { nodes, samples, timeDeltas: samples.map(() => stepUs), startTime: 0, endTime: samples.length * stepUs };
}
