// A network namespace of this process's own: a host of its own for the programs started in it. Its name carries our pid, so that what a killed
// process left behind is recognised and removed by the next one. Invariant: closing ends every process in it, by pid, then the namespace; leaving
// this process does the same. Linux, root, iproute2.
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

const PREFIX = 'hotlink';
/** A lab has a dozen; this bounds a loop that forgets to close. */
const MAX_LIVE = 256;

const live = new Set<Namespace>();
let nextNumber = 1;

/** @returns why namespaces cannot be had here, in words for a person; undefined when they can */
export function namespacesUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a Linux matter';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    using probe = new Namespace('probe');
    probe.ip('link', 'set', 'lo', 'up');
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made: ${(error as Error).message}`;
  }
}

export class Namespace implements Disposable {
  /** As `ip netns` knows it. */
  readonly name: string;

  /**
   * @param label appears in the name, for whoever looks at the machine while it exists
   * @throws Error when the system refuses
   */
  constructor(label: string) {
    if (live.size >= MAX_LIVE) throw new Error(`${MAX_LIVE} namespaces are open already: close some`);
    if (live.size === 0) removeLeftovers();
    this.name = `${PREFIX}-${process.pid}-${nextNumber++}-${label}`;
    run('ip', ['netns', 'add', this.name]);
    live.add(this);
    try {
      this.ip('link', 'set', 'lo', 'up');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** `ip …` in here. @returns what it printed @throws Error with its complaint */
  ip(...args: string[]): string {
    return run('ip', ['-n', this.name, ...args]);
  }

  /** A program in here, to its end. @returns what it printed @throws Error with its complaint */
  run(program: string, ...args: string[]): string {
    return run('ip', ['netns', 'exec', this.name, program, ...args]);
  }

  /** Starts a program in here. It ends with the namespace if not before. */
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const [wrapper, wrapped] = this.command(program, args);
    return spawn(wrapper, wrapped, options);
  }

  /** The same program and arguments, to be started in here by whoever starts it. `ip netns exec` becomes the program: same pid. */
  command(program: string, args: readonly string[]): [program: string, args: string[]] {
    return ['ip', ['netns', 'exec', this.name, program, ...args]];
  }

  close(): void {
    if (!live.delete(this)) return;
    remove(this.name);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

process.on('exit', () => {
  for (const namespace of live) namespace.close();
});

function removeLeftovers(): void {
  let names: string[];
  try {
    names = readdirSync('/run/netns');
  } catch {
    return; // nobody has made one yet
  }
  for (const name of names) {
    const pid = Number(new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1]);
    if (pid > 0 && pid !== process.pid && !isAlive(pid)) remove(name);
  }
}

function remove(name: string): void {
  try {
    for (const pid of run('ip', ['netns', 'pids', name]).split('\n').map(Number)) if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch {
    // A process that left in between; the namespace goes with its last one.
  }
  try {
    run('ip', ['netns', 'del', name]);
  } catch {
    // Somebody else removed it: two processes may clean up after the same dead one.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function run(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr?.trim() || message}`, { cause: error });
  }
}
