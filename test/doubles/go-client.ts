// The Go client as wire.md describes it (2.4, 2.5, 4.2 to 4.8, 11): relay only, every message in a goroutine of its own, content dedupe,
// reorder by path that survives sessions, the canonical path alone, an Accept that is waited for 1.5 s. Its applications dial a real port.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { bytesOf, type Fields, goFrame, read, Typ, textOf, type Wire } from './dialect.js';
import { findMarkers, keyOf, type MarkerFile } from './markers.js';
import { Queue, Scheduler } from './queue.js';
import { WireSocket } from './wire-socket.js';

const ACCEPT_MS = 1500;
const READ_BYTES = 64 * 1024;
const DEDUPE = 1024;
/** 60 tries, 500 ms apart; shorter here, since the double need not be that slow to be right. */
const WRITER_TRY_MS = 50;
const WRITER_TRIES = 600;

interface Outbound {
  sid: string;
  seq: number;
  accepted: boolean;
  settled(error?: Error): void;
  ready: Promise<void>;
}
interface Reorder {
  next: number;
  held: Map<number, Uint8Array>;
}

export interface GoClientOptions {
  server: string;
  email: string;
  /** Where its markers lie; without it there are none. */
  datasites?: string;
  /** Upstream accepts every TCP path it is shown; false for one that only talks. */
  accepts?: boolean;
  seed?: number;
}

export class GoClient {
  /** Frames dropped because their session was not (yet) known, or because their content was seen before. */
  droppedUnknown = 0;
  deduped = 0;
  /** Signals that mean nothing to it. */
  readonly ignoredSignals: string[] = [];
  readonly rejects: string[] = [];
  /** Every path that somebody opened towards us. */
  readonly openedPaths: string[] = [];
  queueDropped = 0;
  readonly #email: string;
  readonly #accepts: boolean;
  readonly #rx = new Queue<Wire>(512);
  readonly #scheduler: Scheduler;
  readonly #outbound = new Map<string, Outbound>();
  readonly #inbound = new Map<string, { path: string; seen: Set<string> }>();
  /** By path alone: a new session on the same path goes on where the old one was (G2). */
  readonly #reorder = new Map<string, Reorder>();
  readonly #writers = new Map<string, Socket>();
  readonly #listeners: Server[] = [];
  readonly #locals = new Set<Socket>();
  #socket: WireSocket | undefined;
  #over = false;

  private constructor(options: GoClientOptions) {
    this.#email = options.email;
    this.#accepts = options.accepts ?? true;
    this.#scheduler = new Scheduler(options.seed ?? 7);
  }

  /** Dials the server, then listens on every port its markers name. */
  static async start(options: GoClientOptions): Promise<GoClient> {
    const client = new GoClient(options);
    client.#socket = await WireSocket.dial({
      server: options.server,
      email: options.email,
      headers: { 'X-Syft-Version': '0.5.0', 'X-Syft-User': options.email },
      write: goFrame,
      read,
      message: (wire) => {
        if (!client.#rx.offer(wire)) client.queueDropped += 1;
      },
    });
    void client.#loop();
    const known = new Set<string>();
    for (const marker of options.datasites === undefined ? [] : findMarkers(options.datasites)) {
      const canonical = client.#canonical(marker);
      if (!marker.relPath.includes('/_mpc/') || known.has(canonical)) continue;
      known.add(canonical);
      await client.#listen(marker, canonical);
    }
    return client;
  }

  /** Frames that wait for one that never came. */
  get heldFrames(): number {
    return [...this.#reorder.values()].reduce((sum, { held }) => sum + held.size, 0);
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#rx.close();
    for (const socket of this.#locals) socket.destroy();
    for (const server of this.#listeners) server.close();
    await this.#socket?.close();
  }

  /** Ends a session as the daemon does when it is told to: the peer has to open anew. */
  closeInbound(reason: string): void {
    for (const sid of this.#inbound.keys()) this.#send(Typ.close, { sid, rsn: reason });
    this.#inbound.clear();
  }

  /** Sends a frame as it is, for tests of what a peer may send. */
  sendRaw(typ: number, dat: Fields): void {
    this.#send(typ, dat);
  }

  get inboundSids(): string[] {
    return [...this.#inbound.keys()];
  }

  #canonical(marker: MarkerFile): string {
    const [a, b] = marker.pids;
    return keyOf(marker, a <= b ? marker.from : marker.to, `${Math.min(a, b)}_to_${Math.max(a, b)}`);
  }

  async #listen(marker: MarkerFile, canonical: string): Promise<void> {
    const local = `${marker.relPath}.request`;
    const server = createServer({ noDelay: true, highWaterMark: READ_BYTES }, (socket) => {
      this.#locals.add(socket);
      for (const key of [canonical, local]) this.#writers.set(key, socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#locals.delete(socket);
        // Whoever closes clears the slot, even another connection's (G5).
        for (const key of [canonical, local]) this.#writers.delete(key);
      });
      void this.#carry(socket, canonical);
    });
    this.#listeners.push(server);
    server.listen(marker.ports[this.#email] ?? marker.port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** Reads one connection, one send after the other; a send that fails closes the connection. */
  async #carry(socket: Socket, path: string): Promise<void> {
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) await this.#sendData(path, chunk);
    } catch {
      socket.destroy();
    }
  }

  async #sendData(path: string, payload: Buffer): Promise<void> {
    const directory = path.slice(0, path.lastIndexOf('/'));
    const session = this.#outbound.get(directory) ?? this.#open(directory, path);
    await session.ready;
    session.seq += 1;
    this.#send(Typ.data, { sid: session.sid, seq: session.seq, pth: path, etg: '', pay: Uint8Array.from(payload) });
    await this.#socket?.drained();
  }

  #open(directory: string, path: string): Outbound {
    let settled: Outbound['settled'] = () => {};
    const ready = new Promise<void>((resolve, reject) => {
      settled = (error) => (error === undefined ? resolve() : reject(error));
    });
    ready.catch(() => {});
    const session: Outbound = { sid: randomBytes(8).toString('hex'), seq: 0, accepted: false, settled, ready };
    this.#outbound.set(directory, session);
    this.#send(Typ.open, { sid: session.sid, pth: path });
    setTimeout(() => {
      if (session.accepted || this.#over || this.#outbound.get(directory) !== session) return;
      this.#send(Typ.close, { sid: session.sid, rsn: 'fallback' });
      this.#outbound.delete(directory);
      settled(new Error('hotlink accept timeout'));
    }, ACCEPT_MS);
    return session;
  }

  async #loop(): Promise<void> {
    for (let wire = await this.#rx.take(); wire !== undefined; wire = await this.#rx.take()) {
      // A goroutine each: whichever is scheduled first (G3).
      const message = wire;
      void this.#scheduler.late(1).then(() => this.#handle(message));
    }
  }

  #handle({ typ, dat }: Wire): void {
    const sid = textOf(dat['sid']);
    const outbound = [...this.#outbound].find(([, session]) => session.sid === sid);
    switch (typ) {
      case Typ.open: {
        const path = textOf(dat['pth']);
        this.openedPaths.push(path);
        if (!path.endsWith('stream.tcp.request') || !this.#accepts) return;
        this.#inbound.set(sid, { path, seen: new Set() });
        this.#send(Typ.accept, { sid });
        this.#send(Typ.signal, { sid, knd: 'quic_offer', adr: ['127.0.0.1:9'] });
        return;
      }
      case Typ.accept:
        if (outbound === undefined) return;
        outbound[1].accepted = true;
        outbound[1].settled();
        return;
      case Typ.reject:
      case Typ.close:
        if (typ === Typ.reject) this.rejects.push(textOf(dat['rsn']));
        if (outbound !== undefined) {
          this.#outbound.delete(outbound[0]);
          outbound[1].settled(new Error(textOf(dat['rsn'])));
        }
        this.#inbound.delete(sid);
        return;
      case Typ.signal:
        if (!textOf(dat['knd']).startsWith('quic_')) this.ignoredSignals.push(textOf(dat['knd']));
        return;
      case Typ.data:
        this.#data(sid, dat);
        return;
      default:
    }
  }

  #data(sid: string, dat: Fields): void {
    const session = this.#inbound.get(sid);
    if (session === undefined) {
      this.droppedUnknown += 1;
      return;
    }
    const payload = bytesOf(dat['pay']);
    if (payload.length === 0) return;
    const etag = textOf(dat['etg']) || createHash('md5').update(payload).digest('hex');
    // Content that was seen before is dropped, on a TCP stream as well (G1).
    if (session.seen.has(etag)) {
      this.deduped += 1;
      return;
    }
    session.seen.add(etag);
    for (const oldest of session.seen) {
      if (session.seen.size <= DEDUPE) break;
      session.seen.delete(oldest);
    }
    const path = textOf(dat['pth']);
    const reorder = this.#reorder.get(path) ?? { next: 1, held: new Map<number, Uint8Array>() };
    this.#reorder.set(path, reorder);
    reorder.held.set(Number(dat['seq']), payload);
    const ready: Uint8Array[] = [];
    for (let next = reorder.held.get(reorder.next); next !== undefined; next = reorder.held.get(reorder.next)) {
      reorder.held.delete(reorder.next);
      reorder.next += 1;
      ready.push(next);
    }
    if (ready.length > 0) this.#pending = this.#pending.then(() => this.#deliver(path, ready));
  }

  // Upstream writes ready runs outside of its lock and may swap two; here they keep their order, since no sender can do anything about it.
  #pending: Promise<void> = Promise.resolve();

  async #deliver(path: string, payloads: Uint8Array[]): Promise<void> {
    for (let tries = 0; tries < WRITER_TRIES && !this.#over; tries += 1) {
      const writer = this.#writers.get(path);
      if (writer !== undefined) {
        for (const payload of payloads) if (!writer.write(payload)) await Promise.race([once(writer, 'drain'), once(writer, 'close')]);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, WRITER_TRY_MS));
    }
  }

  #send(typ: number, dat: Fields): void {
    this.#socket?.send({ id: randomBytes(3).toString('hex'), typ, dat });
  }
}
