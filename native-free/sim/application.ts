// One application at one end of one stream: writes at its own pace, reads at its own pace, stalls, ends, or tears the stream down. Checks
// every byte it is given. Driven by the party that owns the stream.

import type { ChannelCore, OutStream } from '../channel/index.js';
import type { Clock } from './clock.js';
import { fill, type Reader, type Sent } from './content.js';
import type { Random } from './random.js';
import type { Scenario } from './scenario.js';

export interface ApplicationEvents {
  /** An invariant is broken. */
  broken(what: string): void;
  /** Both halves are over, or the stream was torn down. */
  over(application: Application): void;
  /** The core's next deadline may have moved. */
  rearm(): void;
}

export class Application {
  id: number;
  readonly #core: ChannelCore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #events: ApplicationEvents;
  readonly #reader: Reader;
  readonly #queue: number[] = [];
  #out: OutStream | undefined;
  #sent: Sent | undefined;
  #toSend = 0;
  #resetAt = Number.POSITIVE_INFINITY;
  #queuedBytes = 0;
  #reading = false;
  /** It has stopped reading once; that is enough for one run. */
  #stalled = false;
  #blocked = false;
  #inDone = false;
  #outDone = false;
  /** Torn down, or both halves over. */
  gone = false;

  constructor(id: number, core: ChannelCore, clock: Clock, random: Random, scenario: Scenario, reader: Reader, events: ApplicationEvents) {
    this.id = id;
    this.#core = core;
    this.#clock = clock;
    this.#random = random;
    this.#scenario = scenario;
    this.#reader = reader;
    this.#events = events;
  }

  get bound(): boolean {
    return this.#out !== undefined;
  }
  /** Delivered and not read. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }
  get out(): OutStream | undefined {
    return this.#out;
  }
  get state(): string {
    const halves = `in ${this.#inDone ? 'done' : 'open'}, out ${this.#outDone ? 'done' : 'open'}`;
    return `stream ${this.id}: ${halves}, sent ${this.#sent?.bytes ?? 0} of ${this.#toSend}, read ${this.#reader.bytes}, queued ${this.#queuedBytes}`;
  }

  /** The application has connected. */
  bind(out: OutStream, sent: Sent): void {
    this.#out = out;
    this.#sent = sent;
    // Nothing, or at least the name of the stream.
    this.#toSend = this.#scenario.streamBytes === 0 || this.#random.chance(0.1) ? 0 : this.#random.between(4, this.#scenario.streamBytes);
    if (this.#random.chance(this.#scenario.resetChance)) this.#resetAt = this.#random.between(0, this.#toSend);
    this.#clock.after(this.#random.pick([0, 0, 3, 100]), () => this.#write());
    this.#read();
  }

  room(): void {
    if (!this.#blocked || this.gone) return;
    this.#blocked = false;
    this.#write();
  }

  sendingDone(): void {
    this.#outDone = true;
    this.#reap();
  }

  deliver(payload: Uint8Array): void {
    if (this.gone) return;
    if (this.#inDone) this.#events.broken(`${this.state}: bytes after the end`);
    const wrong = this.#reader.read(payload);
    if (wrong !== undefined) this.#events.broken(`${this.state}: ${wrong}`);
    this.#queue.push(payload.length);
    this.#queuedBytes += payload.length;
    this.#read();
  }

  ended(): void {
    if (this.gone) return;
    if (this.#inDone) this.#events.broken(`${this.state}: a second end`);
    const wrong = this.#reader.end();
    if (wrong !== undefined) this.#events.broken(`${this.state}: ${wrong}`);
    this.#inDone = true;
    this.#reap();
  }

  /** The stream goes on under another number. */
  renumber(id: number): void {
    this.id = id;
    this.#reader.stream = id;
    if (this.#sent !== undefined) this.#sent.stream = id;
  }

  /** The stream is over for a reason from outside: the peer's reset, a restart, a lost peer. */
  cut(): void {
    this.gone = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  #write(): void {
    if (this.gone || this.#blocked || this.#out === undefined || this.#sent === undefined || this.#outDone) return;
    const { nowMs } = this.#clock;
    if (this.#sent.bytes >= this.#resetAt) {
      this.#leave();
      return;
    }
    if (this.#sent.bytes === this.#toSend) {
      this.#sent.ended = true;
      this.#core.endStream(this.#out, nowMs);
      this.#events.rearm();
      // Some close at once although the other half is still coming, which that half must be told.
      if (this.#random.chance(this.#scenario.resetChance)) this.#clock.after(this.#random.between(0, 300), () => this.#leave());
      return;
    }
    const { chunkBytes, windowBytes } = this.#scenario.limits;
    const most = Math.min(this.#toSend - this.#sent.bytes, this.#resetAt - this.#sent.bytes, Math.max(chunkBytes, windowBytes / 4));
    const taken = this.#writeSome(Math.min(most, this.#random.pick([10, 100, 300, 1500])));
    this.#events.rearm();
    if (!taken) this.#blocked = true;
    else this.#clock.after(this.#random.between(0, this.#scenario.slowWriterMs), () => this.#write());
  }

  #writeSome(bytes: number): boolean {
    const out = this.#out as OutStream;
    const sent = this.#sent as Sent;
    const { window } = out;
    const landedAt = window === undefined || this.#random.chance(0.5) ? -1 : window.landingAt();
    let piece = fill(sent.token, sent.bytes, bytes);
    if (window !== undefined && landedAt >= 0) {
      piece = piece.subarray(0, window.chunkBytes);
      window.bytes.set(piece, landedAt);
      piece = window.bytes.subarray(landedAt, landedAt + piece.length);
    }
    // Counted first: a core may pass the bytes on at once.
    sent.bytes += piece.length;
    if (this.#core.take(out, piece, landedAt, this.#clock.nowMs)) return true;
    sent.bytes -= piece.length;
    return false;
  }

  /** The application crashes or closes without reading to the end. */
  #leave(): void {
    if (this.gone) return;
    const out = this.#out as OutStream;
    // Without a word: the core must find it.
    if (this.#random.chance(0.3)) {
      this.gone = true;
      this.#events.over(this);
      return;
    }
    this.#inDone = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#core.resetStream(out, 'the application went away', this.#clock.nowMs);
    this.#events.rearm();
    this.gone = true;
    this.#reap();
  }

  #read(): void {
    if (this.#reading || this.gone || this.#out === undefined || this.#queue.length === 0) return;
    this.#reading = true;
    const stalls = !this.#stalled && this.#random.chance(this.#scenario.stallChance);
    if (stalls) this.#stalled = true;
    this.#clock.after(stalls ? this.#scenario.stallMs : this.#random.between(0, this.#scenario.slowReaderMs), () => {
      this.#reading = false;
      const bytes = this.#queue.shift();
      if (this.gone || bytes === undefined) return;
      this.#queuedBytes -= bytes;
      if (this.#core.consumed(this.id, bytes, this.#clock.nowMs)) this.#events.rearm();
      this.#read();
    });
  }

  #reap(): void {
    if (!this.#inDone || !this.#outDone) return;
    this.gone = true;
    this.#events.over(this);
  }
}
