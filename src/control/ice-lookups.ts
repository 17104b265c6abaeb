// Asks the embedding program for the STUN and TURN servers of each connection. One question per session at a time; it is withdrawn with its
// connection, and given up after a while: then the connection goes on with host candidates only. Main thread.

import { parseIceServers } from '../../workers/lanes/ice-servers.js';
import type { IceSettings } from '../../workers/messages.js';
import type { Clock } from '../clock.js';
import type { Report } from '../events.js';
import type { IceServersFor } from '../options.js';

/** Longer than a request to a near service takes, shorter than the patience of the peer, which waits for our description, ms. */
const ANSWER_MS = 5000;

export class IceLookups {
  readonly #ask: IceServersFor;
  readonly #peer: string;
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #pending = new Map<string, () => void>();

  constructor(ask: IceServersFor, peer: string, clock: Clock, report: Report) {
    this.#ask = ask;
    this.#peer = peer;
    this.#clock = clock;
    this.#report = report;
  }

  pending(sid: string): boolean {
    return this.#pending.has(sid);
  }

  /** Sessions that are being asked about. */
  sids(): string[] {
    return [...this.#pending.keys()];
  }

  /** @param found called once, in a later turn, unless the question is withdrawn */
  ask(sid: string, found: (ice: IceSettings) => void): void {
    this.withdraw(sid);
    const request = new AbortController();
    const settle = (ice: IceSettings, problems: readonly string[]): void => {
      if (this.#pending.get(sid) !== withdraw) return;
      this.#pending.delete(sid);
      cancel();
      for (const reason of problems) this.#report('ice server left out', { reason }, 'warn');
      found(ice);
    };
    const cancel = this.#clock.after(ANSWER_MS, () => {
      settle({ iceServers: [] }, [`the program named no ICE servers for ${this.#peer} within ${ANSWER_MS} ms; none is used`]);
      request.abort();
    });
    const withdraw = (): void => {
      cancel();
      request.abort();
    };
    this.#pending.set(sid, withdraw);
    void this.#answer(request.signal).then(
      ({ ice, warnings }) => settle(ice, warnings),
      (error: unknown) =>
        settle({ iceServers: [] }, [
          `the program could not name ICE servers for ${this.#peer}: ${error instanceof Error ? error.message : String(error)}; none is used`,
        ]),
    );
  }

  /** Nobody waits for the answer any more. */
  withdraw(sid: string): void {
    const withdraw = this.#pending.get(sid);
    this.#pending.delete(sid);
    withdraw?.();
  }

  close(): void {
    for (const sid of this.sids()) this.withdraw(sid);
  }

  async #answer(signal: AbortSignal): Promise<{ ice: IceSettings; warnings: string[] }> {
    const { urls, username, credential } = await this.#ask({ peer: this.#peer, signal });
    const { warnings } = parseIceServers(urls, username, credential);
    const ice = {
      iceServers: [...urls],
      ...(username === undefined ? {} : { turnUser: username }),
      ...(credential === undefined ? {} : { turnPass: credential }),
    };
    return { ice, warnings };
  }
}
