// One end of the bridge over bare data channels, a process of its own: a channel for each connection, watermarks as the product has them, and the end
// of a direction as a word.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Address } from '../contender.js';
import { endArguments, onTold, say } from '../end-talk.js';
import { type BareChannel, type ConnectionOptions, nodeDataChannel, werift } from './bare-channel.js';

export interface BridgeArguments {
  stack: 'node-datachannel' | 'werift';
  role: 'near' | 'far';
  /** Ours, for the connection to be bound to. */
  address: string;
  mtu: number;
  target: Address;
}

const HIGH_BYTES = 1024 * 1024;
const MESSAGE_BYTES = 60 * 1024;
/** Says that a direction ended. */
const END = 'end';

const { stack, role, address, mtu, target } = endArguments<BridgeArguments>();
const options: ConnectionOptions = { address, mtu, lowBytes: HIGH_BYTES / 2, say, met };
const connection = stack === 'werift' ? werift(options) : nodeDataChannel(options);
onTold((message) => connection.handle(message));

function met(channel: BareChannel): void {
  // The near end's first channel only opens the connection.
  let socket: Socket | undefined;
  channel.onMessage((message) => {
    socket ??= bind(channel, connect({ ...target, noDelay: true, allowHalfOpen: true }));
    take(socket, message);
  });
}

function take(socket: Socket, message: Buffer | string): void {
  if (typeof message === 'string') socket.end();
  else socket.write(message);
}

function bind(channel: BareChannel, socket: Socket): Socket {
  channel.onLow(() => socket.resume());
  channel.onClosed(() => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) channel.send(chunk.subarray(at, at + MESSAGE_BYTES));
    if (channel.bufferedBytes() > HIGH_BYTES) socket.pause();
  });
  // In order behind the bytes: no need to wait for them.
  socket.on('end', () => channel.sendWord(END));
  socket.on('error', () => undefined);
  // After an end in peace the channel stays: closing it drops what it has not sent, and the run is soon over.
  socket.on('close', (hadError) => {
    if (hadError) channel.close();
  });
  return socket;
}

if (role === 'near') {
  const first = await connection.begin();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, async (socket) => {
    const channel = await connection.create();
    channel.onMessage((message) => take(socket, message));
    bind(channel, socket).resume();
  });
  server.listen(0, '127.0.0.1', () => say({ kind: 'up', port: (server.address() as AddressInfo).port, held: first !== undefined }));
}
