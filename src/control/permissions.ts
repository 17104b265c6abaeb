// What channels that nobody prepared need at the relay: each side lets the other into its own copy of the channel's directory. Given when a channel
// is made, and again whenever the relay comes back: one that was started anew, without a data directory, knows nothing of it. Main thread.

import type { HotlinkError } from '../../native-free/index.js';
import { onAbort } from '../abort.js';
import type { Report } from '../events.js';
import type { ForwardPlan } from '../forward.js';
import type { ResolvedOptions } from '../resolved-options.js';
import { grant } from './grant.js';

/** Until a relay that could not take a permission is asked again, ms. */
const AGAIN_MS = 5000;

export class Permissions {
  readonly #options: ResolvedOptions;
  readonly #report: Report;
  /** By the channel's id. */
  readonly #kept = new Map<string, ForwardPlan>();
  /** Ends the round that is under way. */
  #round: AbortController | undefined;
  #relayWasUp = false;
  #ended = false;

  constructor(options: ResolvedOptions, report: Report) {
    this.#options = options;
    this.#report = report;
  }

  /** @throws HotlinkError as {@link grant} */
  async give(plan: ForwardPlan, signal: AbortSignal | undefined): Promise<void> {
    if (this.#options.signaling === undefined) await grant(this.#options, plan, signal);
  }

  /** Given again until {@link forget}. */
  keep(id: string, plan: ForwardPlan): void {
    if (this.#options.signaling === undefined) this.#kept.set(id, plan);
  }

  forget(id: string): void {
    this.#kept.delete(id);
  }

  /** The relay came up, or went. */
  relay(up: boolean): void {
    this.#round?.abort();
    if (up && this.#relayWasUp && !this.#ended) {
      this.#round = new AbortController();
      void this.#renew(this.#round.signal);
    }
    this.#relayWasUp ||= up;
  }

  /** For good. */
  end(): void {
    this.#ended = true;
    this.#round?.abort();
  }

  /** One after the other: there may be hundreds. Where the relay takes none, the next one waits too. */
  async #renew(signal: AbortSignal): Promise<void> {
    for (const [id, plan] of [...this.#kept]) {
      while (this.#kept.has(id)) {
        try {
          await grant(this.#options, plan, signal);
          break;
        } catch (error) {
          if (signal.aborted) return;
          const { code, message } = error as HotlinkError;
          this.#report('permission not renewed', { peer: plan.marker.peer, reason: message }, 'warn');
          if (code !== 'ERR_HLNK_RELAY_UNAVAILABLE') break;
        }
        await this.#pause(signal);
        if (signal.aborted) return;
      }
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(AGAIN_MS, () => {
        unwatch();
        resolve();
      });
      const unwatch = onAbort(signal, () => {
        cancel();
        resolve();
      });
    });
  }
}
