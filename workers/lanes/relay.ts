// The `relay` lane of one session, as the channel worker sees it: frames go into a ring that the relay worker drains, and come out of
// another that it fills. A record is a 4-byte binding number (which session) and one HLNK frame. On a session that the peer opened, only
// control frames travel this way: the relay passes Data from the opener only (wire.md 2.3), so they ride in Signals. Between own peers the
// frames are sealed here (seal.ts), so that relay worker and relay see ciphertext. Invariant: a lane that was not told whether to seal
// carries nothing, either way. Channel worker.

import type { Lane, SendVerdict } from '../../native-free/lane.js';
import { RingConsumer, RingProducer } from '../../native-free/ring/index.js';
import { copyInto } from '../memory.js';
import type { Opened, Seal } from './seal.js';

/** Bytes in front of each frame in a ring: the binding number, big-endian. */
export const BINDING_BYTES = 4;
/** Records taken from the ring before other work of the thread gets a turn. */
const RECORDS_PER_TURN = 64;
/** Most that sealing adds to a frame: head, path, etag, tag. A path may have 4096 bytes. */
const MAX_SEAL_BYTES = 21 + 4096 + 12 + 16;

export interface RelayLaneEvents {
  /** @param lasting the bytes stay valid after the call */
  frame(lane: RelayLane, message: Uint8Array, lasting: boolean): void;
  /** A sealed frame that is not genuine: nothing of it was let through. */
  broken(lane: RelayLane): void;
  /** A sealed frame that was seen before. */
  repeat(): void;
  writable(): void;
}

export class RelayLane implements Lane {
  readonly kind = 'relay';
  readonly sid: string;
  readonly binding: number;
  readonly maxFrameBytes: number;
  readonly #rings: RelayRings;
  #seal: Seal | 'plain' | undefined;
  closed = false;

  constructor(rings: RelayRings, sid: string, binding: number) {
    this.#rings = rings;
    this.sid = sid;
    this.binding = binding;
    this.maxFrameBytes = rings.maxFrameBytes - MAX_SEAL_BYTES;
  }

  /** Whether it was told if frames are sealed. What comes in before that waits. */
  get ready(): boolean {
    return this.#seal !== undefined;
  }

  /** @param seal of this session, always the same one; `plain` toward peers that cannot seal */
  begin(seal: Seal | 'plain'): void {
    if (this.#seal !== undefined) return;
    this.#seal = seal;
    this.#rings.wake();
  }

  trySend(frame: Uint8Array): SendVerdict {
    if (this.closed || this.#seal === undefined) return 'closed';
    return this.#rings.trySend(this.binding, frame, this.#seal === 'plain' ? undefined : this.#seal);
  }

  /** Opens a frame that came in, if frames are sealed here. */
  open(frame: Uint8Array): Opened | 'plain' {
    return this.#seal === undefined || this.#seal === 'plain' ? 'plain' : this.#seal.open(frame);
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
    this.wake();
    return lane;
  }

  remove(lane: RelayLane): void {
    this.#lanes.delete(lane.binding);
    this.wake();
  }

  /** A lane may take what waits for it now, or is gone. */
  wake(): void {
    this.#wakeBound?.();
  }

  trySend(binding: number, frame: Uint8Array, seal: Seal | undefined): SendVerdict {
    const bytes = BINDING_BYTES + (seal === undefined ? frame.length : seal.sealedBytes(frame));
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
    if (seal === undefined) copyInto(ring, frame, at + BINDING_BYTES);
    else seal.seal(frame, ring, at + BINDING_BYTES);
    this.#out.commit(bytes);
    return 'taken';
  }

  bufferedBytes(): number {
    return this.#out.occupiedBytes();
  }

  close(): void {
    this.#out.close();
    this.#in.close();
    this.wake();
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
      const lane = this.#lanes.get(binding);
      // The relay worker may hear of a session before this thread does, and a peer's first frame may overtake the keys: they wait here.
      if (binding > this.#highest || lane?.ready === false) {
        await new Promise<void>((resolve) => {
          this.#wakeBound = resolve;
        });
        continue;
      }
      // A lane that is gone: the session was replaced, and its late frames with it.
      if (lane !== undefined) this.#take(lane, ring.subarray(at + BINDING_BYTES, at + length));
      this.#in.release();
      records += 1;
      if (records % RECORDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  #take(lane: RelayLane, frame: Uint8Array): void {
    const opened = lane.open(frame);
    if (opened === 'plain') this.#events.frame(lane, frame, false);
    else if (opened === 'broken') this.#events.broken(lane);
    else if (opened === 'repeat') this.#events.repeat();
    else this.#events.frame(lane, opened, true);
  }
}
