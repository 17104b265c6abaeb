// The relay worker's end of one channel's two rings. Frames out: HLNK records become Data envelopes (or Signals, on a session the peer
// opened), paced by the socket's buffer. Envelopes in: they become HLNK records; when the ring is full the socket is paused, so that the
// back-pressure reaches the sender instead of this process's memory. Relay worker thread.

import { encodeDataEnvelope, encodeEnvelope, FRAME_SIGNAL, MessageType } from '../../native-free/envelope/index.js';
import { FrameView, headRoomBytes, writeFrameHead } from '../../native-free/hlnk/index.js';
import { RingConsumer, RingProducer } from '../../native-free/ring/index.js';
import { BINDING_BYTES } from '../lanes/relay.js';
import { copyInto, NODE_MEMORY } from '../memory.js';
import type { RelayPace } from './pace.js';
import type { RelaySocket } from './socket.js';

/** Bytes waiting in the socket above which no further frame is sent, bytes. */
const HIGH_BYTES = 2_097_152;
const RECORDS_PER_TURN = 64;

export interface Binding {
  number: number;
  sid: string;
  direction: 'in' | 'out';
  /** The paths that frames name are handed on. */
  paths: boolean;
}

export class ChannelRings {
  readonly #out: RingConsumer;
  readonly #in: RingProducer;
  readonly #socket: RelaySocket;
  readonly #pace: RelayPace;
  readonly #bindings = new Map<number, Binding>();
  readonly #view = new FrameView();
  readonly #messageId: () => string;
  /** Highest number bound so far: numbers only grow, so one above it is still to come, one below it and unknown is over. */
  #highest = 0;
  #wakeBound: (() => void) | undefined;
  #closed = false;
  /** Number of the last frame of ours that went out on this connection. */
  #lastSent = 0;

  constructor(out: SharedArrayBuffer, incoming: SharedArrayBuffer, socket: RelaySocket, pace: RelayPace, messageId: () => string) {
    this.#out = new RingConsumer(out);
    this.#in = new RingProducer(incoming);
    this.#socket = socket;
    this.#pace = pace;
    this.#messageId = messageId;
    void this.#drain();
  }

  bind(binding: Binding): void {
    this.#bindings.set(binding.number, binding);
    this.#highest = Math.max(this.#highest, binding.number);
    this.#wakeBound?.();
  }
  unbind(number: number): void {
    this.#bindings.delete(number);
  }

  /**
   * Hands a frame from the relay to the channel worker.
   * @returns 'full': nothing was taken, call again after {@link space}
   */
  deliver(binding: Binding, path: Uint8Array, etag: Uint8Array, seq: number, payload: Uint8Array): 'taken' | 'full' | 'oversize' {
    const head = headRoomBytes(path.length, etag.length);
    const bytes = BINDING_BYTES + head + payload.length;
    if (bytes > this.#in.maxRecordBytes) return 'oversize';
    const at = this.#in.claim(bytes);
    if (at < 0) return this.#in.closed ? 'taken' : 'full';
    const ring = this.#in.bytes;
    putBinding(ring, at, binding.number);
    copyInto(ring, payload, at + BINDING_BYTES + head);
    writeFrameHead(ring, at + BINDING_BYTES + head, payload.length, path, etag, seq);
    this.#in.commit(bytes);
    return 'taken';
  }

  /** The same for a frame that is framed already. */
  deliverFrame(binding: Binding, frame: Uint8Array): 'taken' | 'full' | 'oversize' {
    const bytes = BINDING_BYTES + frame.length;
    if (bytes > this.#in.maxRecordBytes) return 'oversize';
    const at = this.#in.claim(bytes);
    if (at < 0) return this.#in.closed ? 'taken' : 'full';
    putBinding(this.#in.bytes, at, binding.number);
    copyInto(this.#in.bytes, frame, at + BINDING_BYTES);
    this.#in.commit(bytes);
    return 'taken';
  }

  /** Resolves when `bytes` of payload may fit. */
  async space(bytes: number): Promise<void> {
    await this.#in.spaceWait(Math.min(this.#in.maxRecordBytes, bytes));
  }

  /** The connection is gone. @returns true when frames of this channel may be lost with it */
  connectionGone(): boolean {
    const lossy = this.#lastSent > this.#pace.confirmed;
    this.#lastSent = 0;
    return lossy;
  }

  close(): void {
    this.#closed = true;
    this.#out.close();
    this.#in.close();
    this.#wakeBound?.();
  }

  async #drain(): Promise<void> {
    let records = 0;
    while (!this.#closed && !this.#out.closed) {
      const length = this.#out.peek();
      if (length < 0) {
        await this.#out.dataWait();
        continue;
      }
      // The channel worker may hear of a session before this thread does; its frames wait here for the binding.
      if (takeBinding(this.#out.bytes, this.#out.recordStart) > this.#highest) {
        await this.#bound();
        continue;
      }
      // Without a connection frames stay where their lane can see them, so that it knows what was lost.
      if (this.#pace.full || !this.#socket.isUp) {
        await this.#pace.room();
        continue;
      }
      this.#send(this.#out.recordStart, length);
      this.#out.release();
      records += 1;
      if (this.#socket.bufferedBytes >= HIGH_BYTES) await this.#socket.drained();
      else if (records % RECORDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #send(at: number, length: number): void {
    const ring = this.#out.bytes;
    const binding = this.#bindings.get(takeBinding(ring, at));
    // A session that ended: what was still in the ring for it goes with it.
    if (binding === undefined) return;
    const frame = ring.subarray(at + BINDING_BYTES, at + length);
    if (binding.direction === 'in') {
      const message = { typ: MessageType.Signal, sid: binding.sid, knd: FRAME_SIGNAL, tok: Buffer.from(frame).toString('base64') } as const;
      this.#lastSent = this.#pace.sent();
      this.#socket.send(encodeEnvelope(this.#messageId(), message, 'msgpack'));
      return;
    }
    const view = this.#view;
    if (view.read(frame) !== 'ok') return;
    const envelope = encodeDataEnvelope(this.#messageId(), binding.sid, view.seq, view.path(), view.etag(), view.payload(), NODE_MEMORY);
    this.#lastSent = this.#pace.sent();
    this.#socket.send(envelope);
  }

  #bound(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeBound = () => {
        this.#wakeBound = undefined;
        resolve();
      };
    });
  }
}

function putBinding(ring: Uint8Array, at: number, binding: number): void {
  ring[at] = binding >>> 24;
  ring[at + 1] = binding >>> 16;
  ring[at + 2] = binding >>> 8;
  ring[at + 3] = binding;
}

function takeBinding(ring: Uint8Array, at: number): number {
  return (
    (((ring[at] as number) << 24) | ((ring[at + 1] as number) << 16) | ((ring[at + 2] as number) << 8) | (ring[at + 3] as number)) >>> 0
  );
}
