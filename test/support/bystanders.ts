// Two honest users who go on with their business while others attack the relay: messages from Alice to Bob without a break, on a thread of their
// own. What arrives must be what was sent, in order and once, nobody else's word may reach them, and the rate tells what the attack costs them.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';
import { decodeEnvelope, encodeEnvelope, type Message } from '../../native-free/envelope/index.js';

export const ALICE = 'alice@example.com';
export const BOB = 'bob@example.com';
/** Theirs, and nobody else's to touch. */
export const SID = 'alice-and-bobs-session';
export const PATH = `${ALICE}/_mpc/0_to_1/stream.tcp.request`;

const PAYLOAD_BYTES = 32_768;
/** In front of Alice's socket; more would only measure memory. */
const AHEAD_BYTES = 1_048_576;

export interface Bystanding {
  messages: number;
  mibPerSecond: number;
  sent: string;
  received: string;
  /** Messages about the session that neither of the two sent, and any disconnection. */
  disturbances: string[];
}

export interface Habits {
  /** Where the relay wants them. */
  tokens?: { alice: string; bob: string };
  /** Alice sends no more than this: honest users keep within a relay's limits. */
  messagesPerSecond?: number;
}

export class Bystanders {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** @param habits see {@link Habits} */
  static async start(url: string, habits: Habits = {}): Promise<Bystanders> {
    const worker = new Worker(new URL(import.meta.url), { workerData: { bystanders: { url, ...habits } } });
    await once(worker, 'message');
    return new Bystanders(worker);
  }

  /** Transfers for so long, and tells how it went. */
  async busy(ms: number): Promise<Bystanding> {
    this.#worker.postMessage(ms);
    const [result] = (await once(this.#worker, 'message')) as [Bystanding];
    return result;
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close');
    await once(this.#worker, 'exit');
  }
}

class Honest {
  readonly socket: WebSocket;
  onMessage: (message: Message) => void = () => {};

  constructor(url: string, user: string, token: string | undefined) {
    const headers = { 'x-syft-ws-encodings': 'msgpack', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/events?user=${encodeURIComponent(user)}`, { headers });
    this.socket.on('message', (data: Buffer) => {
      const decoded = decodeEnvelope(data);
      if (decoded.ok) this.onMessage(decoded.message);
    });
  }

  send(message: Message): void {
    this.socket.send(encodeEnvelope('m', message, 'msgpack'));
  }

  heard(typ: number): Promise<void> {
    return new Promise((resolve) => {
      this.onMessage = (message) => {
        if (message.typ === typ) resolve();
      };
    });
  }
}

async function live({ url, tokens, messagesPerSecond = Number.POSITIVE_INFINITY }: Habits & { url: string }): Promise<void> {
  const disturbances: string[] = [];
  const [alice, bob] = [new Honest(url, ALICE, tokens?.alice), new Honest(url, BOB, tokens?.bob)];
  await Promise.all([alice.heard(0), bob.heard(0)]);
  const acl = Buffer.from(JSON.stringify({ rules: [{ pattern: '**', access: { read: [BOB] } }] }));
  const acked = alice.heard(4);
  alice.send({ typ: 2, pth: `${ALICE}/_mpc/0_to_1/syft.pub.yaml`, etg: '', len: acl.length, con: acl });
  await acked;
  const [asked, accepted] = [bob.heard(9), alice.heard(10)];
  alice.send({ typ: 9, sid: SID, pth: PATH, to: BOB });
  await asked;
  bob.send({ typ: 10, sid: SID });
  await accepted;
  for (const { socket } of [alice, bob]) socket.on('close', (code, reason) => disturbances.push(`closed with ${code} ${reason}`));
  alice.onMessage = (message) => {
    if ('sid' in message && message.sid === SID) disturbances.push(`alice was told ${JSON.stringify(message)}`);
  };
  let seq = 0;
  parentPort?.on('message', async (what: number | 'close') => {
    if (what === 'close') {
      alice.socket.terminate();
      bob.socket.terminate();
      parentPort?.close();
      return;
    }
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    const first = seq + 1;
    let next = first;
    let last = Number.POSITIVE_INFINITY;
    const all = new Promise<void>((resolve) => {
      bob.onMessage = (message) => {
        if (!('sid' in message) || message.sid !== SID) return;
        if (message.typ !== 12) disturbances.push(`bob was told ${JSON.stringify(message)}`);
        else {
          if (message.seq !== next) disturbances.push(`bob received ${message.seq} instead of ${next}`);
          next = message.seq + 1;
          received.update(message.pay ?? '');
          if (message.seq >= last) resolve();
        }
      };
    });
    const startedMs = performance.now();
    while (performance.now() - startedMs < what) {
      const pay = randomBytes(PAYLOAD_BYTES);
      sent.update(pay);
      seq += 1;
      alice.send({ typ: 12, sid: SID, seq, pth: PATH, pay });
      // Whatever else this thread has to do comes between two messages.
      do await new Promise((resolve) => setImmediate(resolve));
      while (alice.socket.bufferedAmount > AHEAD_BYTES && disturbances.length === 0);
      while (((performance.now() - startedMs) / 1000) * messagesPerSecond < seq - first && disturbances.length === 0)
        await new Promise((resolve) => setTimeout(resolve, 1));
      if (disturbances.length > 0) break;
    }
    last = seq;
    const closed = new Promise<void>((resolve) => {
      for (const { socket } of [alice, bob]) socket.once('close', () => resolve());
    });
    if (next <= last) await Promise.race([all, closed]);
    const mibPerSecond = ((next - first) * PAYLOAD_BYTES) / 1_048_576 / ((performance.now() - startedMs) / 1000);
    const result: Bystanding = {
      messages: next - first,
      mibPerSecond,
      sent: sent.digest('hex'),
      received: received.digest('hex'),
      disturbances,
    };
    parentPort?.postMessage(result);
  });
  parentPort?.postMessage('ready');
}

type Given = { bystanders?: Habits & { url: string } } | undefined;
if (!isMainThread && (workerData as Given)?.bystanders !== undefined) await live((workerData as Required<NonNullable<Given>>).bystanders);
