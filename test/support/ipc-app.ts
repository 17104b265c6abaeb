// An application of local IPC as upstream's tests write one: it polls the marker, connects to what it names, and exchanges HLNK frames.

import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeFrame, FrameDecoder } from '../../native-free/hlnk/index.js';
import { startRelay } from '../../src/relay/index.js';
import type { Sandbox } from './sandbox.js';

export interface IpcFrame {
  path: string;
  etag: string;
  seq: number;
  payload: Buffer;
  /** When it was read, ms on performance.now()'s clock. */
  atMs: number;
}

/** How often upstream's applications look at the marker, ms. */
const POLL_MS = 50;

export class IpcApp {
  readonly frames: IpcFrame[] = [];
  readonly socket: Socket;
  readonly #decoder = new FrameDecoder();
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.#decoder.push(bytes);
      for (const view of this.#decoder) {
        const payload = Buffer.from(view.payload());
        this.frames.push({ path: view.path(), etag: view.etag(), seq: view.seq, payload, atMs: performance.now() });
      }
      this.#wake?.();
    });
  }

  /** @param marker the file that names the endpoint @returns once connected */
  static async connect(marker: string, ms = 10_000): Promise<IpcApp> {
    const deadline = performance.now() + ms;
    for (;;) {
      const address = read(marker);
      if (address !== '') {
        const socket =
          address.includes(':') && !address.startsWith('/')
            ? connect(Number(address.slice(address.lastIndexOf(':') + 1)), address.slice(0, address.lastIndexOf(':')))
            : connect(address);
        const connected = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
          () => false,
        );
        if (connected) return new IpcApp(socket.setNoDelay(true));
      }
      if (performance.now() > deadline) throw new Error(`no endpoint in ${marker} within ${ms} ms`);
      await wait(POLL_MS);
    }
  }

  send(path: string, payload: Uint8Array, etag = ''): void {
    this.socket.write(encodeFrame(path, etag, 0, payload));
  }

  /** Resolves with the first frame that fits; fails after `ms`. */
  async next(fits: (frame: IpcFrame) => boolean = () => true, ms = 10_000): Promise<IpcFrame> {
    const deadline = performance.now() + ms;
    for (;;) {
      const found = this.frames.findIndex(fits);
      if (found >= 0) return this.frames.splice(found, 1)[0] as IpcFrame;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`no such frame within ${ms} ms; ${this.frames.length} others came`);
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
        wait(leftMs),
      ]);
    }
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.end();
    this.socket.destroy();
    await closed;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** One RPC endpoint of `owner`, as upstream's tests lay it out, with the ACL at the relay that lets the others read it (and write, if asked). */
export async function rpcDirectory(
  sandbox: Sandbox,
  owner: string,
  readers: readonly string[],
  name: string,
  mayWrite = false,
): Promise<string> {
  const relative = `${owner}/app_data/latency/rpc/${name}`;
  const all = JSON.stringify([owner, ...readers]);
  const acl = `rules:\n  - pattern: '**'\n    access:\n      admin: ['${owner}']\n      write: ${mayWrite ? all : JSON.stringify([owner])}\n      read: ${all}\n`;
  const answer = await fetch(`${sandbox.relay.url}/api/v1/acl?user=${owner}&key=${relative}/syft.pub.yaml`, { method: 'PUT', body: acl });
  if (!answer.ok) throw new Error(`the relay refused the ACL: ${await answer.text()}`);
  return relative;
}

/** Another relay at the same address, which remembers nothing. */
export async function restartRelay(sandbox: Sandbox): Promise<void> {
  const listen = new URL(sandbox.relay.url).host;
  await sandbox.relay.close();
  sandbox.relay = await startRelay({ listen });
}

/** Writes a file into a party's copy of a datasite directory. @returns its path */
export function put(sandbox: Sandbox, party: string, relative: string, name: string, content = ''): string {
  const folder = join(sandbox.dataDir(party), 'datasites', relative);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
