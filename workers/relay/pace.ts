// How much may be on its way to a relay that drops what it has no room for, without a word (upstream's server: 256 messages for each
// connection, defect S2). It answers a Signal for a session that nobody has, through the same queue that Data goes through: the answer
// says that everything in front of it was taken. So a few such questions among the Data bound what waits there, and tell which Data was
// taken when a connection is lost. Our own relay drops nothing; there nothing waits. wire.md 1.5, 2.3, 13.4. Relay worker thread.

import { randomUUID } from 'node:crypto';

/** Messages on their way to a relay that may drop: a quarter of its queue, the other clients' turns and our own signals left room. */
const WINDOW_MESSAGES = 64;
/** A question for every so many messages: the window is never used up while answers come, and one small message in seventeen is cheap. */
const ASK_EVERY = 16;
/** The last messages of a burst are asked about after this long, ms. */
const ASK_IDLE_MS = 50;
/** A question or its answer may be lost too: asked again after this long, ms. */
const ASK_AGAIN_MS = 1000;
/** A relay that never answered one for so long does not know the question, ms: then there is nothing to go by. */
const DEAF_MS = 10_000;

export class RelayPace {
  readonly #ask: (sid: string) => void;
  readonly #deaf: () => void;
  #prefix = randomUUID();
  #sent = 0;
  #asked = 0;
  #confirmed = 0;
  #answers = 0;
  /** What each question without an answer covers, by its sid. */
  readonly #questions = new Map<string, number>();
  #number = 0;
  #unanswered = 0;
  #timer: NodeJS.Timeout | undefined;
  #open = false;
  #waiting: (() => void)[] = [];

  /** @param ask sends a Signal for this sid @param deaf the relay does not answer; called once a connection */
  constructor(ask: (sid: string) => void, deaf: () => void) {
    this.#ask = ask;
    this.#deaf = deaf;
  }

  /** Messages that the relay is known to have taken. */
  get confirmed(): number {
    return this.#confirmed;
  }
  /** True while the relay may still have messages in front of it. */
  get pending(): boolean {
    return this.#confirmed < this.#sent;
  }
  /** True when the next message has to wait. */
  get full(): boolean {
    return !this.#open && this.#sent - this.#confirmed >= WINDOW_MESSAGES;
  }

  /** The relay drops nothing: nothing waits from now on. It is asked all the same. */
  trust(): void {
    this.#open = true;
    this.#wake();
  }

  /** A message of payload was sent. @returns its number, to be compared with {@link confirmed} */
  sent(): number {
    this.#sent += 1;
    if (this.#sent - this.#asked >= ASK_EVERY) this.#question();
    else if (this.#timer === undefined) this.#arm(ASK_IDLE_MS);
    return this.#sent;
  }

  /** @returns true when the relay's error about this session is the answer to a question of ours */
  answered(sid: string): boolean {
    if (!sid.startsWith(this.#prefix)) return false;
    const covers = this.#questions.get(sid);
    this.#answers += 1;
    this.#unanswered = 0;
    if (covers === undefined) return true;
    // Answers keep the order of their questions but for the relay's workers: a later one says as much of what came before.
    for (const [older, upTo] of this.#questions) if (upTo <= covers) this.#questions.delete(older);
    this.#confirmed = Math.max(this.#confirmed, covers);
    if (this.#confirmed === this.#sent) this.#arm(undefined);
    this.#wake();
    return true;
  }

  /** Resolves when there may be room; look again. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when the relay has taken everything sent so far, or after `ms`. */
  async taken(ms: number): Promise<void> {
    const upTo = this.#sent;
    const prefix = this.#prefix;
    if (this.#asked < upTo) this.#question();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, ms);
    while (!late && this.#prefix === prefix && this.#confirmed < upTo) await this.room();
    clearTimeout(timer);
  }

  /** Another connection: what was on its way on the one before is over. */
  reset(): void {
    this.#prefix = randomUUID();
    this.#questions.clear();
    this.#sent = 0;
    this.#asked = 0;
    this.#confirmed = 0;
    this.#answers = 0;
    this.#unanswered = 0;
    this.#open = false;
    this.#arm(undefined);
    this.#wake();
  }

  close(): void {
    this.#open = true;
    this.#arm(undefined);
    this.#wake();
  }

  #question(): void {
    this.#asked = this.#sent;
    this.#number += 1;
    const sid = `${this.#prefix}-${this.#number}`;
    this.#questions.set(sid, this.#sent);
    this.#ask(sid);
    this.#arm(ASK_AGAIN_MS);
  }

  #arm(afterMs: number | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = afterMs === undefined ? undefined : setTimeout(() => this.#due(afterMs), afterMs);
  }

  #due(waitedMs: number): void {
    this.#timer = undefined;
    if (this.#confirmed === this.#sent) return;
    if (waitedMs === ASK_AGAIN_MS) this.#unanswered += 1;
    if (this.#answers === 0 && this.#unanswered * ASK_AGAIN_MS >= DEAF_MS) {
      this.#open = true;
      this.#wake();
      this.#deaf();
      return;
    }
    this.#question();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
