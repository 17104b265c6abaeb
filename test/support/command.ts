// The `hotlink` command as a process of its own: run to its end, or kept running until a test has seen enough. Whatever was started is ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './sandbox.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Command {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly #stdout: Buffer[] = [];
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // Nothing of the caller's settings; daemons of other tests are not to be found.
    this.child = spawn(process.execPath, [entry, ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.on('data', (data: Buffer) => this.#stdout.push(data));
    this.child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.exit = once(this.child, 'close').then(([code]) => code as number | null);
  }

  get stdout(): string {
    return this.bytes.toString();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  /** Resolves when stdout holds `text`; fails when the command leaves before. */
  async says(text: string | RegExp): Promise<void> {
    const there = (): boolean => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout));
    await until(
      `the command says ${text}; it left with ${this.child.exitCode}: ${this.stderr}`,
      () => there() || this.child.exitCode !== null,
    );
    if (!there()) throw new Error(`it left with ${this.child.exitCode} without saying ${text}: ${this.stderr}`);
  }

  /** Ends it. @returns its exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return await this.exit;
  }
}

/** Runs a command to its end. @param input what it reads */
export async function hotlink(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Outcome> {
  const command = new Command(args, env);
  command.child.stdin?.end(input);
  const code = await command.exit;
  return { code, stdout: command.stdout, stderr: command.stderr };
}
