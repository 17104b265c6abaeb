// A relay under attack: it on one thread, two honest users on another, the attackers in the test. After every attack the honest users' bytes are
// compared, and their rate is held against what it was in peace.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { type EnvelopeFormat, encodeEnvelope, type Message } from '../../native-free/envelope/index.js';
import type { RelayStats } from '../../src/relay/index.js';
import { Bystanders, type Habits } from './bystanders.js';
import { RelayThread, type ThreadOptions } from './relay-thread.js';

/**
 * What an attack may cost the honest users, at most: they keep this part of their rate, although attackers, relay and honest users share two
 * cores here.
 */
const KEPT_RATE = 0.1;
const PEACE_MS = 700;

export class Hostility {
  readonly relay: RelayThread;
  readonly #bystanders: Bystanders;
  readonly #open: (WebSocket | Socket)[] = [];
  #peace = 0;

  private constructor(relay: RelayThread, bystanders: Bystanders) {
    this.relay = relay;
    this.#bystanders = bystanders;
  }

  static async begin(options: ThreadOptions = {}, habits: Habits = {}): Promise<Hostility> {
    const relay = await RelayThread.start(options);
    const hostility = new Hostility(relay, await Bystanders.start(relay.url, habits));
    await hostility.#bystanders.busy(200);
    hostility.#peace = (await hostility.#bystanders.busy(PEACE_MS)).mibPerSecond;
    return hostility;
  }

  /**
   * Lets an attack run while the honest users transfer.
   * @param attack goes on until `over` is aborted, or ends by itself
   * @returns what the relay counted meanwhile
   */
  async under(what: string, attack: (over: AbortSignal) => Promise<void>, ms = 1500): Promise<Counted> {
    const before = await this.relay.stats();
    const over = new AbortController();
    const [calm] = await Promise.all([this.#bystanders.busy(ms).finally(() => over.abort()), attack(over.signal)]);
    expect(calm.disturbances, `${what}: nobody else's word reaches the honest users`).toEqual([]);
    expect(calm.received, `${what}: what arrives is what was sent`).toBe(calm.sent);
    const factor = calm.mibPerSecond / this.#peace;
    process.stderr.write(`${what}: honest users at ${calm.mibPerSecond.toFixed(0)} MiB/s, ${factor.toFixed(2)} of peace\n`);
    expect(factor, `${what}: the honest users' rate`).toBeGreaterThan(KEPT_RATE);
    const after = await this.relay.stats();
    return (name) => (after[name] as number) - (before[name] as number);
  }

  /** Connects as somebody; greeting and all. Rejects with status and body when the relay refuses. */
  async attacker(user: string, options: ClientOptions = {}): Promise<Attacker> {
    const attacker = await Attacker.connect(this.relay.url, user, options);
    this.#open.push(attacker.socket);
    return attacker;
  }

  /** A bare TCP connection to the relay. */
  async raw(text: string | Uint8Array = ''): Promise<RawAttacker> {
    const socket = connect(this.relay.port, '127.0.0.1');
    this.#open.push(socket);
    const attacker = new RawAttacker(socket);
    await once(socket, 'connect');
    if (text.length > 0) socket.write(text);
    return attacker;
  }

  async end(): Promise<void> {
    for (const one of this.#open)
      if (one instanceof WebSocket) one.terminate();
      else one.destroy();
    await this.#bystanders.close();
    await this.relay.close();
  }
}

/** How much a number of the relay's grew. */
export type Counted = (name: keyof RelayStats) => number;

export class RawAttacker {
  readonly socket: Socket;
  heard = '';
  /** Resolves with everything heard when the relay ends the connection. */
  readonly over: Promise<string>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.heard += chunk.toString('latin1');
    });
    this.over = new Promise((resolve) => socket.on('close', () => resolve(this.heard)));
  }
}

export class Attacker {
  readonly user: string;
  readonly socket: WebSocket;
  /** Close code and reason. */
  readonly over: Promise<string>;
  readonly frames: string[] = [];

  private constructor(user: string, socket: WebSocket) {
    this.user = user;
    this.socket = socket;
    this.over = new Promise((resolve) => socket.on('close', (code, reason) => resolve(`${code} ${reason}`)));
    socket.on('message', (data: Buffer) => this.frames.push(data.toString()));
  }

  static connect(url: string, user: string, options: ClientOptions): Promise<Attacker> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/events?user=${encodeURIComponent(user)}`, options);
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
      });
      const made = new Attacker(user, socket);
      socket.on('open', () => {
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve(made);
      });
    });
  }

  send(message: Message, format: EnvelopeFormat = 'msgpack'): void {
    this.socket.send(encodeEnvelope('evil', message, format));
  }

  /** Text frames that came so far and hold all of these words. */
  heard(...words: string[]): number {
    return this.frames.filter((frame) => words.every((word) => frame.includes(word))).length;
  }

  /** Until the relay has dealt with everything sent so far. */
  async settled(): Promise<void> {
    const sid = `barrier-${Math.random().toString(36).slice(2)}`;
    this.send({ typ: 14, sid, knd: 'barrier' });
    while (this.heard(sid) === 0 && this.socket.readyState === WebSocket.OPEN) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Sends as fast as the socket takes it, until told to stop or cut off. @returns how many */
  async flood(over: AbortSignal, make: (count: number) => Message | Uint8Array): Promise<number> {
    let sent = 0;
    while (!over.aborted && this.socket.readyState === WebSocket.OPEN) {
      for (let burst = 0; burst < 200 && this.socket.bufferedAmount < 4_194_304; burst += 1, sent += 1) {
        const next = make(sent);
        if (next instanceof Uint8Array) this.socket.send(next);
        else this.send(next);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return sent;
  }
}
