// How much one user may send: a token bucket for messages and one for bytes, shared by all its connections.
// Invariant: nothing that was read is refused for its rate; whoever is beyond it is not read for a while. Time is an argument.
import type { RelayLimits } from './limits.js';

/** Fills at a steady rate up to a second's worth; may be overdrawn by what was read already. */
class Bucket {
  private readonly perSecond: number;
  private tokens: number;
  private atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.tokens = perSecond;
    this.atMs = nowMs;
  }

  /** @returns for how long nothing more is to be taken, ms */
  take(count: number, nowMs: number): number {
    if (this.perSecond === 0) return 0;
    this.fill(nowMs);
    this.tokens -= count;
    return this.tokens >= 0 ? 0 : (-this.tokens / this.perSecond) * 1000;
  }

  level(nowMs: number): number {
    if (this.perSecond === 0) return 1;
    this.fill(nowMs);
    return this.tokens / this.perSecond;
  }

  private fill(nowMs: number): void {
    this.tokens = Math.min(this.perSecond, this.tokens + ((nowMs - this.atMs) / 1000) * this.perSecond);
    this.atMs = nowMs;
  }
}

/** One user's allowance. */
export class UserRate {
  /** Since when it has wanted more messages than it may, without a break. */
  private overSinceMs: number | undefined;
  private readonly messages: Bucket;
  private readonly bytes: Bucket;
  private readonly closeMs: number;

  constructor(limits: Pick<RelayLimits, 'messagesPerSecond' | 'bytesPerSecond' | 'throttleCloseMs'>, nowMs: number) {
    this.messages = new Bucket(limits.messagesPerSecond, nowMs);
    this.bytes = new Bucket(limits.bytesPerSecond, nowMs);
    this.closeMs = limits.throttleCloseMs;
  }

  /**
   * Count what was read.
   * @returns for how long not to read on, ms; 'abuse' when it has gone on beyond the limit for too long
   */
  take(messages: number, bytes: number, nowMs: number): number | 'abuse' {
    // Half a second's worth saved is a break.
    if (this.overSinceMs !== undefined && this.messages.level(nowMs) >= 0.5) this.overSinceMs = undefined;
    const forMessagesMs = this.messages.take(messages, nowMs);
    const forBytesMs = this.bytes.take(bytes, nowMs);
    if (forMessagesMs > 0) {
      this.overSinceMs ??= nowMs;
      if (this.closeMs > 0 && nowMs - this.overSinceMs >= this.closeMs) return 'abuse';
    }
    return Math.max(forMessagesMs, forBytesMs);
  }

  /** Whether forgetting it gives nothing away. */
  isRested(nowMs: number): boolean {
    return this.messages.level(nowMs) >= 1 && this.bytes.level(nowMs) >= 1;
  }
}

/** All users' allowances. Kept past a user's last connection, so that connecting again does not fill them. */
export class Rates {
  private readonly limits: RelayLimits;
  private readonly byUser = new Map<string, UserRate>();

  constructor(limits: RelayLimits) {
    this.limits = limits;
  }

  of(user: string, nowMs: number): UserRate {
    let rate = this.byUser.get(user);
    if (rate === undefined) {
      rate = new UserRate(this.limits, nowMs);
      this.byUser.set(user, rate);
    }
    return rate;
  }

  /** Forget those who are away and have their full allowance again; a second of absence is enough. */
  sweep(nowMs: number, isConnected: (user: string) => boolean): void {
    for (const [user, rate] of this.byUser) if (!isConnected(user) && rate.isRested(nowMs)) this.byUser.delete(user);
  }
}
