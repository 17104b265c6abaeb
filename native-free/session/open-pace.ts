// How long an opener waits before its next Open, by what went wrong: silence, refusal, denial, or a session that did not last.
// Invariant: every path is bounded from below or grows, so no peer and no server can make it spin. Wire spec 13.2; pure.

import { backoffMs } from './backoff.js';
import type { OutboundTunables } from './tunables.js';

export class OpenPace {
  readonly #tunables: OutboundTunables;
  readonly #jitter: () => number;
  /** Opens without an Accept, since the last one. */
  #failures = 0;
  #denials = 0;
  /** Sessions in a row that ended soon after they were accepted. */
  #flaps = 0;
  #acceptedAtMs: number | undefined;

  constructor(tunables: OutboundTunables, jitter: () => number) {
    this.#tunables = tunables;
    this.#jitter = jitter;
  }

  /** A new relay connection: what failed on the old one says little. Flaps are the peer's and stay. */
  reset(): void {
    this.#failures = 0;
    this.#denials = 0;
  }

  countAccept(nowMs: number): void {
    this.reset();
    this.#acceptedAtMs = nowMs;
  }

  countSilence(): void {
    this.#failures++;
  }

  /** How long an Open may stay unanswered. */
  answerWaitMs(): number {
    return this.#openWaitMs(this.#failures);
  }

  waitAfterDenialMs(): number {
    const { deniedWaitMs, deniedWaitMaxMs } = this.#tunables;
    return backoffMs(this.#denials++, deniedWaitMs, deniedWaitMaxMs, this.#jitter());
  }

  waitAfterRefusalMs(): number {
    return this.#openWaitMs(this.#failures++);
  }

  /** The acceptor left. */
  waitAfterLossMs(nowMs: number): number {
    return this.#acceptedAtMs === undefined ? this.waitAfterRefusalMs() : this.#openWaitMs(this.#countFlap(nowMs));
  }

  /** The server forgot the session: at once the first time, but never closer to the last Open than the floor. */
  waitAfterUnknownMs(openedAtMs: number, nowMs: number): number {
    const flapsBefore = this.#countFlap(nowMs);
    return flapsBefore === 0 ? Math.max(0, openedAtMs + this.#tunables.reopenFloorMs - nowMs) : this.#openWaitMs(flapsBefore - 1);
  }

  /** Gives how many flaps there were before this one. A session that lived long forgives them. */
  #countFlap(nowMs: number): number {
    if (this.#acceptedAtMs !== undefined && nowMs - this.#acceptedAtMs >= this.#tunables.stableAfterMs) this.#flaps = 0;
    this.#acceptedAtMs = undefined;
    return this.#flaps++;
  }

  #openWaitMs(failures: number): number {
    return backoffMs(failures, this.#tunables.openWaitMs, this.#tunables.openWaitMaxMs, this.#jitter());
  }
}
