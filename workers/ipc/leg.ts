// One peer of an IPC directory: how the application's frames get to it and the peer's frames get here, over the lanes of one channel.
//
//  - Own peers: one stream carries whole HLNK frames back to back, opened by a preamble (native-free/ipc). The core makes it exact; when it
//    has to start anew, frames the peer has not acknowledged go again, and the peer's inbox knows those it has.
//  - Upstream peers: one frame of the application is one message of the session (wire.md 3.4, 6.2), numbered by the session, never cut.
// Channel worker thread.

import { type ChannelCore, type OutStream, UPSTREAM_STREAM } from '../../native-free/channel/index.js';
import { encodeFrame, FrameView } from '../../native-free/hlnk/index.js';
import type { OutboxFrame } from '../../native-free/ipc/index.js';
import type { LocalSide } from '../channel/local-side.js';
import type { IpcHost } from './host.js';
import { OwnFrames } from './own-frames.js';
import { OwnSending, type Reader } from './own-sending.js';
import { senderOf } from './sender.js';

/** Largest message of the relay with room for its envelope, bytes (wire.md 1.5): a larger frame would end our connection. */
const MAX_WHOLE_BYTES = 8_388_608 - 8192;
/** After the peer reset the stream it is left alone for so long, ms: it is shutting down, and its next start says so itself. */
const AFTER_RESET_MS = 1000;

export interface LegEvents {
  /** A session is wanted for this path. */
  want(path: string): void;
  rearm(): void;
}

export class IpcLeg implements LocalSide {
  readonly #host: IpcHost;
  readonly #core: ChannelCore;
  readonly #peer: string;
  /** The peer in names of fallback files. */
  readonly #sender: string;
  readonly #events: LegEvents;
  readonly #view = new FrameView();
  /** Undefined until it is known how the peer is spoken to. */
  #reader: Reader | undefined;

  // An own peer: one stream, both ways.
  #inStream: number | undefined;
  #out: OutStream | undefined;
  #sending: OwnSending | undefined;
  #resumeAtMs = 0;
  #resume: NodeJS.Timeout | undefined;
  #frames: OwnFrames;
  #stopped = false;

  constructor(host: IpcHost, core: ChannelCore, peer: string, events: LegEvents) {
    this.#host = host;
    this.#core = core;
    this.#peer = peer;
    this.#sender = senderOf(peer);
    this.#events = events;
    this.#frames = this.#newFrames();
    host.join(this);
  }

  /** A lane carries frames to the peer. */
  get up(): boolean {
    const { lane } = this.#core;
    return !this.#stopped && lane !== undefined && (lane.kind !== 'relay' || this.#host.relayUp);
  }
  /** The peer is upstream's. */
  get upstream(): boolean {
    return this.#core.ownPeer === false;
  }

  /** Sends what waits, as far as it goes. Call it whenever frames, room or a lane appeared. */
  pump(): void {
    const own = this.#core.ownPeer;
    if (this.#stopped) return;
    if (own === undefined) this.#want();
    else {
      this.#reader ??= this.#host.readerOf(this.#peer);
      if (own) this.#feedOwn(this.#reader);
      else this.#feedUpstream(this.#reader);
    }
    this.#events.rearm();
  }

  // --- to an upstream peer -------------------------------------------------------------------------------------------------------

  #feedUpstream(reader: Reader): void {
    for (let frame = this.#host.frameAt(reader.next); frame?.bytes !== undefined; frame = this.#host.frameAt(reader.next)) {
      // Its file is gone: whoever took it has it.
      const message = frame.bytes.length === 0 ? frame.bytes : this.#upstreamForm(frame.bytes, frame);
      const verdict =
        message.length === 0 ? 'taken' : message.length > MAX_WHOLE_BYTES ? 'oversize' : this.#core.sendWhole(message, performance.now());
      if (verdict === 'oversize') this.#host.refuse(`a frame of ${message.length} bytes is more than this peer's lanes take`);
      else if (verdict !== 'taken') {
        if (verdict === 'no-lane') this.#want();
        return;
      }
      reader.next += 1;
      this.#host.release();
    }
  }

  /** A copy, since the session's number is written into it. An empty etag is replaced: Go drops a second payload with the same one (G1). */
  #upstreamForm(bytes: Uint8Array, { run, number }: OutboxFrame): Uint8Array {
    const view = this.#view;
    view.read(bytes);
    if (view.etagBytes > 0) return bytes.slice();
    const path = bytes.subarray(view.pathStart, view.pathStart + view.pathBytes);
    return encodeFrame(path, `s${number.toString(36)}-${run.slice(-6)}`, 0, view.payload());
  }

  #want(): void {
    const frame = this.#host.outbox.at(this.#reader?.next ?? this.#host.outbox.first);
    if (frame !== undefined) this.#events.want(frame.bytes === undefined ? this.#host.anyPath : this.#pathOf(frame.bytes));
  }

  #pathOf(bytes: Uint8Array): string {
    this.#view.read(bytes);
    return this.#view.path();
  }

  // --- to an own peer ------------------------------------------------------------------------------------------------------------

  #feedOwn(reader: Reader): void {
    this.#sending ??= new OwnSending(this.#host, this.#core, reader);
    this.#sending.acknowledged(this.#out?.window?.releasedBytes ?? 0);
    if (performance.now() >= this.#resumeAtMs) this.#sending.feed(this.#stream);
  }

  readonly #stream = (): OutStream => {
    if (this.#out !== undefined) return this.#out;
    // The peer's stream, if it has opened one: both ends send on the same.
    const id = this.#inStream ?? this.#core.highestStream + 1;
    this.#out = this.#core.openStream(id, this.#inStream === undefined, false, performance.now());
    this.#inStream = id;
    return this.#out;
  };

  /** The stream is over; what was not acknowledged goes again on the next one. */
  #rewind(): void {
    this.#out = undefined;
    this.#inStream = undefined;
    this.#sending?.rewind();
    this.#frames = this.#newFrames();
  }

  // --- from the core -------------------------------------------------------------------------------------------------------------

  deliver(id: number, payload: Uint8Array): void {
    if (id !== UPSTREAM_STREAM) {
      if (id === this.#inStream) this.#frames.push(payload);
    } else if (this.#view.read(payload) === 'ok') this.#host.upstreamFrame(this.#view, payload.slice());
  }

  #newFrames(): OwnFrames {
    const frames: OwnFrames = new OwnFrames({
      begin: (run, base, taken) => this.#host.incoming.begin(this.#sender, run, base, taken),
      frame: (run, view, bytes, taken) => {
        if (!this.#host.ownFrame(view, bytes, { sender: this.#sender, run, number: view.seq }, taken)) taken();
      },
      consumed: (bytes) => this.#consumed(frames, bytes),
    });
    return frames;
  }

  /** @param frames of which stream: its number may be another one's by now */
  #consumed(frames: OwnFrames, bytes: number): void {
    if (this.#stopped || frames !== this.#frames || this.#inStream === undefined || bytes === 0) return;
    if (this.#core.consumed(this.#inStream, bytes, performance.now())) this.#events.rearm();
  }

  opened(id: number): void {
    if (id === UPSTREAM_STREAM) return;
    if (this.#inStream !== undefined && this.#inStream !== id) this.#drop(this.#inStream);
    this.#inStream = id;
  }

  /** A stream of ours ends with its channel only: an end is as good as a reset. */
  peerEnded(id: number): void {
    this.peerReset(id);
  }

  peerReset(id: number): void {
    if (id !== this.#inStream) return;
    this.#drop(id);
    if (this.#stopped) return;
    this.#resumeAtMs = performance.now() + AFTER_RESET_MS;
    clearTimeout(this.#resume);
    this.#resume = setTimeout(() => this.pump(), AFTER_RESET_MS + 1);
  }

  #drop(id: number): void {
    this.#rewind();
    this.#core.removeStream(id);
  }

  room(): void {
    this.pump();
  }

  sendingDone(): void {
    // After a reset or an end of our own, which only a stop brings.
  }

  /** The peer's channel is a new one: nothing of the stream is left, and nothing needs to be removed. */
  peerRestarted(renumbered: ReadonlyMap<number, number>): void {
    const kept = this.#inStream === undefined ? undefined : renumbered.get(this.#inStream);
    this.#resumeAtMs = 0;
    if (kept !== undefined && this.#core.ownPeer === true) {
      // Nothing of it was said yet: it goes on under another number.
      this.#inStream = kept;
      return;
    }
    this.#rewind();
    if (kept !== undefined) this.#core.removeStream(kept);
  }

  writable(): void {
    if (this.#host.outbox.count > 0) this.pump();
  }

  // --- end -----------------------------------------------------------------------------------------------------------------------

  /** The channel starts anew, or ends. The application is not told: its connection is the host's, and frames wait there. */
  resetAll(): void {
    this.#rewind();
  }

  quiesce(): void {}

  endAll(reason: string): void {
    this.#stopped = true;
    clearTimeout(this.#resume);
    if (this.#out !== undefined) this.#core.resetStream(this.#out, reason, performance.now());
    else if (this.#inStream !== undefined) {
      const out = this.#core.openStream(this.#inStream, false, false, performance.now());
      this.#core.resetStream(out, reason, performance.now());
    }
  }

  get flushing(): boolean {
    return false;
  }
  get liveStreams(): number {
    return this.#inStream === undefined ? 0 : 1;
  }
  /** What waits for the application is the host's: it may have come from any leg. */
  get backlogBytes(): number {
    return 0;
  }

  destroy(): void {
    this.#stopped = true;
    clearTimeout(this.#resume);
    this.#host.leave(this);
  }
}
