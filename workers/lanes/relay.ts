// The `relay` lane of one session, as the channel worker sees it: frames go into a ring that the relay worker drains, and come out of
// another that it fills. A record is a 4-byte binding number (which session) and one HLNK frame. On a session that the peer opened, only
// control frames travel this way: the relay passes Data from the opener only (wire.md 2.3), so they ride in Signals. Channel worker.

import type { Lane, SendVerdict } from '../../native-free/lane.js';
import { RingConsumer, RingProducer } from '../../native-free/ring/index.js';

/** Bytes in front of each frame in a ring: the binding number, big-endian. */
export const BINDING_BYTES = 4;
/** Records taken from the ring before other work of the thread gets a turn. */
const RECORDS_PER_TURN = 64;

export interface RelayLaneEvents {
  frame(lane: RelayLane, message: Uint8Array): void;
  writable(): void;
}

export class RelayLane implements Lane {
  readonly kind = 'relay';
  readonly sid: string;
  readonly binding: number;
  readonly maxFrameBytes: number;
  readonly #rings: RelayRings;
  closed = false;

  constructor(rings: RelayRings, sid: string, binding: number) {
    this.#rings = rings;
    this.sid = sid;
    this.binding = binding;
    this.maxFrameBytes = rings.maxFrameBytes;
  }

  trySend(frame: Uint8Array): SendVerdict {
    return this.closed ? 'closed' : this.#rings.trySend(this.binding, frame);
  }
  bufferedBytes(): number {
    return this.#rings.bufferedBytes();
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#rings.remove(this);
  }
}

/** Both rings of a channel, shared by its relay lanes. */
export class RelayRings {
  readonly #out: RingProducer;
  readonly #in: RingConsumer;
  readonly #events: RelayLaneEvents;
  readonly #lanes = new Map<number, RelayLane>();
  #waitingForSpace = false;
  /** Highest binding heard of: numbers only grow, so one above it is still to come, one below it and unknown is over. */
  #highest = 0;
  #wakeBound: (() => void) | undefined;

  constructor(out: SharedArrayBuffer, incoming: SharedArrayBuffer, events: RelayLaneEvents) {
    this.#out = new RingProducer(out);
    this.#in = new RingConsumer(incoming);
    this.#events = events;
    void this.#drain();
  }

  get maxFrameBytes(): number {
    return this.#out.maxRecordBytes - BINDING_BYTES;
  }

  add(sid: string, binding: number): RelayLane {
    const lane = new RelayLane(this, sid, binding);
    this.#lanes.set(binding, lane);
    this.#highest = Math.max(this.#highest, binding);
    this.#wakeBound?.();
    return lane;
  }

  remove(lane: RelayLane): void {
    this.#lanes.delete(lane.binding);
  }

  trySend(binding: number, frame: Uint8Array): SendVerdict {
    const bytes = BINDING_BYTES + frame.length;
    if (bytes > this.#out.maxRecordBytes) return 'oversize';
    const at = this.#out.claim(bytes);
    if (at < 0) {
      if (this.#out.closed) return 'closed';
      this.#waitForSpace(bytes);
      return 'full';
    }
    const ring = this.#out.bytes;
    ring[at] = binding >>> 24;
    ring[at + 1] = binding >>> 16;
    ring[at + 2] = binding >>> 8;
    ring[at + 3] = binding;
    ring.set(frame, at + BINDING_BYTES);
    this.#out.commit(bytes);
    return 'taken';
  }

  bufferedBytes(): number {
    return this.#out.occupiedBytes();
  }

  close(): void {
    this.#out.close();
    this.#in.close();
    this.#wakeBound?.();
  }

  #waitForSpace(bytes: number): void {
    if (this.#waitingForSpace) return;
    const space = this.#out.spaceWait(bytes);
    this.#waitingForSpace = true;
    const wake = (): void => {
      this.#waitingForSpace = false;
      if (!this.#out.closed) this.#events.writable();
    };
    // Room may have appeared between the claim and the wait: then go on in the next turn, never inside the caller's.
    if (space === undefined) setImmediate(wake);
    else void space.then(wake);
  }

  async #drain(): Promise<void> {
    let records = 0;
    while (!this.#in.closed) {
      const length = this.#in.peek();
      if (length < 0) {
        await this.#in.dataWait();
        continue;
      }
      const at = this.#in.recordStart;
      const ring = this.#in.bytes;
      const binding =
        (((ring[at] as number) << 24) | ((ring[at + 1] as number) << 16) | ((ring[at + 2] as number) << 8) | (ring[at + 3] as number)) >>>
        0;
      if (binding > this.#highest) {
        // The relay worker may hear of a session before this thread does; its frames wait here.
        await new Promise<void>((resolve) => {
          this.#wakeBound = resolve;
        });
        continue;
      }
      const lane = this.#lanes.get(binding);
      // A lane that is gone: the session was replaced, and its late frames with it.
      if (lane !== undefined) this.#events.frame(lane, ring.subarray(at + BINDING_BYTES, at + length));
      this.#in.release();
      records += 1;
      if (records % RECORDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
