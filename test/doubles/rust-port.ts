// The local port of one channel of the Rust client: the first live connection is the writer, the newest extra one stands by, and what any
// of them sends goes into the one session (wire.md 4.5). The end of a connection is told to nobody (4.8).
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export class RustPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #writer: Socket | undefined;
  #standby: Socket | undefined;

  private constructor(chunkBytes: number, send: (chunk: Uint8Array) => Promise<void>) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      if (this.#writer === undefined) this.#writer = socket;
      else this.#standby = socket;
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (this.#standby === socket) this.#standby = undefined;
        if (this.#writer !== socket) return;
        this.#writer = this.#standby;
        this.#standby = undefined;
      });
      void carry(socket, chunkBytes, send);
    });
  }

  static async listen(port: number, chunkBytes: number, send: (chunk: Uint8Array) => Promise<void>): Promise<RustPort> {
    const local = new RustPort(chunkBytes, send);
    local.#server.listen(port, '127.0.0.1');
    await once(local.#server, 'listening');
    return local;
  }

  /** @returns false when no application is there */
  async write(payload: Uint8Array): Promise<boolean> {
    const writer = this.#writer;
    if (writer === undefined) return false;
    if (!writer.write(payload)) await Promise.race([once(writer, 'drain'), once(writer, 'close')]);
    return true;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function carry(socket: Socket, chunkBytes: number, send: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  try {
    for await (const data of socket as AsyncIterable<Buffer>) {
      for (let at = 0; at < data.length; at += chunkBytes) await send(Uint8Array.from(data.subarray(at, at + chunkBytes)));
    }
  } catch {
    // The application reset its connection: no more to read.
  }
}
