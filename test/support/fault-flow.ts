// One direction between two applications: random blocks until told to stop, a digest at each end, and the longest time without a byte.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** From here on a stream is under way: pauses count, and faults may come. */
export const UNDER_WAY_BYTES = 2_000_000;

/** Time that passes on purpose: how long a fault lasts. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One direction: sends random blocks until stopped, and what arrived. */
export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #sent = createHash('sha256');
  readonly #received = createHash('sha256');
  readonly done: Promise<void>;
  sentBytes = 0;
  receivedBytes = 0;
  pauseMs = 0;
  stopped = false;
  idle = false;
  fromGone: number | undefined;
  toGone: number | undefined;
  /** The receiving application saw the end, ms. */
  endedMs: number | undefined;
  #last = performance.now();

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    to.on('data', (data: Buffer) => this.#arrived(data));
    from.once('close', () => {
      this.fromGone ??= performance.now();
    });
    to.once('close', () => {
      this.toGone ??= performance.now();
    });
    to.once('end', () => {
      this.endedMs = performance.now();
    });
    this.done = this.#run();
  }

  get exact(): boolean {
    return this.sentBytes === this.receivedBytes && this.#sent.copy().digest('hex') === this.#received.copy().digest('hex');
  }

  #arrived(data: Buffer): void {
    this.receivedBytes += data.length;
    this.#received.update(data);
    const now = performance.now();
    if (this.receivedBytes > UNDER_WAY_BYTES) this.pauseMs = Math.max(this.pauseMs, now - this.#last);
    this.#last = now;
  }

  async #run(): Promise<void> {
    // A sender's socket may close before its last bytes are read on the far side: only the receiver's end counts.
    const ended = Promise.race([once(this.#to, 'end'), once(this.#to, 'close')]).catch(() => undefined);
    const cut = Promise.race([once(this.#from, 'close'), once(this.#to, 'close')]).catch(() => undefined);
    const block = randomBytes(262_144);
    let count = 0;
    while (!this.stopped && this.fromGone === undefined && this.toGone === undefined) {
      if (this.idle) {
        await pause(10);
        continue;
      }
      block.writeUInt32BE(count % 0xffff_ffff, 0);
      count += 1;
      const piece = Buffer.from(block);
      this.#sent.update(piece);
      this.sentBytes += piece.length;
      if (!this.#from.write(piece)) await Promise.race([once(this.#from, 'drain').catch(() => undefined), cut]);
      // A turn of the event loop each time: a socket that failed says so in one.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#from.end();
    await ended;
  }
}
