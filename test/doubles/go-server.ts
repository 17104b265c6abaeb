// The Go server as wire.md describes it, on a loopback port: a pool of workers that all connections share, so that messages of one
// overtake each other (S1), queues that drop silently (S2), re-encoding that strips what it does not know, ICE headers. Nothing of
// this program's own relay or codec is in it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Wire } from './dialect.js';
import { GoAcl } from './go-acl.js';
import { GoConnection, type GoQueues } from './go-connection.js';
import { GoSessions } from './go-sessions.js';
import { Queue, Scheduler } from './queue.js';

export interface GoServerOptions {
  /** NumCPU. */
  workers?: number;
  queues?: Partial<GoQueues>;
  /** Turns of the event loop that a worker may be late by: what reorders. */
  lateTurns?: number;
  /** How long a worker takes for one message, ms: a busy machine. */
  workMs?: number;
  /** Messages of this type take no time: they overtake those of the same connection that are being worked on. */
  quick?: number;
  /** Between noting an Accept and handing it on, ms: signals of another worker overtake it there. */
  acceptMs?: number;
  /** As many Accepts are noted only when the signals right behind them were dropped, as a stranger's are. */
  acceptsOvertaken?: number;
  /** `SYFTBOX_HOTLINK_ICE_SERVERS` and the TURN variables of the server's environment. */
  iceServers?: string;
  turnHost?: string;
  turnPort?: number;
  turnUser?: string;
  turnPass?: string;
  seed?: number;
}

export class GoServer {
  readonly acl = new GoAcl();
  readonly connections = new Set<GoConnection>();
  readonly sessions = new GoSessions(this);
  /** What would have ended the process. */
  readonly crashes: string[] = [];
  /** Messages that were overtaken by a later one of the same connection. */
  overtaken = 0;
  /** Every message as it was read, oldest first, up to a bound. */
  readonly seen: { user: string; wire: Wire }[] = [];
  #rxDropped = 0;
  readonly #options: GoServerOptions;
  readonly #http: Server;
  readonly #work = new Queue<{ from: GoConnection; wire: Wire; number: number }>(256);
  readonly #scheduler: Scheduler;
  readonly #started = new Map<GoConnection, number>();

  private constructor(options: GoServerOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler(options.seed ?? 1);
    this.#http = createServer((request, response) => void this.#answer(request, response));
    const upgrader = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 8 * 1024 * 1024 });
    upgrader.on('headers', (headers, request) => headers.push(...this.#headers(request)));
    this.#http.on('upgrade', (request, socket, head) => {
      const user = new URL(request.url ?? '', 'http://server').searchParams.get('user') ?? '';
      if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(user)) socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      else upgrader.handleUpgrade(request, socket, head, (client) => this.#welcome(user, client, !wantsMsgpack(request)));
    });
    for (let i = options.workers ?? 4; i > 0; i -= 1) void this.#worker();
  }

  static async start(options: GoServerOptions = {}): Promise<GoServer> {
    const server = new GoServer(options);
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }
  /** Messages lost because a connection's queue was full. */
  get rxDropped(): number {
    return [...this.connections].reduce((sum, { rxDropped }) => sum + rxDropped, this.#rxDropped);
  }

  get acceptsOvertaken(): number {
    return this.#options.acceptsOvertaken ?? 0;
  }
  get acceptMs(): number {
    return this.#options.acceptMs ?? 0;
  }

  /** Cuts every connection of a user off, as a network that fails does. */
  cut(user: string): void {
    for (const connection of this.connections) if (connection.user === user) connection.terminate();
  }

  /** What a user sent, oldest first. */
  from(user: string): Wire[] {
    return this.seen.filter((message) => message.user === user).map(({ wire }) => wire);
  }

  crashed(why: string): void {
    this.crashes.push(why);
  }

  async close(): Promise<void> {
    this.#work.close();
    for (const connection of this.connections) connection.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  #welcome(user: string, client: import('ws').WebSocket, json: boolean): void {
    let number = 0;
    const queues = { rx: this.#options.queues?.rx ?? 256, tx: this.#options.queues?.tx ?? 256 };
    const connection = new GoConnection(user, client, json, queues, {
      relay: (from, wire) => {
        if (this.seen.length < 100_000) this.seen.push({ user, wire });
        number += 1;
        return this.#work.put({ from, wire, number });
      },
      gone: (gone) => {
        this.#rxDropped += gone.rxDropped;
        this.connections.delete(gone);
      },
      crashed: (why) => this.crashed(why),
    });
    this.connections.add(connection);
    void connection.greet();
  }

  async #worker(): Promise<void> {
    for (let job = await this.#work.take(); job !== undefined; job = await this.#work.take()) {
      const { from, wire, number } = job;
      if (this.#options.workMs !== undefined && wire.typ !== this.#options.quick)
        await new Promise((resolve) => setTimeout(resolve, this.#options.workMs));
      await this.#scheduler.late(this.#options.lateTurns ?? 2);
      const newest = this.#started.get(from) ?? 0;
      if (number < newest) this.overtaken += 1;
      else this.#started.set(from, number);
      await this.sessions.handle(from, wire);
    }
  }

  #headers(request: IncomingMessage): string[] {
    const { iceServers, turnHost, turnPort, turnUser, turnPass } = this.#options;
    const host = turnHost ?? (request.headers.host ?? '').replace(/:\d+$/, '');
    const ice = iceServers ?? `turns:${host}:${turnPort ?? 5349}?transport=tcp`;
    return [
      `X-Syft-WS-Encoding: ${wantsMsgpack(request) ? 'msgpack' : 'json'}`,
      `X-Syft-Hotlink-Ice-Servers: ${ice}`,
      ...(turnUser === undefined ? [] : [`X-Syft-Hotlink-Turn-User: ${turnUser}`]),
      ...(turnPass === undefined ? [] : [`X-Syft-Hotlink-Turn-Pass: ${turnPass}`]),
    ];
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://server');
    if (request.method !== 'PUT' || url.pathname !== '/api/v1/acl') {
      response.writeHead(url.pathname === '/healthz' ? 200 : 404).end('{"status":"ok"}');
      return;
    }
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const type = request.headers['content-type'] ?? '';
    const body = new Response(Buffer.concat(pieces), { headers: { 'content-type': type } });
    const file = type.startsWith('multipart/') ? (await body.formData()).get('file') : await body.text();
    const text = typeof file === 'string' ? file : ((await file?.text()) ?? '');
    const allowed = this.acl.put(url.searchParams.get('user') ?? '', url.searchParams.get('key') ?? '', text);
    response.writeHead(allowed ? 200 : 403).end('{}');
  }
}

function wantsMsgpack(request: IncomingMessage): boolean {
  const known = String(request.headers['x-syft-ws-encodings'] ?? '').split(',');
  return known.map((token) => token.trim().toLowerCase()).find((token) => token === 'msgpack' || token === 'json') === 'msgpack';
}
