// The `direct` lane of one session: HLNK frames back to back on a TLS 1.3 connection that both ends have agreed to keep (direct/attempt.ts).
// Between own peers only. Channel worker.
//
// Out: a write is given to TLS only when the one before has left; TLS encrypts it within the call, so the memory is free again on return
// (test/workers/direct-lane.test.ts holds it to that). While a write is under way a large frame is not taken: it leaves as the next write,
// without a copy. Small ones are copied behind each other and leave as one write: gathered without waiting for anything.
// In: decrypted bytes land in the reader's block, and frames are views of it.

import type { TLSSocket } from 'node:tls';
import type { Lane, SendVerdict } from '../../native-free/lane.js';
import { clockMs } from '../clock.js';
import { FrameReader } from '../direct/frame-reader.js';
import { landReads } from '../direct/land-reads.js';

/** A 1 MiB chunk with its head; a larger frame is refused as nonsense. */
const MAX_FRAME_BYTES = 1_048_576 + 8192;
/** Larger frames are not copied. A write costs about as much as copying this many bytes out of shared memory. */
const SMALL_FRAME_BYTES = 32_768;
/** A write that takes longer is a dead path, ms. TCP itself would try for a quarter of an hour. */
const STUCK_MS = 30_000;
/** An idle connection asks whether the path is alive after this, ms; NATs forget an idle one within minutes. */
const KEEP_ALIVE_MS = 15_000;
/** What is under way when the lane closes may take this long to leave, ms. */
const LINGER_MS = 1000;

export interface DirectLaneEvents {
  /** @param lasting the bytes stay valid after the call */
  frame(lane: DirectLane, message: Uint8Array, lasting: boolean): void;
  writable(lane: DirectLane): void;
  /** Over. Reported once, not for one's own close. */
  closed(lane: DirectLane, reason: string): void;
}

export class DirectLane implements Lane {
  readonly kind = 'direct';
  readonly sid: string;
  readonly maxFrameBytes = MAX_FRAME_BYTES;
  readonly #socket: TLSSocket;
  readonly #highBytes: number;
  readonly #events: DirectLaneEvents;
  readonly #reader: FrameReader;
  /** Frames that wait for the write under way. */
  #waiting: Buffer;
  #waitingBytes = 0;
  #writingBytes = 0;
  #full = false;
  #closed = false;
  #why = '';
  #writtenMs = 0;
  readonly #watch: NodeJS.Timeout;
  readonly #written = (error?: Error | null): void => this.#left(error);

  /** @param highBytes bytes that may wait before the lane says `full` */
  constructor(sid: string, socket: TLSSocket, highBytes: number, events: DirectLaneEvents) {
    this.sid = sid;
    this.#socket = socket;
    this.#highBytes = highBytes;
    this.#events = events;
    this.#waiting = Buffer.allocUnsafeSlow(2 * SMALL_FRAME_BYTES);
    this.#reader = new FrameReader(MAX_FRAME_BYTES, (message, lasting) => {
      if (!this.#closed) this.#events.frame(this, message, lasting);
    });
    this.#watch = setInterval(() => this.#look(), STUCK_MS / 4);
    this.#watch.unref();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('error', (error) => {
      this.#why = error.message;
    });
    socket.on('close', () => this.#lost(this.#why === '' ? 'the peer closed the connection' : this.#why));
  }

  /** Begins to take frames. Not before the owner knows the lane. */
  begin(): void {
    if (this.#socket.destroyed) {
      setImmediate(() => this.#lost('the connection was closed at once'));
      return;
    }
    for (let rest = this.#socket.read() as Buffer | null; rest !== null; rest = this.#socket.read() as Buffer | null) {
      if (!this.#judge(this.#reader.push(rest))) return;
    }
    const landing = landReads(
      this.#socket,
      () => this.#reader.space(),
      (bytes) => this.#judge(this.#reader.landed(bytes)),
    );
    if (!landing) this.#socket.on('data', (chunk: Buffer) => this.#judge(this.#reader.push(chunk)));
  }

  trySend(frame: Uint8Array, urgent = false): SendVerdict {
    if (this.#closed) return 'closed';
    if (frame.length > MAX_FRAME_BYTES) return 'oversize';
    if (this.#writingBytes === 0) {
      this.#write(frame);
      return 'taken';
    }
    if (!urgent && (frame.length > SMALL_FRAME_BYTES || this.bufferedBytes() >= this.#highBytes)) {
      this.#full = true;
      return 'full';
    }
    if (this.#waitingBytes + frame.length > this.#waiting.length) this.#grow(frame.length);
    this.#waiting.set(frame, this.#waitingBytes);
    this.#waitingBytes += frame.length;
    return 'taken';
  }

  bufferedBytes(): number {
    return this.#waitingBytes + this.#writingBytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    const socket = this.#socket;
    if (this.#waitingBytes > 0 && !socket.destroyed) socket.write(Buffer.from(this.#waiting.subarray(0, this.#waitingBytes)));
    this.#waitingBytes = 0;
    // What is under way still leaves; a peer that does not take it does not keep the connection for ever.
    socket.destroySoon();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  #write(bytes: Uint8Array): void {
    this.#writingBytes = bytes.length;
    this.#writtenMs = clockMs();
    // The last word of the attempt may still be under way: behind it Node would keep the frame itself, and its slot may be written over.
    this.#socket.write(this.#socket.writableLength === 0 ? bytes : Buffer.from(bytes), this.#written);
  }

  /** The write under way has left. */
  #left(error: Error | null | undefined): void {
    if (this.#closed || (error !== null && error !== undefined)) return; // 'close' follows
    this.#writingBytes = 0;
    if (this.#waitingBytes > 0) {
      const bytes = this.#waiting.subarray(0, this.#waitingBytes);
      this.#waitingBytes = 0;
      this.#write(bytes);
    }
    if (!this.#full) return;
    this.#full = false;
    this.#events.writable(this);
  }

  #look(): void {
    if (this.#writingBytes > 0 && clockMs() - this.#writtenMs > STUCK_MS) this.#lost(`the connection took nothing for ${STUCK_MS} ms`);
  }

  #grow(moreBytes: number): void {
    const grown = Buffer.allocUnsafeSlow(2 * (this.#waitingBytes + moreBytes));
    this.#waiting.copy(grown, 0, 0, this.#waitingBytes);
    this.#waiting = grown;
  }

  #judge(wrong: string | undefined): boolean {
    if (wrong === undefined) return true;
    this.#lost(`what arrived is no frame: ${wrong}`);
    return false;
  }

  #lost(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    this.#socket.destroy();
    this.#events.closed(this, reason);
  }
}
