// A bare WebSocket client for the relay's tests: what arrives waits in order until it is asked for.
import { type ClientOptions, WebSocket } from 'ws';
import {
  type Decoded,
  decodeEnvelope,
  decodeEnvelopeText,
  type EnvelopeFormat,
  encodeEnvelope,
  type Message,
} from '../../native-free/envelope/index.js';
import type { RelayServer } from '../../src/relay/index.js';

export interface ClientSetup {
  /** What it asks the relay to send; undefined: nothing, which means JSON. */
  readonly encodings?: string;
  /** What it sends. */
  readonly format?: EnvelopeFormat;
  readonly headers?: Record<string, string>;
}

export class RelayClient {
  readonly user: string;
  readonly socket: WebSocket;
  readonly responseHeaders: Record<string, string | string[] | undefined>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** Every WebSocket message as it came. */
  readonly frames: { data: Buffer; isBinary: boolean }[] = [];
  private readonly format: EnvelopeFormat;
  private readonly inbox: Decoded[] = [];
  private wake: (() => void) | undefined;
  private sent = 0;

  private constructor(user: string, socket: WebSocket, format: EnvelopeFormat, responseHeaders: RelayClient['responseHeaders']) {
    this.user = user;
    this.socket = socket;
    this.format = format;
    this.responseHeaders = responseHeaders;
    this.closed = new Promise((resolve) => socket.on('close', resolve));
  }

  /** Connect and consume the greeting. Rejects with the HTTP status and body if the relay refuses. */
  static async connect(relay: RelayServer, user: string, setup: ClientSetup = {}): Promise<RelayClient> {
    const { encodings = 'msgpack,json', format = 'msgpack', headers = {} } = setup;
    const options: ClientOptions = { headers: { ...headers, ...(encodings === '' ? {} : { 'x-syft-ws-encodings': encodings }) } };
    const url = `${relay.url.replace('http', 'ws')}/api/v1/events?user=${encodeURIComponent(user)}`;
    const socket = new WebSocket(url, options);
    const client = await new Promise<RelayClient>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
      });
      socket.on('upgrade', (response) => {
        const made = new RelayClient(user, socket, format, response.headers);
        socket.on('message', (data: Buffer, isBinary) => made.onMessage(data, isBinary));
        socket.on('open', () => resolve(made));
      });
    });
    const greeting = await client.next();
    if (greeting.message.typ !== 0) throw new Error('the first message must be the greeting');
    return client;
  }

  /** @returns the id it was sent under */
  send(message: Message, id = `m${++this.sent}`): string {
    this.socket.send(encodeEnvelope(id, message, this.format));
    return id;
  }

  /** The next message that arrives. */
  async next(): Promise<Decoded> {
    while (this.inbox.length === 0) {
      const arrived = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      const code = await Promise.race([arrived, this.closed]);
      if (code !== undefined) throw new Error(`${this.user}: closed with ${code}`);
    }
    return this.inbox.shift() as Decoded;
  }

  /** Everything that arrived before the relay had dealt with all this client has sent so far: a round trip, no waiting. */
  async settled(): Promise<Decoded[]> {
    const sid = `barrier-${++this.sent}`;
    this.send({ typ: 14, sid, knd: 'barrier' });
    const seen: Decoded[] = [];
    for (;;) {
      const decoded = await this.next();
      if (decoded.message.typ === 14 && decoded.message.sid === sid) return seen;
      seen.push(decoded);
    }
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }

  private onMessage(data: Buffer, isBinary: boolean): void {
    this.frames.push({ data, isBinary });
    const decoded = isBinary ? decodeEnvelope(new Uint8Array(data)) : decodeEnvelopeText(data.toString());
    if (!decoded.ok) throw new Error(`the relay sent ${decoded.reason}`);
    this.inbox.push(decoded);
    this.wake?.();
  }
}

/** An ACL file that grants read to some and write to others. */
export function aclYaml(read: readonly string[], write: readonly string[] = [], admin: readonly string[] = []): string {
  return JSON.stringify({ rules: [{ pattern: '**', access: { read, write, admin } }] });
}

/** Upload an ACL file as its owner. */
export async function putAcl(relay: RelayServer, owner: string, directory: string, yaml: string, user = owner): Promise<Response> {
  const form = new FormData();
  form.set('file', new Blob([yaml]), 'syft.pub.yaml');
  const key = `${directory}/syft.pub.yaml`;
  return fetch(`${relay.url}/api/v1/acl?user=${encodeURIComponent(user)}&key=${encodeURIComponent(key)}`, { method: 'PUT', body: form });
}
