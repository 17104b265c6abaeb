// Keeps time-limited TURN credentials good: the relay says with each connection for how long they are, and before that time is over it is asked
// for new ones over HTTP. They count for the next peer connection; one that is up keeps its allocation. Upstream relays know neither the
// header nor the request, so nothing is asked of them. One timer; whoever makes it stops it. Main thread.

import { z } from 'zod';
import { type Clock, systemClock } from '../clock.js';
import { whyUnanswered } from './unanswered.js';

/** Asked when this part of the time is over: early enough for a few attempts that fail. */
const REFRESH_AT = 0.75;
/** Between attempts while the relay does not answer, ms. */
const RETRY_MS = 5000;
const ANSWER_MS = 10_000;
/** A week: what the relay allows at most, and within a timer's range. */
const MAX_TTL_SECONDS = 604_800;

const Advert = z.object({
  iceServers: z.array(z.string()),
  turnUser: z.string().optional(),
  turnPass: z.string().optional(),
  turnTtlSeconds: z.number().int().min(1).max(MAX_TTL_SECONDS).optional(),
});

export type FreshIce = z.infer<typeof Advert>;

export interface IceRefreshEvents {
  fresh(advert: FreshIce): void;
  failed(reason: string): void;
}

export class IceRefresh {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #events: IceRefreshEvents;
  readonly #clock: Clock;
  /** Cancels the timer. */
  #timer: (() => void) | undefined;

  constructor(server: string, email: string, token: string | undefined, events: IceRefreshEvents, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#url = iceUrl(server, email);
    // No socket stays in a pool of the process past our end.
    this.#headers = { connection: 'close', ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    this.#events = events;
  }

  /** The relay connection came up. @param ttlSeconds as its header says it; undefined: nothing expires */
  began(ttlSeconds: string | undefined): void {
    const seconds = Number(ttlSeconds);
    this.#schedule(ttlSeconds !== undefined && seconds >= 1 && seconds <= MAX_TTL_SECONDS ? seconds * REFRESH_AT * 1000 : undefined);
  }

  /** New credentials will be asked for. */
  get pending(): boolean {
    return this.#timer !== undefined;
  }

  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  #schedule(inMs: number | undefined): void {
    this.stop();
    if (inMs === undefined) return;
    this.#timer = this.#clock.after(inMs, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const timer = this.#timer;
    let next: number | undefined = RETRY_MS;
    try {
      const answer = await fetch(this.#url, { headers: this.#headers, signal: AbortSignal.timeout(ANSWER_MS) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const advert = Advert.parse(await answer.json());
      // A new connection, or the end, has come in between: its word counts.
      if (timer !== this.#timer) return;
      this.#events.fresh(advert);
      next = advert.turnTtlSeconds === undefined ? undefined : advert.turnTtlSeconds * REFRESH_AT * 1000;
    } catch (error) {
      if (timer !== this.#timer) return;
      this.#events.failed(whyUnanswered(error));
    }
    this.#schedule(next);
  }
}

function iceUrl(server: string, email: string): string {
  const url = new URL(server);
  url.protocol = url.protocol.replace(/^ws/, 'http');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/hotlink/ice`;
  url.search = '';
  url.searchParams.set('user', email);
  return url.href;
}
