// The local address where one application meets an IPC directory: a unix socket, a Windows pipe or a TCP port (wire.md 6.1). Bound once and
// kept for as long as the directory is served, whoever comes and goes. A unix socket is bound under a private name, closed to others, and
// only then moved to where applications look: nobody ever sees it with wider permissions, and a dead one is replaced in the same step.
// Channel worker thread.

import { chmod, lstat, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { IpcAddress } from '../messages.js';

/** Between two tries to bind, ms: as often as markers are looked for. */
const RETRY_MS = 250;
/** Applications that may wait for the one in front of them to leave. */
const MAX_WAITING = 64;

export interface EndpointEvents {
  /** Paused, so that nothing is read before it is the connection's turn. */
  connection(socket: Socket): void;
  /** @param address what applications read from the marker */
  listening(address: string): void;
  /** Told once per reason; tries go on. */
  failed(code: string, message: string): void;
}

export class Endpoint {
  readonly #address: IpcAddress;
  readonly #events: EndpointEvents;
  #server: Server | undefined;
  #retry: NodeJS.Timeout | undefined;
  #reported = '';
  #closed = false;
  #opening: Promise<void>;

  constructor(address: IpcAddress, events: EndpointEvents) {
    this.#address = address;
    this.#events = events;
    this.#opening = this.#open();
  }

  /** Stops listening. @returns when the address is free; connections that were handed over must be gone by then */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#opening;
    const server = this.#server;
    if (server === undefined) return;
    if (this.#address.kind === 'unix') await rm(this.#address.path, { force: true });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async #open(): Promise<void> {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#events.connection(socket));
    server.maxConnections = MAX_WAITING;
    try {
      const shown = await bind(server, this.#address);
      this.#server = server;
      this.#reported = '';
      if (this.#closed) return;
      server.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
      this.#events.listening(shown);
    } catch (error) {
      server.close();
      this.#failed(error as NodeJS.ErrnoException);
      if (this.#closed) return;
      this.#retry = setTimeout(() => {
        this.#opening = this.#open();
      }, RETRY_MS);
    }
  }

  #failed(error: NodeJS.ErrnoException): void {
    const code = error.code ?? 'ERR';
    if (this.#reported === code) return;
    this.#reported = code;
    this.#events.failed(code, `cannot listen on ${describe(this.#address)}: ${error.message}`);
  }
}

async function bind(server: Server, address: IpcAddress): Promise<string> {
  if (address.kind === 'tcp') {
    await listen(server, { host: address.host, port: address.port });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    return address.host.includes(':') ? `[${address.host}]:${port}` : `${address.host}:${port}`;
  }
  if (address.kind === 'pipe') {
    await listen(server, { path: address.path });
    return address.path;
  }
  const folder = dirname(address.path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a directory`);
  if (await answers(address.path)) throw Object.assign(new Error('another process listens there'), { code: 'EADDRINUSE' });
  const hidden = await mkdtemp(join(folder, '.'));
  const path = join(hidden, 's');
  try {
    await listen(server, { path });
    await chmod(path, 0o600);
    await rename(path, address.path);
  } finally {
    await rm(path, { force: true });
    await rmdir(hidden);
  }
  return address.path;
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether a living process listens at a unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

function describe(address: IpcAddress): string {
  return address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path;
}
