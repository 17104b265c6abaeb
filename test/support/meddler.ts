// A proxy in front of the relay that sees everything and may change it: what a malicious relay can do. Control and data alike, both ways.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { type Decoded, decodeEnvelope, encodeEnvelope, type Message } from '../../native-free/index.js';

/** A message on its way: from which user's client to the relay, or from the relay to that client. */
export interface Passing {
  user: string;
  to: 'relay' | 'client';
  data: Buffer;
  /** Decoded, when it is an envelope. */
  envelope: Decoded | undefined;
}

export interface Meddler {
  readonly url: string;
  /** Sends a message to a user's client as if the relay had. */
  inject(user: string, id: string, message: Message): void;
  close(): Promise<void>;
}

/** @param meddle what goes on in place of each message; undefined lets it pass */
export async function startMeddler(relayUrl: string, meddle: (passing: Passing) => (Buffer | Uint8Array)[] | undefined): Promise<Meddler> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const clients = new Map<string, WebSocket>();
  server.on('connection', (client, request) => {
    const url = new URL(request.url ?? '', relayUrl);
    const user = url.searchParams.get('user') ?? '';
    clients.set(user, client);
    url.protocol = 'ws:';
    const relay = new WebSocket(url, { headers: { 'x-syft-ws-encodings': 'msgpack' }, perMessageDeflate: false });
    const early: Buffer[] = [];
    const pass = (to: Passing['to'], data: Buffer): void => {
      const target = to === 'relay' ? relay : client;
      const decoded = decodeEnvelope(data);
      for (const out of meddle({ user, to, data, envelope: decoded.ok ? decoded : undefined }) ?? [data])
        target.send(out, { binary: true });
      // Back-pressure passes through.
      const source = to === 'relay' ? client : relay;
      if (target.bufferedAmount <= 1_048_576 || source.isPaused) return;
      source.pause();
      const resume = setInterval(() => {
        if (target.bufferedAmount > 262_144 && target.readyState === WebSocket.OPEN) return;
        clearInterval(resume);
        source.resume();
      }, 1);
    };
    relay.on('open', () => {
      for (const data of early.splice(0)) pass('relay', data);
    });
    client.on('message', (data: Buffer) => {
      if (relay.readyState === WebSocket.OPEN) pass('relay', data);
      else early.push(data);
    });
    relay.on('message', (data: Buffer) => pass('client', data));
    relay.on('close', () => client.terminate());
    client.on('close', () => relay.terminate());
    relay.on('error', () => client.terminate());
    client.on('error', () => relay.terminate());
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inject: (user, id, message) => clients.get(user)?.send(encodeEnvelope(id, message, 'msgpack')),
    async close() {
      for (const client of server.clients) client.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}
