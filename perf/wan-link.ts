// Two hosts with a wide-area link between them: two network namespaces joined by wanem.c, which is compiled on first use. Delay, rate and loss are
// per direction. Whoever opens a link closes it: the emulator, its counters, then both namespaces. Linux, root, a C compiler, /dev/net/tun.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Namespace, namespacesUnavailable } from './namespace.js';

const SOURCE = fileURLToPath(new URL('../../perf/wanem.c', import.meta.url));
/** The emulator opens two devices; on a busy machine that takes a moment. */
const START_MS = 10_000;

export interface WanLinkOptions {
  /** One way, ms; a round trip takes twice this. Default 25. */
  delayMs?: number;
  /** Of packets, in percent. Default 0. */
  lossPercent?: number;
  /** Default 1000. */
  rateMbit?: number;
  /** What waits at the slow end before packets are dropped, KiB. Default 4096: more than a round trip's worth at the other defaults. */
  queueKib?: number;
  /** Packets that skip the delay, in percent. Default 0. */
  reorderPercent?: number;
  duplicatePercent?: number;
  /** Added to the delay, uniformly up to this, ms. Default 0. */
  jitterMs?: number;
  mtuBytes?: number;
  /** The same seed loses the same packets of the same traffic. Default 1. */
  seed?: number;
}

/** Packets of one direction since the start. */
export interface WanCounters {
  received: number;
  delivered: number;
  lost: number;
  /** Dropped because the queue was full. */
  tailDropped: number;
  duplicated: number;
  reordered: number;
}

/** @returns why no link can be had here, in words for a person; undefined when one can */
export function wanLinkUnavailable(): string | undefined {
  try {
    accessSync('/dev/net/tun');
  } catch {
    return 'there is no /dev/net/tun';
  }
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'there is no C compiler (cc)';
  }
  return namespacesUnavailable();
}

export class WanLink implements AsyncDisposable {
  /** Start programs with `link.a.spawn(…)`; they see the other side at `addressB`. */
  readonly a: Namespace;
  readonly b: Namespace;
  readonly addressA = '10.99.0.1';
  readonly addressB = '10.99.0.2';
  readonly #emulator: ChildProcess;
  readonly #printed: () => string;
  #counters: Promise<[aToB: WanCounters, bToA: WanCounters]> | undefined;

  private constructor(a: Namespace, b: Namespace, emulator: ChildProcess, printed: () => string) {
    this.a = a;
    this.b = b;
    this.#emulator = emulator;
    this.#printed = printed;
  }

  /** @throws Error when something it needs is missing ({@link wanLinkUnavailable} tells beforehand) */
  static async open(options: WanLinkOptions = {}): Promise<WanLink> {
    const program = compile();
    const [a, b] = [new Namespace('wan-a'), new Namespace('wan-b')];
    try {
      const { delayMs = 25, lossPercent = 0, rateMbit = 1000, queueKib = 4096, reorderPercent = 0, duplicatePercent = 0 } = options;
      const { jitterMs = 0, mtuBytes = 1500, seed = 1 } = options;
      const numbers = [delayMs, lossPercent, rateMbit, queueKib, reorderPercent, duplicatePercent, jitterMs, mtuBytes, seed];
      const { emulator, printed } = await start(program, [a.name, '10.99.0.1', b.name, '10.99.0.2', ...numbers.map(String)]);
      return new WanLink(a, b, emulator, printed);
    } catch (error) {
      a.close();
      b.close();
      throw error;
    }
  }

  /** Ends the link. @returns what it counted */
  close(): Promise<[aToB: WanCounters, bToA: WanCounters]> {
    this.#counters ??= this.#end();
    return this.#counters;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<[aToB: WanCounters, bToA: WanCounters]> {
    if (this.#emulator.exitCode === null && this.#emulator.signalCode === null) {
      const gone = once(this.#emulator, 'close');
      this.#emulator.kill('SIGTERM');
      await gone;
    }
    this.a.close();
    this.b.close();
    return [countersOf('A->B', this.#printed()), countersOf('B->A', this.#printed())];
  }
}

let compiled: string | undefined;

/** Once per process; the program is gone when the process leaves. */
function compile(): string {
  if (compiled !== undefined) return compiled;
  const directory = mkdtempSync(join(tmpdir(), 'hotlink-wanem-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, 'wanem');
  execFileSync('cc', ['-O2', '-o', program, SOURCE], { stdio: ['ignore', 'ignore', 'inherit'] });
  compiled = program;
  return program;
}

async function start(program: string, args: string[]): Promise<{ emulator: ChildProcess; printed: () => string }> {
  // It enters both namespaces itself, one after the other.
  const emulator = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const killAtExit = (): void => void emulator.kill('SIGKILL');
  process.on('exit', killAtExit);
  emulator.once('exit', () => process.off('exit', killAtExit));
  let text = '';
  let complaint = '';
  emulator.stderr.on('data', (data) => {
    complaint += data;
  });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      emulator.kill('SIGKILL');
      reject(new Error(`the link was not up after ${START_MS} ms: ${complaint.trim()}`));
    }, START_MS);
    emulator.stdout.on('data', (data) => {
      text += data;
      if (!text.includes('wanem up')) return;
      clearTimeout(late);
      resolve();
    });
    emulator.once('error', reject);
    emulator.once('close', (code) => {
      clearTimeout(late);
      reject(new Error(`the link ended with ${code}: ${complaint.trim()}`));
    });
  });
  return { emulator, printed: () => text };
}

function countersOf(direction: string, text: string): WanCounters {
  const line = text.split('\n').find((one) => one.startsWith(direction)) ?? '';
  const count = (name: string): number => Number(new RegExp(`\\b${name}=(\\d+)`).exec(line)?.[1] ?? 0);
  return {
    received: count('rx'),
    delivered: count('tx'),
    lost: count('lost'),
    tailDropped: count('tail'),
    duplicated: count('dup'),
    reordered: count('reordered'),
  };
}
