// The send window of one stream: a ring of shared memory in which TCP reads land behind head-room, from which frames leave, and which
// keeps them until they are acknowledged. There is no second copy: a record's slot is its retransmission store (architecture.md).
//
//   bytes   |<pad>| head | payload ........ | head | payload .... |  landing: head | chunkBytes free |      |
//                 ^tail (oldest record)                           ^head
//
// Records are contiguous; one that does not fit before the end starts at 0. `first <= unsent <= next` count records: first…unsent-1
// were handed to a lane and wait for their acknowledgement, unsent…next-1 wait to be sent. Single thread.

import { type ByteMemory, PLAIN_MEMORY } from '../memory.js';

/** A landed read up to this size is moved behind the unsent record before it: one frame instead of two costs less than the move. */
const GATHER_BYTES = 8192;

/** A paused reader goes on with so much room at the latest, bytes. */
const ROOM_BYTES = 2_097_152;

export interface SendWindowConfig {
  /** Memory of the ring, bytes. */
  capacityBytes: number;
  /** How far it may grow, bytes; what lies beyond the capacity is never touched before, and so costs nothing. Default: not at all. */
  ceilingBytes?: number;
  /** Room kept in front of every payload for the frame's head, bytes. */
  headRoomBytes: number;
  /** Largest payload of one record, bytes. */
  chunkBytes: number;
  memory?: ByteMemory;
}

export class SendWindow {
  readonly bytes: Uint8Array;
  #capacity: number;
  readonly #headRoom: number;
  #chunk: number;
  #recordAt = new Int32Array(64);
  #recordBytes = new Int32Array(64);
  #first = 0;
  #unsent = 0;
  #next = 0;
  #tail = 0;
  #head = 0;
  /** Where the records end that lie before the wrap: the ring may have grown behind them since. Only with `head <= tail`. */
  #wrappedAt = 0;
  #unsentBytes = 0;
  readonly #memory: ByteMemory;
  /** Payload bytes of the records that were released so far: between own peers, what the peer has. */
  releasedBytes = 0;

  constructor({ capacityBytes, ceilingBytes = 0, headRoomBytes, chunkBytes, memory = PLAIN_MEMORY }: SendWindowConfig) {
    // Two whole records must fit wherever the wrap falls, or a window could be empty and still refuse the next read.
    const capacity = Math.max(capacityBytes, 3 * (headRoomBytes + chunkBytes));
    this.bytes = new Uint8Array(newMemory(Math.max(capacity, ceilingBytes)));
    this.#capacity = capacity;
    this.#memory = memory;
    this.#headRoom = headRoomBytes;
    this.#chunk = chunkBytes;
  }

  /** Memory of the ring now, bytes. */
  get capacityBytes(): number {
    return this.#capacity;
  }

  /** Makes the ring larger, up to its ceiling. What is in it stays where it is. @returns by how many bytes it grew */
  grow(capacityBytes: number): number {
    const before = this.#capacity;
    this.#capacity = Math.max(before, Math.min(capacityBytes, this.bytes.length));
    return this.#capacity - before;
  }

  /** Changes the largest payload of records to come. Larger than the ring was made for is cut to what fits. */
  set chunkBytes(bytes: number) {
    this.#chunk = Math.max(1, Math.min(bytes, Math.floor(this.#capacity / 3) - this.#headRoom));
  }
  get chunkBytes(): number {
    return this.#chunk;
  }

  /** Offset at which the next read of up to `chunkBytes` may land, or -1 when there is no room now. */
  landingAt(): number {
    const at = this.#place(this.#headRoom + this.#chunk);
    return at < 0 ? -1 : at + this.#headRoom;
  }

  /**
   * True when half of the ring is free, or as much as a reader takes in a few turns: the point at which a paused one goes on, so that it does not stutter. Half of
   * a large ring would be what is on its way while one frame of many is late, and nothing would go out meanwhile.
   */
  get roomy(): boolean {
    return this.#capacity - this.usedBytes >= Math.min(this.#capacity >> 1, ROOM_BYTES) && this.landingAt() >= 0;
  }
  /** True when more than half of the ring is in use. */
  get crowded(): boolean {
    return this.usedBytes * 2 > this.#capacity || this.landingAt() < 0;
  }

  /**
   * Takes bytes that were read. They become a new record, or the tail of the last one if that was not sent yet and has room: small
   * reads gather while a lane is busy and are never delayed when it is not.
   * @param landedAt where they lie in `bytes` when they landed there (from {@link landingAt}, since which nothing else was taken); otherwise `source`
   * is copied in
   * @returns false when there is no room for copied bytes; nothing was taken then. A third of the ring always fits, sooner or later
   * @throws RangeError when what landed lies on bytes that were taken after its place was chosen
   */
  take(source: Uint8Array, landedAt = -1): boolean {
    const n = source.length;
    const last = this.#next - 1;
    if (last >= this.#unsent && (landedAt < 0 || n <= GATHER_BYTES) && this.#tryAppend(last, source, landedAt)) return true;
    if (landedAt >= 0) {
      // The region was free when it was chosen. Whoever let other bytes take it meanwhile has spoilt them: no stream may go on with that.
      if (!this.#isFree(landedAt - this.#headRoom, landedAt + n)) throw new RangeError(`a read landed at ${landedAt} on ${n} bytes in use`);
      this.#push(landedAt, n);
      return true;
    }
    const at = this.#place(this.#headRoom + n);
    if (at < 0) return false;
    this.#memory.copy(this.bytes, source, at + this.#headRoom);
    this.#push(at + this.#headRoom, n);
    return true;
  }

  /** Records that wait to be sent. */
  get unsentRecords(): number {
    return this.#next - this.#unsent;
  }
  get unsentBytes(): number {
    return this.#unsentBytes;
  }
  /** Records that were sent and not acknowledged. */
  get inFlightRecords(): number {
    return this.#unsent - this.#first;
  }
  get empty(): boolean {
    return this.#next === this.#first;
  }
  get usedBytes(): number {
    if (this.empty) return 0;
    return this.#head > this.#tail ? this.#head - this.#tail : this.#wrappedAt - this.#tail + this.#head;
  }

  /** Payload offset of the next record to send. Only with `unsentRecords > 0`. */
  get unsentAt(): number {
    return this.#recordAt[this.#unsent & (this.#recordAt.length - 1)] as number;
  }
  /** Payload length of the next record to send, bytes. */
  get unsentRecordBytes(): number {
    return this.#recordBytes[this.#unsent & (this.#recordAt.length - 1)] as number;
  }

  /** The next record to send was taken by a lane. */
  markSent(): void {
    this.#unsentBytes -= this.unsentRecordBytes;
    this.#unsent += 1;
  }

  /** Frees the oldest record. Only records that were marked sent. */
  releaseOldest(): void {
    this.releasedBytes += this.#recordBytes[this.#first & (this.#recordBytes.length - 1)] as number;
    this.#first += 1;
    if (this.empty) {
      this.#tail = 0;
      this.#head = 0;
    } else this.#tail = (this.#recordAt[this.#first & (this.#recordAt.length - 1)] as number) - this.#headRoom;
  }

  /** Forgets everything. */
  clear(): void {
    this.#first = this.#next;
    this.#unsent = this.#next;
    this.#tail = 0;
    this.#head = 0;
    this.#unsentBytes = 0;
  }

  #place(need: number): number {
    if (this.empty) return need <= this.#capacity ? 0 : -1;
    if (this.#head > this.#tail) {
      if (this.#head + need <= this.#capacity) return this.#head;
      return need <= this.#tail ? 0 : -1;
    }
    return this.#head + need <= this.#tail ? this.#head : -1;
  }

  #isFree(from: number, end: number): boolean {
    if (this.empty) return true;
    return this.#head > this.#tail ? from >= this.#head || end <= this.#tail : from >= this.#head && end <= this.#tail;
  }

  #tryAppend(last: number, source: Uint8Array, landedAt: number): boolean {
    const index = last & (this.#recordAt.length - 1);
    const bytes = this.#recordBytes[index] as number;
    if (bytes + source.length > this.#chunk) return false;
    const limit = this.#head > this.#tail ? this.#capacity : this.#tail;
    if (this.#head + source.length > limit) return false;
    // What landed lies one head-room ahead of its place, so that a longer one overlaps it.
    if (landedAt < 0) this.#memory.copy(this.bytes, source, this.#head);
    else this.bytes.copyWithin(this.#head, landedAt, landedAt + source.length);
    this.#head += source.length;
    this.#recordBytes[index] = bytes + source.length;
    this.#unsentBytes += source.length;
    return true;
  }

  #push(payloadAt: number, bytes: number): void {
    if (this.#next - this.#first === this.#recordAt.length) this.#growRecords();
    const index = this.#next & (this.#recordAt.length - 1);
    this.#recordAt[index] = payloadAt;
    this.#recordBytes[index] = bytes;
    if (this.empty) this.#tail = payloadAt - this.#headRoom;
    else if (payloadAt < this.#head) this.#wrappedAt = this.#head;
    this.#head = payloadAt + bytes;
    this.#next += 1;
    this.#unsentBytes += bytes;
  }

  #growRecords(): void {
    const size = this.#recordAt.length;
    const at = new Int32Array(size * 2);
    const bytes = new Int32Array(size * 2);
    for (let i = this.#first; i < this.#next; i += 1) {
      at[i & (size * 2 - 1)] = this.#recordAt[i & (size - 1)] as number;
      bytes[i & (size * 2 - 1)] = this.#recordBytes[i & (size - 1)] as number;
    }
    this.#recordAt = at;
    this.#recordBytes = bytes;
  }
}

/** Shared, where the host has that: browsers give it only to pages that are isolated from other origins, and no other thread looks at this ring there. */
function newMemory(bytes: number): ArrayBufferLike {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}
