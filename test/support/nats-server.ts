// A NATS server as a process on a loopback port of the system's choice, ended by its handle. Debian's package nats-server; core NATS, nothing stored.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { absent } from './absent.js';
import { freePort } from './sandbox.js';

/** @returns whether tests that need a NATS server are skipped */
export function natsAbsent(what: string): boolean {
  try {
    execFileSync('nats-server', ['--version'], { stdio: 'ignore' });
    return absent(what, undefined);
  } catch {
    return absent(what, 'there is no nats-server (Debian: apt-get install nats-server)');
  }
}

export class NatsServer {
  readonly port: number;
  private readonly args: readonly string[];
  private child: ChildProcess;

  private constructor(port: number, args: readonly string[], child: ChildProcess) {
    this.port = port;
    this.args = args;
    this.child = child;
  }

  /** @param args of the program, for example `--auth TOKEN` */
  static async start(...args: readonly string[]): Promise<NatsServer> {
    const port = await freePort();
    return new NatsServer(port, args, await run(port, args));
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** As `kill -9` and starting it anew would; it comes back on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    this.child = await run(this.port, this.args);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

async function run(port: number, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (data) => {
      log += data;
      if (log.includes('Server is ready')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`nats-server ended with ${code}: ${log}`)));
  });
  return child;
}
