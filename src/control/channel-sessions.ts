// The live sessions of one channel: told to the worker when they come up, bound to the relay's rings when they need them, retired when
// a successor is there, dropped at the end. A binding's number is never used twice. The relay worker's half of a binding ends here with
// `unbind`; the rings last as long as the channel. Main thread.

import { createRing, type Fingerprint, ringOccupiedBytes } from '../../native-free/index.js';
import type { ChannelEvents, ChannelOptions } from './channel-options.js';
import type { ChannelWorker } from './channel-worker.js';
import { ANY_PATH_MTU, LARGEST_MTU } from './path-mtu.js';
import { epochOf, type SessionRecord } from './session-record.js';

const WHOLE_RING_BYTES = 16_777_216;

export class ChannelSessions {
  readonly #options: ChannelOptions;
  readonly #worker: ChannelWorker;
  readonly #events: ChannelEvents;
  readonly #records = new Map<string, SessionRecord>();
  #rings: { out: SharedArrayBuffer; in: SharedArrayBuffer } | undefined;
  #nextBinding = 1;

  constructor(options: ChannelOptions, worker: ChannelWorker, events: ChannelEvents) {
    this.#options = options;
    this.#worker = worker;
    this.#events = events;
  }

  get(sid: string): SessionRecord | undefined {
    return this.#records.get(sid);
  }

  /** Bytes that wait in the rings between the channel's thread and the relay worker; undefined while there are none. */
  ringBytes(): { out: number; in: number } | undefined {
    if (this.#rings === undefined) return undefined;
    return { out: ringOccupiedBytes(this.#rings.out), in: ringOccupiedBytes(this.#rings.in) };
  }

  /** In the order they came up, retired ones included. */
  all(): IterableIterator<SessionRecord> {
    return this.#records.values();
  }

  /** A session was accepted, by either side. */
  add(sid: string, direction: 'in' | 'out', path: string, peer: Fingerprint): SessionRecord {
    const own = peer.kind === 'hotlink';
    const sameHost = 'host' in peer && peer.host === this.#options.host;
    const mtu = this.#options.mtu === 'auto' ? (sameHost ? LARGEST_MTU : ANY_PATH_MTU) : this.#options.mtu;
    const record: SessionRecord = {
      sid,
      direction,
      path,
      peer,
      mtu,
      sameHost,
      binding: 0,
      negotiation: undefined,
      offerUfrag: undefined,
      webrtc: 'none',
      webrtcReason: '',
      connections: 0,
      peerConnections: 1,
      direct: {
        state: 'none',
        reason: '',
        token: undefined,
        offer: undefined,
        said: undefined,
        attempts: 0,
        repeatAtMs: undefined,
        deadlineMs: undefined,
        retryAtMs: undefined,
      },
      candidates: undefined,
      acceptedMs: this.#options.clock.unixMs(),
      attempts: 0,
      rtcStarting: 0,
      ice: undefined,
      retired: false,
      exchange: undefined,
      seal: 'pending',
      sealReason: '',
      relayWanted: false,
      identity: undefined,
      unvouched: false,
      askedAtMs: Number.NEGATIVE_INFINITY,
      offerDueAtMs: undefined,
      retryAtMs: undefined,
    };
    this.#records.set(sid, record);
    this.#worker.tell({ t: 'session-up', sid, direction, own, epoch: epochOf(peer), path, countsOn: peer.kind === 'go' });
    this.#events.event('session accepted', { peer: this.#options.marker.peer, sid, direction, client: peer.kind });
    return record;
  }

  /** Binds a session to the relay's rings, which are made for the first. Does nothing to one that is bound. */
  bindRelay(record: SessionRecord): void {
    if (record.binding !== 0) return;
    const { index, limits, shape } = this.#options;
    if (this.#rings === undefined) {
      // Out: four of our largest frames. In: a peer's frames may be larger than ours (a Rust chunk goes up to 1 MiB).
      // An application's frame to or from an upstream peer is never cut: rings as large as two of the relay's largest messages.
      const whole = shape.kind === 'ipc' && record.peer.kind !== 'hotlink';
      const out = createRing(whole ? WHOLE_RING_BYTES : Math.max(1_048_576, 4 * (limits.chunkBytes + 8192)));
      const incoming = createRing(whole ? WHOLE_RING_BYTES : 4_194_304);
      this.#rings = { out, in: incoming };
      this.#events.relay({ t: 'rings', channel: index, out, in: incoming });
      this.#worker.tell({ t: 'relay-rings', out, in: incoming });
    }
    record.binding = this.#nextBinding;
    this.#nextBinding += 1;
    const paths = shape.kind === 'ipc';
    this.#events.relay({ t: 'bind', channel: index, binding: record.binding, sid: record.sid, direction: record.direction, paths });
    this.#worker.tell({ t: 'relay-up', sid: record.sid, binding: record.binding, direction: record.direction });
  }

  /** The relay connection is gone, and every binding with it. @param lossy frames of this channel may be lost with it */
  relayDown(reason: string, lossy: boolean): void {
    for (const record of this.#records.values()) this.unbindRelay(record, reason, lossy);
  }

  /** Takes a session off the relay's rings. */
  unbindRelay(record: SessionRecord, reason: string, lossy = false): void {
    if (record.binding === 0) return;
    record.binding = 0;
    this.#events.relay({ t: 'unbind', sid: record.sid });
    this.#worker.tell({ t: 'relay-down', sid: record.sid, reason, lossy });
  }

  /** Ends a session that has a successor. Its peer-to-peer lane, if one is up, goes on carrying bytes until the successor has one (own peers). */
  retire(sid: string, reason: string): void {
    const record = this.#records.get(sid);
    if (record === undefined) return;
    if ((record.webrtc !== 'connected' && record.direct.state !== 'connected') || record.peer.kind !== 'hotlink' || this.#worker.stopping) {
      this.drop(sid, reason);
      return;
    }
    record.retired = true;
    this.unbindRelay(record, reason);
  }

  /** A lane of `record` is up: those it succeeds are not needed any more. */
  dropRetired(record: SessionRecord): void {
    for (const old of [...this.#records.values()]) {
      if (old.retired && old.direction === record.direction) this.drop(old.sid, 'its successor is up');
    }
  }

  /** @param farewell the peer ended it in an orderly way: what it said last may still be on its way on a lane of ours */
  drop(sid: string, reason: string, farewell = false): void {
    const record = this.#records.get(sid);
    if (record === undefined) return;
    this.#records.delete(sid);
    if (record.binding !== 0) this.#events.relay({ t: 'unbind', sid });
    this.#worker.tell({ t: 'session-down', sid, farewell });
    this.#events.event('session ended', { peer: this.#options.marker.peer, sid, reason });
    this.#events.changed();
  }
}
