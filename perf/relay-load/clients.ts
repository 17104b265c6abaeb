// The users of a loaded server, all in this process: pairs of them, in each a session that is never idle. A sender keeps a few messages under
// way, and sends the next when one has arrived, so that the load is what the server carries and nothing piles up.
// Invariant: every message is looked at: the next number of its session, the right bytes; one that is lost, repeated or out of place is an error.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';
import {
  decodeEnvelope,
  encodeDataEnvelope,
  encodeEnvelope,
  type Message,
  MessageType,
  peekData,
} from '../../native-free/envelope/index.js';
import { uploadAcl } from '../../src/bench/layout.js';
import type { LoadServer } from './server.js';

export interface LoadShape {
  /** Sessions; each has two users. */
  readonly sessions: number;
  readonly payloadBytes: number;
  /** Messages of one session under way. */
  readonly window: number;
  /** Both ends of a session hash all payloads. */
  readonly digests: boolean;
}

export interface LoadFigures {
  readonly seconds: number;
  readonly messages: number;
  /** Processor time of the server, ms. */
  readonly serverCpuMs: number;
  /** The most its resident memory was, bytes; looked at every second and at the end. */
  readonly serverRssBytes: number;
  /** From handing a message to the socket until its content was looked at, ms, one of sixteen. */
  readonly waitsMs: number[];
}

/** Connections made at once: a server's queue of those that wait to be accepted is bounded. */
const AT_ONCE = 50;
const SAMPLE_EVERY = 16;
const ANSWER_MS = 20_000;
/** Any content will do that tells one message from the next; random bytes cannot be compressed by anything on the way. */
const BLOCK = randomBytes(1 << 20);

export class LoadClients {
  private readonly pairs: Pair[] = [];
  private readonly server: LoadServer;

  private constructor(server: LoadServer) {
    this.server = server;
  }

  static async connect(server: LoadServer, shape: LoadShape, signal: AbortSignal): Promise<LoadClients> {
    const clients = new LoadClients(server);
    for (let from = 0; from < shape.sessions; from += AT_ONCE) {
      signal.throwIfAborted();
      const count = Math.min(AT_ONCE, shape.sessions - from);
      clients.pairs.push(...(await Promise.all(Array.from({ length: count }, (_, index) => Pair.open(server, from + index, shape)))));
    }
    return clients;
  }

  get users(): number {
    return this.pairs.length * 2;
  }

  /** Load for so long, then until everything under way has arrived. @throws Error naming the message that is lost or wrong */
  async run(seconds: number, signal: AbortSignal): Promise<LoadFigures> {
    const before = this.server.usage();
    const startedMs = performance.now();
    let rssBytes = before.rssBytes;
    const watch = setInterval(() => {
      rssBytes = Math.max(rssBytes, this.server.usage().rssBytes);
    }, 1000);
    try {
      const messagesBefore = this.messages;
      for (const pair of this.pairs) pair.start();
      await this.until(startedMs + seconds * 1000, signal);
      for (const pair of this.pairs) pair.stop();
      await Promise.all(this.pairs.map((pair) => pair.drained));
      const after = this.server.usage();
      return {
        seconds: (performance.now() - startedMs) / 1000,
        messages: this.messages - messagesBefore,
        serverCpuMs: after.cpuMs - before.cpuMs,
        serverRssBytes: Math.max(rssBytes, after.rssBytes),
        waitsMs: this.pairs.flatMap((pair) => pair.waitsMs.splice(0)),
      };
    } finally {
      clearInterval(watch);
    }
  }

  close(): void {
    for (const pair of this.pairs) pair.close();
  }

  private get messages(): number {
    return this.pairs.reduce((sum, { received }) => sum + received, 0);
  }

  private async until(atMs: number, signal: AbortSignal): Promise<void> {
    const failed = Promise.race(this.pairs.map(({ failed }) => failed));
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, atMs - performance.now()));
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([over, failed]).finally(() => clearTimeout(timer));
    signal.throwIfAborted();
  }
}

/** One session: a user that sends, and one that receives and looks. */
class Pair {
  received = 0;
  readonly waitsMs: number[] = [];
  /** Rejects with what is wrong. */
  readonly failed: Promise<never>;
  drained: Promise<void> = Promise.resolve();
  private readonly sender: WebSocket;
  private readonly receiver: WebSocket;
  private readonly shape: LoadShape;
  private readonly sid: string;
  private readonly path: string;
  private readonly offset: number;
  private readonly sentDigest: Hash = createHash('sha256');
  private readonly receivedDigest: Hash = createHash('sha256');
  private sent = 0;
  private running = false;
  private sampledAtMs = 0;
  private onDrained: () => void = () => {};
  private fail: (error: Error) => void = () => {};

  private constructor(sender: WebSocket, receiver: WebSocket, index: number, path: string, shape: LoadShape) {
    this.sender = sender;
    this.receiver = receiver;
    this.shape = shape;
    this.sid = sidOf(index);
    this.path = path;
    this.offset = (index * 7919) % 65_521;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failed.catch(() => {});
    for (const socket of [sender, receiver])
      socket.on('close', (code: number, reason: Buffer) => this.fail(new Error(`${this.sid}: closed with ${code} ${reason}`)));
    sender.on('message', (frame: Buffer) => this.fail(new Error(`${this.sid}: the sender was told ${describe(frame)}`)));
    receiver.on('message', (frame: Buffer) => this.onMessage(frame));
  }

  /** Two users at the server, and with our relay a session between them. */
  static async open(server: LoadServer, index: number, shape: LoadShape): Promise<Pair> {
    const [from, to] = [`sender-${index}@load.example`, `receiver-${index}@load.example`];
    const path = `${from}/load/stream.tcp.request`;
    if (server.kind === 'relay') {
      const text = JSON.stringify({ rules: [{ pattern: '**', access: { read: [to] } }] });
      await uploadAcl(server.url, { owner: from, key: `${from}/load/syft.pub.yaml`, text });
    }
    const place = (user: string): string =>
      server.kind === 'relay' ? `/api/v1/events?user=${encodeURIComponent(user)}` : `/?room=${index}`;
    const [sender, receiver] = await Promise.all([connect(server.url, place(from)), connect(server.url, place(to))]);
    if (server.kind === 'relay') {
      const sid = sidOf(index);
      const asked = answerTo(receiver, MessageType.Open);
      sender.send(encodeEnvelope('load', { typ: MessageType.Open, sid, pth: path, to }, 'msgpack'));
      await asked;
      const accepted = answerTo(sender, MessageType.Accept);
      receiver.send(encodeEnvelope('load', { typ: MessageType.Accept, sid }, 'msgpack'));
      await accepted;
    }
    return new Pair(sender, receiver, index, path, shape);
  }

  start(): void {
    this.running = true;
    this.drained = Promise.race([
      new Promise<void>((resolve) => {
        this.onDrained = resolve;
      }),
      this.failed,
    ]);
    // Whoever waits for the end hears of it.
    this.drained.catch(() => {});
    for (let i = 0; i < this.shape.window; i++) this.send();
  }

  /** Send no more. {@link drained} resolves when the last one has arrived, and the digests are the same. */
  stop(): void {
    this.running = false;
    this.checkDrained();
  }

  close(): void {
    for (const socket of [this.sender, this.receiver]) {
      socket.removeAllListeners('close');
      socket.terminate();
    }
  }

  private send(): void {
    const payload = this.payloadOf(++this.sent);
    if (this.shape.digests) this.sentDigest.update(payload);
    if (this.sent % SAMPLE_EVERY === 0) this.sampledAtMs = performance.now();
    this.sender.send(encodeDataEnvelope('load', this.sid, this.sent, this.path, '', payload));
  }

  private onMessage(frame: Buffer): void {
    const data = peekData(frame);
    if (data?.sid !== this.sid || data.seq !== this.received + 1) {
      this.fail(new Error(`${this.sid}: message ${this.received + 1} was expected, ${describe(frame)} came`));
      return;
    }
    this.received++;
    const payload = frame.subarray(data.payStart, data.payStart + data.payBytes);
    if (this.shape.digests) this.receivedDigest.update(payload);
    if (!payload.equals(this.payloadOf(data.seq))) this.fail(new Error(`${this.sid}: message ${data.seq} is not what was sent`));
    if (data.seq % SAMPLE_EVERY === 0) this.waitsMs.push(performance.now() - this.sampledAtMs);
    if (this.running) this.send();
    else this.checkDrained();
  }

  private checkDrained(): void {
    if (this.received < this.sent) return;
    const same = this.sentDigest.copy().digest('hex') === this.receivedDigest.copy().digest('hex');
    if (same) this.onDrained();
    else this.fail(new Error(`${this.sid}: the digests of both ends differ`));
  }

  private payloadOf(seq: number): Buffer {
    const from = (this.offset + seq * 4093) % (BLOCK.length - this.shape.payloadBytes);
    return BLOCK.subarray(from, from + this.shape.payloadBytes);
  }
}

function sidOf(index: number): string {
  return `load-session-${index}`;
}

function connect(url: string, place: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${place}`, {
      headers: { 'x-syft-ws-encodings': 'msgpack' },
      perMessageDeflate: false,
      // A mask of zeros costs the sender nothing: the load is to be the server's.
      generateMask: () => {},
    });
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The next message of this kind; what else comes before it is passed over. */
function answerTo(socket: WebSocket, typ: Message['typ']): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      clearTimeout(timer);
      socket.off('message', take);
      if (error === undefined) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => end(new Error(`no answer of kind ${typ} within ${ANSWER_MS} ms`)), ANSWER_MS);
    const take = (frame: Buffer): void => {
      const decoded = decodeEnvelope(frame);
      if (!decoded.ok || decoded.message.typ === MessageType.Reject) end(new Error(describe(frame)));
      else if (decoded.message.typ === typ) end();
    };
    socket.on('message', take);
  });
}

function describe(frame: Buffer): string {
  const decoded = decodeEnvelope(frame);
  if (!decoded.ok) return decoded.reason;
  const { message } = decoded;
  return message.typ === MessageType.Data ? `message ${message.seq} of ${message.sid}` : JSON.stringify(message);
}
