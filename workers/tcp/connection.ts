// One application connection, accepted or dialled. Reads land in memory that this program chooses: in the stream's send window behind head-room once
// the connection carries a stream, in the thread's scratch buffer before that, so that a probe that never sends costs nothing.
//
// Node offers `onread` for dialled sockets only; an accepted connection gets it by handing its handle to a new Socket. libuv reads and
// calls back within one turn per socket, so one scratch buffer serves every connection of the thread. Channel worker thread.

import { connect, type OnReadOpts, Socket } from 'node:net';
import { Block } from '../blocks.js';
import { clockMs } from '../clock.js';
import { AckWatch, type QuickAck } from './quickack.js';

/** One buffer per thread for reads that have no place of their own yet. As large as the default chunk, so that it fills one frame. */
const SCRATCH = new Uint8Array(65_536);

/** An application's end of a stream: a TCP connection, or a pair of rings to the embedding program. */
export interface ApplicationConnection {
  readonly openedMs: number;
  /** The application has sent or been sent something. */
  used: boolean;
  /** Time spent with the application not reading, ms, since the last look. */
  blockedMs: number;
  /** Bytes written that the application's side has not taken. */
  readonly backlogBytes: number;
  /** Writes bytes that do not change any more, or, where they were lent, not before they are reported as passed on (blocks.ts). */
  write(bytes: Uint8Array): void;
  /** Goes on reading after `read` said to stop. */
  resume(): void;
  /** Stops reading for good. */
  pause(): void;
  /** Ends our direction behind what was written. */
  end(): void;
  /** Tears it down so that the application sees a reset, not an end. */
  reset(): void;
  /** Closes without a word. */
  destroy(): void;
}

export interface ConnectionEvents {
  /** Called for reads that are to be acknowledged at once, where there is such a call. */
  readonly quickAck: QuickAck | undefined;
  /** A dialled connection is up. */
  connected?(connection: ApplicationConnection): void;
  /**
   * Bytes arrived. @param landed true when they lie where {@link ConnectionEvents.landing} said
   * @returns false to stop reading until {@link ApplicationConnection.resume}
   */
  read(connection: ApplicationConnection, bytes: Uint8Array, landed: boolean): boolean;
  /** Where the next read should land; undefined for the scratch buffer. */
  landing(connection: ApplicationConnection): Uint8Array | undefined;
  /** The application finished writing (FIN). */
  ended(connection: ApplicationConnection): void;
  /** The socket is gone. @param error why, unless it ended in peace on both sides */
  closed(connection: ApplicationConnection, error: Error | undefined): void;
  /** The kernel took bytes that were written. @param bytes how many more than at the last call */
  written(connection: ApplicationConnection, bytes: number): void;
}

/** The handle of an accepted socket, as Node's own constructor takes it, and of any socket, for its descriptor (POSIX). */
interface SocketWithHandle {
  _handle: { fd?: number } | null;
}

interface UnderWay {
  bytes: Uint8Array;
  /** Bytes written in all, with these. */
  endAt: number;
}

export class LocalConnection implements ApplicationConnection {
  readonly openedMs: number;
  /** The application has sent or been sent something. */
  used = false;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #acks = new AckWatch();
  /** What was lent for writing and the kernel has not all of, oldest first. */
  readonly #underWay: UnderWay[] = [];
  #writtenBytes = 0;
  #reportedBytes = 0;
  #error: Error | undefined;
  #blockedSinceMs = -1;
  #paused = false;
  #silenced = false;
  /** Time spent with the application not reading, ms, since the last look. */
  blockedMs = 0;

  private constructor(events: ConnectionEvents, open: (onread: OnReadOpts) => Socket) {
    this.#events = events;
    this.openedMs = clockMs();
    let place: Uint8Array | undefined;
    this.#socket = open({
      buffer: () => {
        place = events.landing(this);
        return place ?? SCRATCH;
      },
      callback: (bytes: number, buffer: Uint8Array) => {
        const landed = buffer === place;
        this.used = true;
        const { quickAck } = events;
        const eager = quickAck !== undefined && this.#acks.read(bytes, clockMs());
        const more = events.read(this, buffer.subarray(0, bytes), landed);
        // Behind it, so that nobody waits for the packet that this makes.
        if (eager) this.#acknowledge(quickAck, bytes);
        this.#paused = !more;
        return more;
      },
    });
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 60_000);
    this.#socket.on('connect', () => events.connected?.(this));
    this.#socket.on('end', () => events.ended(this));
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('close', () => {
      this.#report();
      events.closed(this, this.#error);
    });
    this.#socket.on('drain', () => this.#unblocked());
  }

  /** Takes over an accepted socket that was paused at birth. */
  static accepted(socket: Socket, events: ConnectionEvents): LocalConnection {
    const holder = socket as unknown as SocketWithHandle;
    const handle = holder._handle;
    holder._handle = null;
    socket.destroy();
    const connection = new LocalConnection(
      events,
      (onread) => new Socket({ handle, allowHalfOpen: true, onread } as ConstructorParameters<typeof Socket>[0]),
    );
    connection.#socket.resume();
    return connection;
  }

  /** Dials an application. `connected` or `closed` follows. */
  static dial(host: string, port: number, events: ConnectionEvents): LocalConnection {
    return new LocalConnection(events, (onread) => connect({ host, port, allowHalfOpen: true, noDelay: true, onread }));
  }

  write(bytes: Uint8Array): void {
    this.used = true;
    this.#acks.wrote();
    this.#writtenBytes += bytes.length;
    if (!this.#socket.write(bytes, this.#onWritten) && this.#blockedSinceMs < 0) this.#blockedSinceMs = clockMs();
    if (this.#socket.writableLength === 0) Block.passedOn(bytes);
    else if (Block.lent(bytes)) this.#underWay.push({ bytes, endAt: this.#writtenBytes });
  }

  /** Bytes written that the kernel has not taken: what the application does not read. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  /** Goes on reading after `read` said to stop. */
  resume(): void {
    if (!this.#paused || this.#silenced) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Stops reading for good. */
  pause(): void {
    this.#silenced = true;
    this.#socket.pause();
  }

  /** Ends our direction behind what was written. */
  end(): void {
    this.#socket.end();
  }

  /** Tears the connection down so that the application sees a reset, not an end. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Closes without a word (a probe, or at shutdown behind the last byte). */
  destroy(): void {
    this.#socket.destroy();
  }

  #acknowledge(quickAck: QuickAck, bytes: number): void {
    // A socket that was closed meanwhile has no handle: its number may be another's by now.
    const fd = (this.#socket as unknown as SocketWithHandle)._handle?.fd;
    if (fd !== undefined && fd >= 0) quickAck(fd, bytes);
  }

  readonly #onWritten = (): void => this.#report();

  #report(): void {
    const done = this.#writtenBytes - this.#socket.writableLength;
    const bytes = done - this.#reportedBytes;
    if (bytes <= 0) return;
    this.#reportedBytes = done;
    // What a destroyed socket had not written counts as done with it, and its memory may be in use to the last.
    if (this.#socket.destroyed) this.#underWay.length = 0;
    while ((this.#underWay[0]?.endAt ?? Number.POSITIVE_INFINITY) <= done) Block.passedOn((this.#underWay.shift() as UnderWay).bytes);
    this.#events.written(this, bytes);
  }

  #unblocked(): void {
    if (this.#blockedSinceMs >= 0) this.blockedMs += clockMs() - this.#blockedSinceMs;
    this.#blockedSinceMs = -1;
    this.#report();
  }
}
