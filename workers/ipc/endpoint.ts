// The local address where one application meets an IPC directory: a unix socket, a Windows pipe or a TCP port (wire.md 6.1). Bound once and
// kept for as long as the directory is served, whoever comes and goes. A unix socket is bound under a private name, closed to others, and
// only then moved to where applications look: nobody ever sees it with wider permissions, and a dead one is replaced in the same step. Only in a
// folder that is ours alone: in another user's, they could put a socket of their own in its place.
// Channel worker thread.

import { chmod, lstat, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
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
  /** Where the unix socket is. */
  #socket: string | undefined;
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
    if (this.#socket !== undefined) await rm(this.#socket, { force: true });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async #open(): Promise<void> {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#events.connection(socket));
    server.maxConnections = MAX_WAITING;
    try {
      const shown = await bind(server, this.#address);
      this.#server = server;
      if (this.#address.kind === 'unix') this.#socket = shown;
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
  const folder = await ownFolder(dirname(address.path));
  const shown = join(folder, basename(address.path));
  if (await answers(shown)) throw Object.assign(new Error('another process listens there'), { code: 'EADDRINUSE' });
  const hidden = await mkdtemp(join(folder, '.'));
  const path = join(hidden, 's');
  try {
    await listen(server, { path });
    await chmod(path, 0o600);
    await rename(path, shown);
  } finally {
    await rm(path, { force: true });
    await rmdir(hidden);
  }
  return shown;
}

/**
 * Makes the folder of sockets. Where another user has it, one beside it with our number: applications read the place from the marker.
 * @throws Error when neither is ours alone
 */
async function ownFolder(folder: string): Promise<string> {
  const uid = process.getuid?.();
  for (const path of [folder, `${folder}-${uid}`]) {
    await mkdir(path, { recursive: true, mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const facts = await lstat(path);
    if (facts.isDirectory() && (uid === undefined || (facts.uid === uid && (facts.mode & 0o022) === 0))) return path;
  }
  throw Object.assign(new Error(`neither ${folder} nor ${folder}-${uid} is a directory of this user's alone`), { code: 'EACCES' });
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
