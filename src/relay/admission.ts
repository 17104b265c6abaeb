// Who is let in: asks where a request's page is from and who sent it, and whether there is room for one more connection (wire §1.1).
// Invariant: every refusal has a status, a code and a reason, and is counted.
import type { IncomingMessage } from 'node:http';
import type { Log } from '../options.js';
import { AddressCount, TrustedProxies } from './addresses.js';
import { decide, type Identity, isAllowedOrigin } from './auth.js';
import type { RelayCounters } from './counters.js';
import type { Credentials } from './credentials.js';
import type { Hub } from './hub.js';
import type { RelayLimits } from './limits.js';
import { type RelaySettings, SILENT } from './options.js';
import type { Refusal } from './upgrade.js';

export type Known = Extract<Identity, { ok: true }>;

export class Admission {
  readonly proxies: TrustedProxies;
  /** Why nobody is let in any more. */
  closed: string | undefined;
  /** Why nobody is let in just now. */
  whyAway: () => string | undefined = () => undefined;
  /** Counts how often what clients are known by has changed: who was found out about before is asked again. */
  generation = 0;
  private readonly allowedOrigins: readonly string[];
  private readonly limits: RelayLimits;
  private readonly credentials: Credentials;
  private readonly hub: Hub;
  private readonly counters: RelayCounters;
  private readonly log: Log;
  private readonly addresses = new AddressCount();

  constructor(options: RelaySettings, limits: RelayLimits, credentials: Credentials, hub: Hub, counters: RelayCounters) {
    this.proxies = new TrustedProxies(options.trustProxy ?? []);
    this.allowedOrigins = options.allowedOrigins ?? [];
    this.log = options.log ?? SILENT;
    this.limits = limits;
    this.credentials = credentials;
    this.hub = hub;
    this.counters = counters;
  }

  /** Tell who sent a request, if its page may. */
  async identify(request: IncomingMessage): Promise<Known | Refusal> {
    if (!isAllowedOrigin(request, this.allowedOrigins)) {
      this.counters.authFailures++;
      return { ok: false, status: 403, code: 'E_ACCESS_DENIED', error: 'requests from pages of other hosts are refused' };
    }
    const verdict = await decide(this.credentials.authenticate, request, this.limits.authMs);
    if (verdict.ok) return verdict;
    if ('failed' in verdict) {
      const refusal = {
        ok: false,
        status: 503,
        code: 'E_SERVICE_UNAVAILABLE',
        error: 'who you are could not be found out; try again',
      } as const;
      // Whoever did not wait for the answer says nothing about how well we authenticate.
      if (request.socket.destroyed) return refusal;
      this.counters.authErrors++;
      this.log.error({ reason: verdict.reason }, 'authentication failed on this side');
      return refusal;
    }
    this.counters.authFailures++;
    return { ok: false, status: 401, code: 'E_AUTH_INVALID_CREDENTIALS', error: verdict.reason };
  }

  /** @returns why one more connection cannot be taken */
  noRoomFor(user: string, address: string): Refusal | undefined {
    const refusal = this.whyFull(user, address);
    if (refusal !== undefined) this.log.warn({ user, address, reason: refusal.error }, 'connection refused');
    return refusal;
  }

  /** A connection from there has begun; {@link left} when it has ended. */
  entered(address: string): void {
    this.addresses.add(address);
  }

  left(address: string): void {
    this.addresses.remove(address);
  }

  private whyFull(user: string, address: string): Refusal | undefined {
    const { maxConnections, maxConnectionsPerUser, maxConnectionsPerAddress } = this.limits;
    if (this.closed !== undefined) {
      this.counters.refusedDraining++;
      return { ok: false, status: 503, code: 'E_SERVICE_UNAVAILABLE', error: this.closed };
    }
    const away = this.whyAway();
    if (away !== undefined) return { ok: false, status: 503, code: 'E_SERVICE_UNAVAILABLE', error: away };
    if (this.hub.connections >= maxConnections) {
      this.counters.refusedTotal++;
      return { ok: false, status: 503, code: 'E_SERVICE_UNAVAILABLE', error: 'the relay has as many connections as it may have' };
    }
    if ([...this.hub.of(user)].length >= maxConnectionsPerUser) {
      this.counters.refusedUser++;
      return { ok: false, status: 429, code: 'E_RATE_LIMITED', error: `${user} has ${maxConnectionsPerUser} connections already` };
    }
    if (this.addresses.of(address) >= maxConnectionsPerAddress) {
      this.counters.refusedAddress++;
      return { ok: false, status: 429, code: 'E_RATE_LIMITED', error: `your address has ${maxConnectionsPerAddress} connections already` };
    }
    return undefined;
  }
}
