// Looks after the connections there are: ends those that are stuck, silent, expired, out of favour, or too slow for a relay whose queues are full.
// Invariant: whoever is ended is told why, if it can hear, and is counted.
import type { Log } from '../options.js';
import { Connection } from './connection.js';
import type { RelayCounters } from './counters.js';
import type { Hub } from './hub.js';
import type { RelayLimits } from './limits.js';

/** The queues of all recipients are added up whenever so much more was sent. */
const QUEUE_CHECK_BYTES = 16 * 1024 * 1024;

export class Patrol {
  private readonly hub: Hub;
  private readonly limits: RelayLimits;
  private readonly counters: RelayCounters;
  private readonly log: Log;
  private bytesAtQueueCheck = 0;

  constructor(hub: Hub, limits: RelayLimits, counters: RelayCounters, log: Log) {
    this.hub = hub;
    this.limits = limits;
    this.counters = counters;
    this.log = log;
  }

  /** To be asked now and then. @param nowMs monotonic @param unixMs wall clock */
  look(nowMs: number, unixMs: number): void {
    this.checkQueues();
    for (const connection of [...this.hub.all()]) {
      const { expiresAtMs } = connection.facts;
      if (connection.flow.isStuck(nowMs, this.limits.stuckMs)) this.end(connection, 'stuckDisconnects', 1013, 'takes nothing');
      else if (expiresAtMs !== undefined && unixMs >= expiresAtMs) this.end(connection, 'expiredDisconnects', 1008, 'token expired');
      else if (!connection.isAlive(nowMs)) this.end(connection, 'silentDisconnects', undefined, 'nothing heard of it');
    }
  }

  /** To be called after every message: cheap. */
  sent(): void {
    if (this.counters.bytesOut - this.bytesAtQueueCheck > QUEUE_CHECK_BYTES) this.checkQueues();
  }

  /** A user has wanted more than it may for too long. */
  endAllOf(user: string): void {
    for (const recipient of [...this.hub.of(user)])
      if (recipient instanceof Connection) this.end(recipient, 'rateDisconnects', 1008, 'too many messages');
  }

  /** This process may not serve anybody for now. */
  endAll(counter: keyof RelayCounters, code: number, reason: string): void {
    for (const connection of [...this.hub.all()]) this.end(connection, counter, code, reason);
  }

  /** What clients are known by has changed: those whose token is no longer good leave, and those of whom that is not said in time. */
  async recheck(): Promise<void> {
    await Promise.all([...this.hub.all()].map((connection) => this.recheckOne(connection)));
  }

  private async recheckOne(connection: Connection): Promise<void> {
    const { isGood } = connection.facts;
    if (isGood !== undefined && !(await isSoGood(isGood, this.limits.authMs)))
      this.end(connection, 'expiredDisconnects', 1008, 'token revoked');
  }

  /** When too much is held for all together, whoever has the most goes; its senders go on. */
  private checkQueues(): void {
    this.bytesAtQueueCheck = this.counters.bytesOut;
    const held = [...this.hub.all()].map((connection) => ({ connection, bytes: connection.heldBytes }));
    let totalBytes = held.reduce((sum, { bytes }) => sum + bytes, 0);
    if (totalBytes <= this.limits.maxQueuedBytes) return;
    held.sort((a, b) => b.bytes - a.bytes);
    for (const { connection, bytes } of held) {
      if (totalBytes <= this.limits.maxQueuedBytes) return;
      totalBytes -= bytes;
      this.end(connection, 'overflowDisconnects', 1013, 'too slow for a full relay');
    }
  }

  /** @param code undefined: without a word, to somebody who would not hear it */
  private end(connection: Connection, counter: keyof RelayCounters, code: number | undefined, reason: string): void {
    this.counters[counter]++;
    const { user, id, facts } = connection;
    this.log.warn({ user, connection: id, address: facts.address, reason }, 'disconnected by the relay');
    if (code === undefined) connection.terminate();
    else connection.close(code, reason);
  }
}

/** An embedder's word: one that throws, or never comes, is no. */
async function isSoGood(isGood: () => boolean | Promise<boolean>, waitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  try {
    return await Promise.race([isGood(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
