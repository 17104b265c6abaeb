// Shows how a burst gets on, on stderr: a bar that redraws itself on a terminal, plain lines anywhere else.
import type { BurstEvent } from './burst.js';

const BAR_CELLS = 24;

export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** One line per running link on a terminal would jump about; the bar shows their sum. */
export class Progress {
  readonly #out: ProgressOutput;
  readonly #running = new Map<string, { bytes: number; totalBytes: number }>();
  #drawn = false;

  constructor(out: ProgressOutput) {
    this.#out = out;
  }

  readonly event = (event: BurstEvent): void => {
    if (event.kind === 'talk') this.#line(event.text);
    if (event.kind === 'progress') {
      this.#running.set(event.link, event);
      if (this.#out.isTTY) this.#draw();
    }
    if (event.kind === 'link') {
      this.#running.delete(event.link);
      const { result } = event;
      const how = result.digestOk ? `${result.mibPerSecond.toFixed(1)} MiB/s, every byte right` : `failed: ${result.error ?? ''}`;
      this.#line(`${event.phase}  ${event.link}  ${how}`);
    }
  };

  /** Removes the bar. */
  clear(): void {
    if (this.#drawn) this.#out.write('\r\x1b[K');
    this.#drawn = false;
  }

  #line(text: string): void {
    this.clear();
    this.#out.write(`${text}\n`);
  }

  #draw(): void {
    const all = [...this.#running.values()];
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const totalBytes = all.reduce((sum, one) => sum + one.totalBytes, 0);
    const part = totalBytes === 0 ? 0 : bytes / totalBytes;
    const full = Math.round(part * BAR_CELLS);
    const name = this.#running.size === 1 ? [...this.#running.keys()][0]! : `${this.#running.size} links at once`;
    const text = `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${Math.round(part * 100)} %  ${name}`;
    this.#out.write(`\r\x1b[K${text.slice(0, Math.max(20, (this.#out.columns ?? 80) - 1))}`);
    this.#drawn = true;
  }
}
