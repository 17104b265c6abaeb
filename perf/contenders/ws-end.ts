// One part of the WebSocket chain, a process of its own. A message is a 4-byte connection number and bytes; without bytes it is the end.
// What is not taken stops what feeds it, at each hop, so that memory stays bounded.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Address } from '../contender.js';
import { endArguments, onTold, say } from '../end-talk.js';

const HIGH_BYTES = 4 * 1024 * 1024;
const MESSAGE_BYTES = 60 * 1024;
const { role, host, url, target } = endArguments<{ role: 'server' | 'near' | 'far'; host?: string; url?: string; target?: Address }>();
onTold(() => undefined);

if (role === 'server') serve(host as string);
else await beEnd(url as string);

function serve(address: string): void {
  const server = new WebSocketServer({ host: address, port: 0, perMessageDeflate: false });
  const clients: WebSocket[] = [];
  server.on('connection', (client) => {
    clients.push(client);
    client.on('error', () => undefined);
    client.on('message', (data: Buffer) => {
      const other = clients[1 - clients.indexOf(client)];
      if (other === undefined) return;
      other.send(data, { binary: true }, () => {
        if (other.bufferedAmount < HIGH_BYTES) client.resume();
      });
      if (other.bufferedAmount >= HIGH_BYTES) client.pause();
    });
  });
  server.on('listening', () => say({ kind: 'up', port: (server.address() as AddressInfo).port }));
}

async function beEnd(to: string): Promise<void> {
  const ws = new WebSocket(to, { perMessageDeflate: false });
  await new Promise<void>((resolve) => ws.once('open', () => resolve()));
  const sockets = new Map<number, Socket>();
  let paused: Socket[] = [];
  const send = (id: number, bytes: Buffer, from: Socket): void => {
    const message = Buffer.allocUnsafe(4 + bytes.length);
    message.writeUInt32BE(id);
    bytes.copy(message, 4);
    ws.send(message, { binary: true }, () => {
      if (ws.bufferedAmount >= HIGH_BYTES / 2) return;
      for (const socket of paused.splice(0)) socket.resume();
    });
    if (ws.bufferedAmount < HIGH_BYTES) return;
    from.pause();
    paused.push(from);
  };
  const adopt = (id: number, socket: Socket): Socket => {
    sockets.set(id, socket);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) send(id, chunk.subarray(at, at + MESSAGE_BYTES), socket);
    });
    socket.on('end', () => send(id, Buffer.alloc(0), socket));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(id);
      paused = paused.filter((one) => one !== socket);
      ws.resume();
    });
    return socket;
  };
  ws.on('message', (data: RawData) => {
    const message = data as Buffer;
    const id = message.readUInt32BE();
    let socket = sockets.get(id);
    if (socket === undefined) {
      if (role === 'near' || message.length === 4) return;
      socket = adopt(id, connect({ ...(target as Address), allowHalfOpen: true }));
    }
    if (message.length === 4) socket.end();
    else if (!socket.write(message.subarray(4)) && socket.writableLength > HIGH_BYTES) {
      ws.pause();
      socket.once('drain', () => ws.resume());
    }
  });
  if (role === 'far') return say({ kind: 'up' });
  let next = 1;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => adopt(next++, socket));
  server.listen(0, '127.0.0.1', () => say({ kind: 'up', port: (server.address() as AddressInfo).port }));
}
