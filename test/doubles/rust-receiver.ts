// The receiving half of the Rust client: order by path and session, then the local port that the path maps to; a frame that finds no
// application within five seconds is lost, number and all (R5). wire.md 4.7.
import type { RustPort } from './rust-port.js';

const WRITER_TRIES = 20;
const WRITER_TRY_MS = 250;

export class RustReceiver {
  /** Frames that found no application. */
  lostFrames = 0;
  readonly #reorder = new Map<string, { next: number; held: Map<number, Uint8Array> }>();
  readonly #portOf = new Map<string, RustPort>();
  #over = false;

  /** @param key a path under which the channel may be spoken of */
  map(key: string, port: RustPort): void {
    this.#portOf.set(key, port);
  }

  async deliver(sid: string, path: string, seq: number, payload: Uint8Array): Promise<void> {
    if (payload.length === 0) return;
    const key = `${path}#${sid}`;
    const reorder = this.#reorder.get(key) ?? { next: 1, held: new Map<number, Uint8Array>() };
    this.#reorder.set(key, reorder);
    reorder.held.set(seq, payload);
    for (let next = reorder.held.get(reorder.next); next !== undefined; next = reorder.held.get(reorder.next)) {
      reorder.held.delete(reorder.next);
      reorder.next += 1;
      if (!(await this.#write(path, next))) this.lostFrames += 1;
    }
  }

  close(): void {
    this.#over = true;
  }

  async #write(path: string, payload: Uint8Array): Promise<boolean> {
    for (let tries = 0; tries < WRITER_TRIES && !this.#over; tries += 1) {
      if ((await this.#portOf.get(path)?.write(payload)) === true) return true;
      await new Promise((resolve) => setTimeout(resolve, WRITER_TRY_MS));
    }
    return false;
  }
}
