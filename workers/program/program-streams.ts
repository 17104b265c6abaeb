// Program shape: the embedding program is the application, with one stream. Whichever side speaks first makes it, so that the other end
// may be another program as well as an application that is dialled; after a moment of silence it is announced, for applications that
// speak first themselves. Channel worker.

import type { ChannelCore } from '../../native-free/channel/index.js';
import { type LocalStream, type StreamEvents, Streams } from '../tcp/streams.js';
import { RingConnection } from './ring-connection.js';

/** How long the program may be silent before the peer is told that it is there, ms (as in forward-listen.ts). */
const ANNOUNCE_MS = 150;
/** How often to look whether everything is acknowledged, once the program has ended its writing, ms. */
const WRITTEN_LOOK_MS = 10;

export class ProgramStreams extends Streams {
  readonly #silent: boolean;
  readonly #written: () => void;
  #connection: RingConnection | undefined;
  #announceTimer: NodeJS.Timeout | undefined;
  #writtenTimer: NodeJS.Timeout | undefined;

  /**
   * @param silent the program never opens a stream, and none of the peer's is taken
   * @param written everything the program wrote, and its end, has arrived
   */
  constructor(core: ChannelCore, counters: Float64Array, events: StreamEvents, silent: boolean, written: () => void) {
    super(core, counters, events);
    this.#silent = silent;
    this.#written = written;
  }

  /** The program's stream, from now on. Once per channel. */
  open(out: SharedArrayBuffer, incoming: SharedArrayBuffer): void {
    if (this.#connection !== undefined) return;
    const connection = new RingConnection(out, incoming, this);
    this.#connection = connection;
    this.idle.add(connection);
    const [waiting] = this.streams.values();
    if (waiting !== undefined) this.bind(waiting, connection);
    else
      this.#announceTimer = setTimeout(() => {
        if (this.idle.has(connection)) this.#carry(connection, true);
      }, ANNOUNCE_MS);
    connection.start();
  }

  abandon(reason: string): void {
    this.#connection?.abandon(reason);
  }

  override ended(connection: RingConnection): void {
    // An end without a byte is an end all the same: this application is no probe.
    if (this.idle.has(connection)) this.#carry(connection, true);
    super.ended(connection);
    this.#writtenTimer ??= setInterval(() => {
      const { out } = this.core;
      if (out.inFlightFrames > 0 || out.pending || this.pending.size > 0) return;
      clearInterval(this.#writtenTimer);
      this.#written();
    }, WRITTEN_LOOK_MS);
  }

  protected firstBytes(connection: RingConnection): LocalStream {
    return this.#carry(connection, false);
  }

  protected wantConnection(stream: LocalStream): void {
    const connection = this.#connection;
    if (this.#silent) this.refuse(stream, 'there is no application here; this channel answers pings');
    else if (connection !== undefined && this.idle.has(connection)) this.bind(stream, connection);
    else if (connection !== undefined) this.refuse(stream, 'the program at this end has one stream, and it is in use or over');
  }

  protected streamOver(): void {
    clearTimeout(this.#announceTimer);
  }

  protected endShape(): void {
    clearTimeout(this.#announceTimer);
    clearInterval(this.#writtenTimer);
  }

  #carry(connection: RingConnection, announce: boolean): LocalStream {
    clearTimeout(this.#announceTimer);
    return this.bind(this.create(this.core.highestStream + 1), connection, true, announce);
  }
}
