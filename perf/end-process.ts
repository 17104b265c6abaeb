// One end of a contender as a process: started in a place, spoken to in JSON lines on its standard input and output, ended by its handle.
import { fileURLToPath } from 'node:url';
import { Child } from '../src/bench/child.js';
import type { Place } from './place.js';

export interface EndMessage {
  kind: string;
  [field: string]: unknown;
}

/** An end is up in a second or two; on a busy machine, and with WebRTC, in a few. */
const ANSWER_MS = 20_000;

export class EndProcess {
  readonly child: Child;
  readonly #heard: EndMessage[] = [];
  #listener: ((message: EndMessage) => void) | undefined;
  readonly #waiting = new Map<string, (message: EndMessage) => void>();

  /** @param entry compiled entry file, beside `base` */
  constructor(name: string, entry: string, base: string, place: Place, args: unknown) {
    this.child = new Child({
      name,
      entry: fileURLToPath(new URL(entry, base)),
      args: [JSON.stringify(args)],
      ...(place.wrap === undefined ? {} : { wrap: place.wrap }),
      onStdoutLine: (line) => this.#hear(JSON.parse(line) as EndMessage),
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(message: EndMessage): void {
    this.child.tell(JSON.stringify(message));
  }

  /** Everything it says that nobody waits for, from the beginning. */
  listen(listener: (message: EndMessage) => void): void {
    this.#listener = listener;
    for (const message of this.#heard.splice(0)) this.#hear(message);
  }

  /** The next message of a kind. @throws Error when it leaves first or says nothing in time */
  async next<M extends EndMessage>(kind: M['kind'], timeoutMs = ANSWER_MS): Promise<M> {
    const at = this.#heard.findIndex((message) => message.kind === kind);
    if (at >= 0) return this.#heard.splice(at, 1)[0] as M;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        new Promise<M>((resolve) => this.#waiting.set(kind, resolve as (message: EndMessage) => void)),
        this.child.exited.then(({ code }) => {
          throw new Error(`${this.child.name} left with ${code}: ${this.child.lastLines.slice(-5).join(' | ')}`);
        }),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`${this.child.name} did not say "${kind}" within ${timeoutMs} ms`)), timeoutMs);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(kind);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.child.stop(signal);
  }

  #hear(message: EndMessage): void {
    const waiting = this.#waiting.get(message.kind);
    if (waiting !== undefined) {
      this.#waiting.delete(message.kind);
      waiting(message);
    } else if (this.#listener !== undefined) this.#listener(message);
    else this.#heard.push(message);
  }
}

/** Hands on what two ends say to each other (descriptions, candidates). */
export function introduce(a: EndProcess, b: EndProcess): void {
  a.listen((message) => b.tell(message));
  b.listen((message) => a.tell(message));
}
