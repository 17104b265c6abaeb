// One UDP socket that asks STUN and TURN servers, repeating what was not answered. The same socket for all of them: whether a NAT gives it
// the same address toward each is what tells the kind of NAT. Main thread.
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type Attribute, type Endpoint, parseStun, type StunAnswer, stunRequest } from './stun-message.js';

/** Waits of RFC 8489 §6.2.1, shortened: a check that hangs is no check. */
const WAITS_MS = [300, 600, 1200];

export class StunClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (answer: StunAnswer) => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const answer = parseStun(bytes);
      if (answer !== undefined) this.#waiting.get(answer.transaction)?.(answer);
    });
    // ICMP errors of earlier questions; the question itself runs out of time.
    socket.on('error', () => undefined);
  }

  /** @param family of the servers that will be asked */
  static async open(family: 4 | 6): Promise<StunClient> {
    const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
    socket.bind(0);
    await once(socket, 'listening');
    return new StunClient(socket);
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /** @returns undefined when nobody answers */
  async ask(server: Endpoint, type: number, attributes: readonly Attribute[] = [], key?: Buffer): Promise<StunAnswer | undefined> {
    const { bytes, transaction } = stunRequest(type, attributes, key);
    let arrived: (answer: StunAnswer) => void = () => undefined;
    const answer = new Promise<StunAnswer>((resolve) => {
      arrived = resolve;
    });
    this.#waiting.set(transaction, arrived);
    try {
      for (const waitMs of WAITS_MS) {
        this.#socket.send(bytes, server.port, server.host, () => undefined);
        let timer: NodeJS.Timeout | undefined;
        const patience = new Promise<undefined>((resolve) => {
          timer = setTimeout(() => resolve(undefined), waitMs);
        });
        const got = await Promise.race([answer, patience]);
        clearTimeout(timer);
        if (got !== undefined) return got;
      }
      return undefined;
    } finally {
      this.#waiting.delete(transaction);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}

/** @returns undefined when the name is not known */
export async function resolveServer(host: string, port: number): Promise<(Endpoint & { family: 4 | 6 }) | undefined> {
  try {
    const { address, family } = await lookup(host);
    return { host: address, port, family: family === 6 ? 6 : 4 };
  } catch {
    return undefined;
  }
}
