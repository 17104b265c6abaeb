// Whether the other end of a connection is still there: asked when it is silent, given up when it does not answer. Time is an argument.
import type { RelayLimits } from './limits.js';

export class Silence {
  private readonly limits: Pick<RelayLimits, 'pingMs' | 'pongMs'>;
  private heardAtMs: number;
  private askedAtMs: number | undefined;

  constructor(limits: Pick<RelayLimits, 'pingMs' | 'pongMs'>, nowMs: number) {
    this.limits = limits;
    this.heardAtMs = nowMs;
  }

  /** Anything at all came. */
  heard(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.askedAtMs = undefined;
  }

  /** @returns `ask` when it is to be pinged now, `dead` when it was and did not answer */
  look(nowMs: number): 'well' | 'ask' | 'dead' {
    if (this.askedAtMs !== undefined) return nowMs - this.askedAtMs >= this.limits.pongMs ? 'dead' : 'well';
    if (nowMs - this.heardAtMs < this.limits.pingMs) return 'well';
    this.askedAtMs = nowMs;
    return 'ask';
  }
}
