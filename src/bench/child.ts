// A child process that cannot be forgotten: its lines are handed out, its last words kept, and it dies with us however we die.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Enough to see why something went wrong, bounded whatever a child prints. */
const LAST_LINES = 30;
/** A daemon drains when asked; one that does not is ended. */
const DRAIN_MS = 5000;

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  name: string;
  /** Compiled entry file. */
  entry: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Starts it somewhere else, in a network namespace say. */
  wrap?: (program: string, args: readonly string[]) => readonly [program: string, args: readonly string[]];
  onStdoutLine?: (line: string) => void;
  onStderrLine?: (line: string) => void;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Child {
  readonly name: string;
  readonly lastLines: string[] = [];
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;

  constructor(options: ChildOptions) {
    this.name = options.name;
    const own = [options.entry, ...options.args];
    const [program, args] = options.wrap?.(process.execPath, own) ?? [process.execPath, own];
    const child = spawn(program, args, { env: options.env ?? process.env, stdio: 'pipe' });
    this.#process = child;
    alive.add(child);
    // Its standard input stays open as long as we live: a daemon started with --with-parent takes the end of it as our death.
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => options.onStdoutLine?.(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.lastLines.push(line);
      if (this.lastLines.length > LAST_LINES) this.lastLines.shift();
      options.onStderrLine?.(line);
    });
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.lastLines.push(error.message);
        alive.delete(child);
        resolve({ code: null, signal: null });
      });
      // `close` and not `exit`: by then every line was read.
      child.once('close', (code, signal) => {
        alive.delete(child);
        resolve({ code, signal });
      });
    });
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Writes a line to its standard input. Nothing happens when it is gone. */
  tell(line: string): void {
    if (this.running) this.#process.stdin?.write(`${line}\n`);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  get running(): boolean {
    return alive.has(this.#process);
  }

  /** Asks it to leave, insists after a while, and waits until it is gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<ChildExit> {
    this.#process.kill(signal);
    const insist = setTimeout(() => this.#process.kill('SIGKILL'), DRAIN_MS);
    const exit = await this.exited;
    clearTimeout(insist);
    return exit;
  }
}
