// One TCP connection to another party, used as Sequre uses its own: a message is eight bytes of length and then the body, each written by
// itself and neither with TCP_NODELAY; reads are exact, nothing is pipelined, and an end in the middle is the end of the run.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** As often as Sequre dials, and about as far apart. */
const TRIES = 100;
const BETWEEN_TRIES_MS = 1000;
/** Sequre moves messages of 96 MB; whatever claims to be much longer is no message. */
const MAX_MESSAGE_BYTES = 2 ** 30;
/** Taken from the kernel before anybody asks for it: like a socket buffer, so that a slow party slows the others down and no more. */
const READ_AHEAD_BYTES = 262_144;

export class Link {
  #socket;
  #name;
  #failure;
  #ended = false;
  /** What has come and was not asked for yet; above the mark no more is taken in. */
  #parts = [];
  #waitingBytes = 0;
  #wake = () => {};
  sentBytes = 0;
  receivedBytes = 0;

  constructor(socket, name) {
    this.#socket = socket;
    this.#name = name;
    socket.on('data', (part) => {
      this.#parts.push(part);
      this.#waitingBytes += part.length;
      if (this.#waitingBytes >= READ_AHEAD_BYTES) socket.pause();
      this.#wake();
    });
    socket.on('error', (error) => {
      this.#failure = error;
    });
    for (const word of ['end', 'close']) {
      socket.on(word, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** Dials until somebody listens. @param address `host:port` */
  static async dial(address, name) {
    const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
    if (host === undefined) throw new Error(`"${address}" is no host:port`);
    for (let attempt = 1; ; attempt += 1) {
      const socket = connect({ host, port: Number(port), allowHalfOpen: true });
      try {
        await once(socket, 'connect');
        return new Link(socket, name);
      } catch (error) {
        if (attempt === TRIES) throw new Error(`${name} cannot be reached at ${address}: ${error.message}`);
        await pause(BETWEEN_TRIES_MS);
      }
    }
  }

  /** Resolves when the kernel has taken all of it, as a blocking send returns. @param parts one body, in pieces */
  async send(...parts) {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes));
    await this.#write(length);
    for (const part of parts) if (part.length > 0) await this.#write(part);
    this.sentBytes += 8 + bytes;
  }

  async receive() {
    const length = (await this.#read(8)).readBigUInt64LE();
    if (length > MAX_MESSAGE_BYTES) throw new Error(`${this.#name} announces a message of ${length} bytes`);
    const body = length === 0n ? Buffer.alloc(0) : await this.#read(Number(length));
    this.receivedBytes += 8 + body.length;
    return body;
  }

  /** Ends our half and waits for the other's. @throws Error when something follows that nobody asked for */
  async end() {
    this.#socket.end();
    while (!this.#ended && this.#waitingBytes === 0) await this.#change();
    if (this.#waitingBytes > 0) throw new Error(`${this.#name} went on after the last message`);
    if (this.#failure !== undefined) throw new Error(`the connection to ${this.#name} broke: ${this.#failure.message}`);
  }

  destroy() {
    this.#socket.destroy();
  }

  #write(bytes) {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(new Error(`sending to ${this.#name}: ${error.message}`)) : resolve()));
    });
  }

  async #read(bytes) {
    while (this.#waitingBytes < bytes) {
      if (this.#ended) throw new Error(`${this.#name} left in the middle: ${this.#failure?.message ?? 'the connection ended'}`);
      this.#socket.resume();
      await this.#change();
    }
    const all = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = all.length > bytes ? [all.subarray(bytes)] : [];
    this.#waitingBytes -= bytes;
    return all.subarray(0, bytes);
  }

  #change() {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
