// One client of the Go server: a queue in that drops when it is full, a queue out that blocks whoever sends (and drops broadcasts), a
// writer that gives up on a client that takes nothing. wire.md 1.5; defects S2, S5, S6.
import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { type Fields, goFrame, goText, read, Typ, type Wire } from './dialect.js';
import { Queue } from './queue.js';

export interface GoConnectionEvents {
  /** The next message of this connection, in the order they came; resolves when a worker may be given it. */
  relay(connection: GoConnection, wire: Wire): Promise<void>;
  gone(connection: GoConnection): void;
  crashed(why: string): void;
}

export interface GoQueues {
  rx: number;
  tx: number;
}

/** The writer's patience with one message, ms. */
const WRITE_MS = 20_000;
/** Between the end of a connection and its removal from the hub, ms; longer than upstream's, so that a message in that window is seen. */
const REMOVAL_MS = 200;

export class GoConnection {
  readonly user: string;
  /** Messages that found the queue in full. */
  rxDropped = 0;
  /** Opens that found the queue out full. */
  txDropped = 0;
  undecodable = 0;
  readonly #socket: WebSocket;
  readonly #json: boolean;
  readonly #events: GoConnectionEvents;
  readonly #rx: Queue<Wire>;
  readonly #tx: Queue<Wire>;
  #state: 'live' | 'closing' | 'removed' = 'live';

  constructor(user: string, socket: WebSocket, json: boolean, queues: GoQueues, events: GoConnectionEvents) {
    this.user = user;
    this.#socket = socket;
    this.#json = json;
    this.#events = events;
    this.#rx = new Queue(queues.rx);
    this.#tx = new Queue(queues.tx);
    socket.on('message', (data: Buffer, binary) => {
      const wire = read(data, binary);
      if (wire === undefined) this.undecodable += 1;
      else if (!this.#rx.offer(wire)) this.rxDropped += 1;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#state = 'closing';
      this.#rx.close();
      this.#tx.close();
      setTimeout(() => {
        this.#state = 'removed';
        events.gone(this);
      }, REMOVAL_MS);
    });
    void this.#read();
    void this.#write();
  }

  /** Waits while the queue is full, as upstream's workers do. */
  async send(wire: Wire): Promise<void> {
    // Upstream removes the connection from its table a moment after it closed this queue; in between a send panics (S5).
    if (this.#state === 'closing') this.#events.crashed(`send on closed channel (type ${wire.typ})`);
    else if (this.#state === 'live') await this.#tx.put(wire);
  }

  broadcast(wire: Wire): void {
    if (!this.#tx.offer(wire)) this.txDropped += 1;
  }

  /** A message of the server's own. */
  say(typ: number, dat: Fields): Promise<void> {
    return this.send({ id: randomBytes(3).toString('hex'), typ, dat });
  }

  greet(): Promise<void> {
    return this.say(Typ.system, { SystemVersion: '0.5.0-dev', Message: 'ok' });
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #read(): Promise<void> {
    for (let wire = await this.#rx.take(); wire !== undefined; wire = await this.#rx.take()) await this.#events.relay(this, wire);
  }

  async #write(): Promise<void> {
    for (let wire = await this.#tx.take(); wire !== undefined; wire = await this.#tx.take()) {
      const frame = this.#json ? goText(wire) : goFrame(wire);
      const stuck = setTimeout(() => this.#socket.terminate(), WRITE_MS);
      await new Promise<void>((resolve) => this.#socket.send(frame, { binary: !this.#json }, () => resolve()));
      clearTimeout(stuck);
    }
  }
}
