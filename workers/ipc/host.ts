// One IPC directory: its endpoint, the application there, what waits in both directions, and the peers' legs. Lives longer than any channel
// of it, so that neither the application's connection nor a frame is lost when a channel starts anew. wire.md 6; seeds 000 and 001.
//
//   application ──frames──▶ outbox (numbered, kept until every peer has acknowledged) ──▶ legs ──▶ channels
//   application ◀──frames── deliveries ◀── inbox per sender (each number once) ◀── legs, fallback files
//
// Who closes what, in which order: the channels (main stops them first) → endpoint → application → files for what is left → the port.
// Channel worker thread.

import { basename } from 'node:path/posix';
import type { FrameView } from '../../native-free/hlnk/index.js';
import { IpcCounter, Outbox, type OutboxFrame } from '../../native-free/ipc/index.js';
import { directoryOf } from '../../native-free/path.js';
import type { FromIpcHost, IpcHostTask, ToIpcHost } from '../messages.js';
import { Application, type Origin } from './application.js';
import { Endpoint } from './endpoint.js';
import { FallbackFiles } from './fallback-files.js';
import { Incoming } from './incoming.js';
import type { IpcLeg } from './leg.js';
import type { Reader } from './own-sending.js';
import { Replay } from './replay.js';
import { senderOf } from './sender.js';

/** Bytes that may wait for the application when their sender cannot be slowed down (upstream's), as for TCP. */
const UPSTREAM_HOLD_BYTES = 67_108_864;
/** Files are read ahead of the application up to this, bytes. */
const REPLAY_AHEAD_BYTES = 1_048_576;
/** How often it is looked whether hotlink is down, and whether files came, ms. */
const LOOK_MS = 250;

/** The hosts of this thread, by number: channels find theirs here. */
export const ipcHosts = new Map<number, IpcHost>();

export class IpcHost {
  readonly outbox: Outbox;
  readonly incoming: Incoming;
  readonly stopped: Promise<void>;
  readonly #task: IpcHostTask;
  readonly #counters: Float64Array;
  readonly #legs = new Set<IpcLeg>();
  readonly #readers = new Map<string, Reader>();
  readonly #application: Application;
  readonly #endpoint: Endpoint;
  readonly #files: FallbackFiles;
  readonly #replay: Replay;
  readonly #timer: NodeJS.Timeout;
  readonly #startChannel: (task: Extract<ToIpcHost, { t: 'channel' }>['task']) => void;
  #resolveStopped: () => void = () => {};
  #consent = false;
  #relayUp = false;
  #stopping = false;

  /** @param startChannel runs a channel on this thread */
  constructor(task: IpcHostTask, startChannel: (task: Extract<ToIpcHost, { t: 'channel' }>['task']) => void) {
    this.#task = task;
    this.#startChannel = startChannel;
    this.#counters = new Float64Array(task.counters);
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.outbox = new Outbox(task.run, task.memoryBytes);
    this.#application = new Application({
      frame: (view) => this.#fromApplication(view),
      changed: (here) => {
        this.#set(IpcCounter.applications, here ? 1 : 0);
        this.#post({ t: 'application', here });
      },
    });
    this.incoming = new Incoming(this.#application, {
      duplicate: () => this.#count(IpcCounter.duplicates),
      taken: () => this.#count(IpcCounter.framesToApplication),
      mustWait: () => this.#replay.pastPending,
    });
    this.#endpoint = new Endpoint(task.address, {
      connection: (socket) => this.#application.offer(socket),
      listening: (address) => this.#post({ t: 'listening', address }),
      failed: (code, message) => this.#post({ t: 'listen-failed', code, message }),
    });
    this.#files = new FallbackFiles(task.folder, senderOf(task.self), this.outbox, {
      written: () => {
        this.#count(IpcCounter.filesWritten);
        this.#changed();
      },
      loaded: () => this.#pump(),
      failed: (reason) => this.#post({ t: 'fallback', event: 'failed', reason }),
    });
    this.#replay = new Replay(task.folder, task.directory, senderOf(task.self), task.stableMs, {
      inbox: (sender) => this.incoming.inboxOf(sender),
      ready: () => this.#consent && this.#application.here && this.#application.backlogBytes < REPLAY_AHEAD_BYTES,
      pastDone: () => this.incoming.release(),
      deliver: (bytes, origin, taken) => {
        this.#count(IpcCounter.filesReplayed);
        this.incoming.deliver(bytes, origin, taken);
      },
    });
    void this.#files.findPast().then(() => this.#changed());
    void this.#replay.look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    task.port.on('message', (message: ToIpcHost) => this.#handle(message));
    ipcHosts.set(task.ipcHost, this);
  }

  /** Whether the relay is there. */
  get relayUp(): boolean {
    return this.#relayUp;
  }
  /** A path that a session may be opened on when no frame names one. */
  get anyPath(): string {
    return `${this.#task.directory}/stream.request`;
  }

  // --- legs ----------------------------------------------------------------------------------------------------------------------

  join(leg: IpcLeg): void {
    this.#legs.add(leg);
    // Not at once: the leg's channel is still being made.
    if (this.outbox.count > 0) setImmediate(() => leg.pump());
  }

  leave(leg: IpcLeg): void {
    this.#legs.delete(leg);
  }

  /** How far a peer got, also over several channels with it. A new one begins with what is still here. */
  readerOf(peer: string): Reader {
    let reader = this.#readers.get(peer);
    if (reader === undefined) {
      reader = { next: this.outbox.first };
      this.#readers.set(peer, reader);
    }
    return reader;
  }

  /** Some reader moved on: what all of them have is gone from here. */
  release(): void {
    if (this.#readers.size === 0) return;
    const least = Math.min(...[...this.#readers.values()].map(({ next }) => next));
    if (!(least > this.outbox.first)) return;
    this.#files.released(this.outbox.releaseBelow(least));
    this.#changed();
    if (!this.outbox.full) this.#application.resume();
  }

  /** The frame at a position. One that is only in its file is fetched, and legs are pumped when its bytes are there. */
  frameAt(position: number): OutboxFrame | undefined {
    const frame = this.outbox.at(position);
    if (frame !== undefined && frame.bytes === undefined) this.#files.fetch(frame);
    return frame;
  }

  refuse(reason: string): void {
    this.#count(IpcCounter.framesRefused);
    this.#post({ t: 'refused', reason });
  }

  /** An own peer's frame. @param taken called when the application has it @returns false when it will not get it */
  ownFrame(view: FrameView, bytes: Uint8Array, origin: Origin, taken: () => void): boolean {
    if (!this.#isOurs(view)) return false;
    this.incoming.numbered(bytes, origin, taken);
    return true;
  }

  /** An upstream peer's, with the number of its session. @param bytes to keep */
  upstreamFrame(view: FrameView, bytes: Uint8Array): void {
    if (!this.#isOurs(view)) return;
    if (this.#application.backlogBytes > UPSTREAM_HOLD_BYTES) {
      this.refuse('the application does not read, and this peer cannot be slowed down');
      return;
    }
    this.incoming.deliver(bytes, undefined, () => {});
    this.#replay.saw(basename(view.path()), view.etag(), view.payload());
  }

  /** A session's path is checked by the relay, a frame's by nobody (wire.md S9). */
  #isOurs(view: FrameView): boolean {
    if (directoryOf(view.path()) === this.#task.directory) return true;
    this.refuse('a frame names a path outside of its directory');
    return false;
  }

  // --- from the application ------------------------------------------------------------------------------------------------------

  #fromApplication(view: FrameView): boolean {
    // As upstream: neither is an error, neither is sent (wire.md 3.3).
    if (view.payloadBytes === 0 || view.pathBytes === 0) return true;
    const path = view.path();
    if (directoryOf(path) !== this.#task.directory) {
      this.refuse(`the application names ${path.slice(0, 200)}, which is not in ${this.#task.directory}`);
      return true;
    }
    const { message, pathStart, pathBytes, etagStart, etagBytes } = view;
    const etag = message.subarray(etagStart, etagStart + etagBytes);
    this.outbox.push(message.subarray(pathStart, pathStart + pathBytes), etag, view.payload(), performance.now());
    this.#count(IpcCounter.framesFromApplication);
    this.#changed();
    if (this.#legs.size === 0) this.#post({ t: 'want-peer', path });
    this.#pump();
    return !this.outbox.full;
  }

  #pump(): void {
    for (const leg of this.#legs) leg.pump();
  }

  // --- files ---------------------------------------------------------------------------------------------------------------------

  /** Hotlink is down when something waits for longer than it should, and nothing carries. */
  #look(): void {
    const { fallbackMs } = this.#task;
    if (this.#stopping) return;
    const oldest = this.outbox.at(this.outbox.first);
    const up = [...this.#legs].some((leg) => leg.up);
    const down = fallbackMs !== undefined && !up && oldest !== undefined && performance.now() - oldest.addedMs >= fallbackMs;
    if (down !== this.#files.writing) {
      this.#files.writing = down;
      this.#post({ t: 'fallback', event: down ? 'began' : 'ended', reason: down ? `nothing carries for ${fallbackMs} ms` : '' });
    }
    if (down && [...this.#legs].some((leg) => leg.upstream)) void this.#files.writePlain(() => this.#dropAll());
    else if (down) void this.#files.write();
    if (!this.outbox.full) this.#application.resume();
    if (this.#legs.size === 0 && oldest !== undefined) this.#post({ t: 'want-peer', path: this.anyPath });
    void this.#replay.look();
  }

  /** Upstream peers read files as files: what was written is theirs now. */
  #dropAll(): void {
    for (const reader of this.#readers.values()) reader.next = this.outbox.next;
    this.release();
  }

  // --- main ----------------------------------------------------------------------------------------------------------------------

  #handle(message: ToIpcHost): void {
    switch (message.t) {
      case 'channel':
        this.#startChannel(message.task);
        break;
      case 'consent':
        this.#consent = message.given;
        this.#application.consent(message.given);
        break;
      case 'relay':
        this.#relayUp = message.up;
        break;
      case 'replay':
        if (this.#consent) void this.#replay.lookPlain();
        break;
      case 'stop':
        void this.#stop();
        break;
    }
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#timer);
    const endpointClosed = this.#endpoint.close();
    this.incoming.release();
    const left = this.#application.close();
    await endpointClosed;
    await this.#replay.idle();
    if (this.#task.fallbackMs !== undefined) {
      // What no peer and no application has got yet is found again by the next run.
      await this.#files.keep(left.flatMap(({ bytes, origin }) => (origin === undefined ? [] : [{ bytes, ...origin }])));
      await this.#files.keepWaiting();
    }
    ipcHosts.delete(this.#task.ipcHost);
    this.#task.port.close();
    this.#resolveStopped();
  }

  #changed(): void {
    this.#set(IpcCounter.waitingFrames, this.outbox.count);
    this.#set(IpcCounter.waitingBytes, this.outbox.heldBytes);
  }

  #count(counter: number): void {
    this.#counters[counter] = (this.#counters[counter] as number) + 1;
  }

  #set(counter: number, value: number): void {
    this.#counters[counter] = value;
  }

  #post(message: FromIpcHost): void {
    if (!this.#stopping) this.#task.port.postMessage(message);
  }
}
