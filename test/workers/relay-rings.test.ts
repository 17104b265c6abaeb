// Several channels behind one WebSocket whose other end reads late: each must go on when there is room, whoever filled the buffer meanwhile.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { decodeEnvelope, MessageType } from '../../native-free/envelope/index.js';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { createRing, RingProducer } from '../../native-free/ring/index.js';
import { BINDING_BYTES } from '../../workers/lanes/relay.js';
import { ChannelRings } from '../../workers/relay/channel-rings.js';
import { RelayPace } from '../../workers/relay/pace.js';
import { RelaySocket } from '../../workers/relay/socket.js';
import { until } from '../support/sandbox.js';

const FRAME_BYTES = 200_000;
/** Enough to fill the socket's buffer at once. */
const RING_BYTES = 8_388_608;

let server: WebSocketServer;
let socket: RelaySocket;
let pace: RelayPace;
let far: WebSocket;
let ups: number;
/** Messages that arrived, by session. */
let arrived: Map<string, number>;
/** Number of the last Data that arrived. */
let last: number;
const channels: ChannelRings[] = [];

beforeEach(async () => {
  arrived = new Map();
  ups = 0;
  last = 0;
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  server.on('connection', (connection: WebSocket) => {
    far = connection;
    connection.pause();
    connection.on('message', (data: Buffer) => {
      const decoded = decodeEnvelope(data);
      if (!decoded.ok) throw new Error(decoded.reason);
      const { message } = decoded;
      if (message.typ === MessageType.Data || message.typ === MessageType.Signal)
        arrived.set(message.sid, (arrived.get(message.sid) ?? 0) + 1);
      if (message.typ === MessageType.Data) last = message.seq;
    });
  });
  pace = new RelayPace(
    () => {},
    () => {},
  );
  const up = (): void => {
    ups += 1;
    pace.reset();
    // As toward our own relay, which says in its greeting that it drops nothing.
    pace.trust();
  };
  socket = new RelaySocket(
    `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    {},
    { up, down: () => pace.reset(), message: () => {}, quiet: () => {} },
  );
  await until('the connection is up', () => ups > 0 && socket.isUp && far !== undefined);
});

afterEach(async () => {
  for (const rings of channels.splice(0)) rings.close();
  pace.close();
  far.terminate();
  await socket.close();
  await new Promise((resolve) => server.close(resolve));
});

/** A channel with one session. @returns a function that sends frames, and waits for room in its ring */
function channel(sid: string, direction: 'in' | 'out'): (frames: number, bytes: number) => Promise<void> {
  const out = createRing(RING_BYTES);
  let id = 0;
  const messageId = (): string => {
    id += 1;
    return `${sid}-${id}`;
  };
  const rings = new ChannelRings(out, createRing(RING_BYTES), socket, pace, messageId);
  channels.push(rings);
  rings.bind({ number: 1, sid, direction, paths: false });
  const producer = new RingProducer(out);
  return async (frames, bytes) => {
    for (let seq = 1; seq <= frames; seq += 1) {
      const frame = encodeFrame('a@b.co/x', 'e', seq, new Uint8Array(bytes));
      let at = producer.claim(BINDING_BYTES + frame.length);
      for (; at < 0; at = producer.claim(BINDING_BYTES + frame.length)) await producer.spaceWait(BINDING_BYTES + frame.length);
      producer.bytes.set([0, 0, 0, 1], at);
      producer.bytes.set(frame, at + BINDING_BYTES);
      producer.commit(BINDING_BYTES + frame.length);
    }
  };
}

describe('channels that share a connection whose other end reads late', () => {
  it('all go on: one whose last message left after another had filled the buffer again too', async () => {
    const sids = ['s1', 's2', 's3'];
    const sending = sids.map((sid) => channel(sid, 'out')(60, FRAME_BYTES));
    await until('the buffer is full', () => socket.bufferedBytes >= 2_097_152);
    far.resume();
    await Promise.all(sending);
    await until('everything arrived', () => sids.every((sid) => arrived.get(sid) === 60));
  });

  it('acknowledgements on a session of the peer’s go on too', async () => {
    const sending = channel('s1', 'out')(40, FRAME_BYTES);
    await until('the buffer is full', () => socket.bufferedBytes >= 2_097_152);
    const acks = channel('s2', 'in');
    const acknowledging = acks(20, 40);
    far.resume();
    await Promise.all([sending, acknowledging]);
    await until('everything arrived', () => arrived.get('s1') === 40 && arrived.get('s2') === 20);
  });

  it('go on over the next connection when this one is lost while its buffer is full', async () => {
    const sending = channel('s1', 'out')(60, FRAME_BYTES);
    await until('the buffer is full', () => socket.bufferedBytes >= 2_097_152);
    far.terminate();
    await until('it is connected again', () => ups === 2 && socket.isUp);
    far.resume();
    await sending;
    await until('the last one arrived', () => last === 60);
  });
});
