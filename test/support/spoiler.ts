// A proxy in front of the relay that loses, repeats and reorders Data messages on purpose, by a seeded plan. Control messages pass
// untouched: their loss is the session machines' own tests.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { peekData } from '../../native-free/index.js';

/** One in so many messages suffers each fate. */
const ONE_IN = 40;

/** @returns the port to dial instead of the relay's */
export async function startSpoiler(relayPort: number): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  server.on('connection', (client, request) => {
    const relay = new WebSocket(`ws://127.0.0.1:${relayPort}${request.url ?? ''}`, {
      headers: { 'x-syft-ws-encodings': 'msgpack' },
      perMessageDeflate: false,
    });
    const early: [Buffer, boolean][] = [];
    let kept: Buffer | undefined;
    const forward = (data: Buffer, binary: boolean): void => {
      if (!binary || peekData(data) === undefined) {
        relay.send(data, { binary });
        return;
      }
      const fate = random() * ONE_IN;
      if (fate < 1) return;
      if (fate < 2) relay.send(data, { binary });
      if (fate >= 2 && fate < 3 && kept === undefined) {
        kept = data;
        return;
      }
      relay.send(data, { binary });
      if (kept !== undefined) relay.send(kept, { binary });
      kept = undefined;
    };
    relay.on('open', () => {
      for (const [data, binary] of early.splice(0)) forward(data, binary);
    });
    client.on('message', (data: Buffer, binary) => {
      if (relay.readyState === WebSocket.OPEN) forward(data, binary);
      else early.push([data, binary]);
      // Back-pressure passes through: a proxy that swallows it would be a fault of another kind.
      if (relay.bufferedAmount > 1_048_576) {
        client.pause();
        const resume = setInterval(() => {
          if (relay.bufferedAmount > 262_144 && relay.readyState === WebSocket.OPEN) return;
          clearInterval(resume);
          client.resume();
        }, 1);
      }
    });
    relay.on('message', (data: Buffer, binary) => client.send(data, { binary }));
    relay.on('close', () => client.terminate());
    client.on('close', () => relay.terminate());
    relay.on('error', () => client.terminate());
    client.on('error', () => relay.terminate());
  });
  return (server.address() as AddressInfo).port;
}
