// What the local application handed over and the peers have not got yet: whole HLNK frames, numbered from 1 within one run of the daemon,
// oldest first. Positions count on over all runs, so that frames which an earlier run left behind as files go out in front of this run's.
// Invariant: a frame stays until it is released; its bytes are in memory, or in a file. Memory is bounded by whoever asks `full` before a
// push. wire.md 6; seeds "file fallback". Pure; channel worker.

import { encodeFrame } from '../hlnk/index.js';

export interface OutboxFrame {
  /** Which run of the daemon numbered it. */
  readonly run: string;
  readonly number: number;
  /** The frame; undefined while only its file has it. */
  bytes: Uint8Array | undefined;
  /** It lies in a file too. */
  filed: boolean;
  readonly addedMs: number;
}

export class Outbox {
  readonly run: string;
  readonly #memoryBytes: number;
  readonly #frames: OutboxFrame[] = [];
  #first = 0;
  #nextNumber = 1;
  #heldBytes = 0;

  /** @param run name of this run of the daemon @param memoryBytes where {@link full} begins */
  constructor(run: string, memoryBytes: number) {
    this.run = run;
    this.#memoryBytes = memoryBytes;
  }

  /** Position of the oldest frame. */
  get first(): number {
    return this.#first;
  }
  /** Position that the next frame will get. */
  get next(): number {
    return this.#first + this.#frames.length;
  }
  get count(): number {
    return this.#frames.length;
  }
  get heldBytes(): number {
    return this.#heldBytes;
  }
  /** No more frames should be taken until some were released or filed. One frame always fits, however large. */
  get full(): boolean {
    return this.#heldBytes >= this.#memoryBytes;
  }

  /** Takes a frame of the application; everything is copied. @throws HotlinkError as `encodeFrame`: the caller has read it from a frame */
  push(path: Uint8Array, etag: Uint8Array, payload: Uint8Array, nowMs: number): OutboxFrame {
    const bytes = encodeFrame(path, etag, this.#nextNumber, payload);
    const frame: OutboxFrame = { run: this.run, number: this.#nextNumber, bytes, filed: false, addedMs: nowMs };
    this.#nextNumber += 1;
    this.#heldBytes += bytes.length;
    this.#frames.push(frame);
    return frame;
  }

  /** A frame that an earlier run left in a file. In the order of their numbers, before the first {@link push}. */
  pushFiled(run: string, number: number, nowMs: number): void {
    this.#frames.push({ run, number, bytes: undefined, filed: true, addedMs: nowMs });
  }

  at(position: number): OutboxFrame | undefined {
    return this.#frames[position - this.#first];
  }

  /** Lowest number of this frame's run that is still here: what a receiver who knows nothing of the run has to begin with. */
  baseOf(frame: OutboxFrame): number {
    return this.#frames.find(({ run }) => run === frame.run)?.number ?? frame.number;
  }

  /** The frame's file is written: memory may forget its bytes. */
  filed(frame: OutboxFrame): void {
    frame.filed = true;
    this.#forget(frame);
  }

  /** Bytes of a filed frame that were read again, for as long as it takes to send them. One that was released meanwhile stays gone. */
  load(frame: OutboxFrame, bytes: Uint8Array): void {
    if (!this.#frames.includes(frame)) return;
    if (frame.bytes === undefined) this.#heldBytes += bytes.length;
    frame.bytes = bytes;
  }

  /** Every reader has what lies below. @returns the frames that are gone from here, for their files */
  releaseBelow(position: number): OutboxFrame[] {
    const gone = this.#frames.splice(0, Math.max(0, Math.min(position - this.#first, this.#frames.length)));
    this.#first += gone.length;
    for (const frame of gone) this.#forget(frame);
    return gone;
  }

  #forget(frame: OutboxFrame): void {
    this.#heldBytes -= frame.bytes?.length ?? 0;
    frame.bytes = undefined;
  }
}
