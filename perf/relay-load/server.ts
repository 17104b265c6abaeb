// The server under load as a process: our relay as it is shipped, or the bare hub.
import { fileURLToPath } from 'node:url';
import { Child } from '../../src/bench/child.js';
import { type ProcessUsage, usageOf } from '../../src/bench/process-usage.js';

export type ServerKind = 'relay' | 'hub';

const ENTRIES: Record<ServerKind, readonly [entry: string, ...args: string[]]> = {
  relay: ['../../src/cli/main.js', 'relay', '--listen', '127.0.0.1:0', '--admin', 'off'],
  hub: ['./hub.js'],
};

export class LoadServer {
  readonly kind: ServerKind;
  readonly url: string;
  private readonly child: Child;

  private constructor(kind: ServerKind, url: string, child: Child) {
    this.kind = kind;
    this.url = url;
    this.child = child;
  }

  static async start(kind: ServerKind): Promise<LoadServer> {
    const [entry, ...args] = ENTRIES[kind];
    let onUrl: (url: string) => void = () => {};
    const listening = new Promise<string>((resolve) => {
      onUrl = resolve;
    });
    const child = new Child({
      name: kind,
      entry: fileURLToPath(new URL(entry, import.meta.url)),
      args,
      onStdoutLine: (line) => onUrl(line.replace('listening ', '')),
    });
    const gone = child.exited.then(() => Promise.reject(new Error(`the ${kind} ended: ${child.lastLines.join('\n')}`)));
    gone.catch(() => {});
    return new LoadServer(kind, await Promise.race([listening, gone]), child);
  }

  /** Processor time and memory so far. */
  usage(): ProcessUsage {
    const usage = this.child.pid === undefined ? undefined : usageOf(this.child.pid);
    if (usage === undefined) throw new Error(`the ${this.kind} is gone: ${this.child.lastLines.join('\n')}`);
    return usage;
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }
}
