// The relay worker: owns the WebSocket to the relay. Control messages go to and come from the main thread as messages; payload goes to
// and comes from channel workers through shared rings, never through main. One per process.

import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { encodeEnvelope, ownId } from '../../native-free/envelope/index.js';
import type { FromRelay, RelayWorkerData, ToRelay } from '../messages.js';
import { serveProfile } from '../profiler.js';
import { watchThread } from '../thread-health.js';
import { ChannelRings } from './channel-rings.js';
import { Router } from './router.js';
import { RelaySocket } from './socket.js';

const port = parentPort as NonNullable<typeof parentPort>;
const { url, headers, idStem, health } = workerData as RelayWorkerData;
watchThread(health, 'relay');
const channels = new Map<number, ChannelRings>();

const post = (message: FromRelay): void => port.postMessage(message);
// Ids of Data are only a fingerprint and a log key: a counter from a random start is as good as randomness and costs nothing.
let nextId = randomBytes(4).readUInt32BE();
const messageId = (): string => {
  nextId = (nextId + 1) >>> 0;
  return ownId(idStem, nextId);
};

const socket: RelaySocket = new RelaySocket(url, headers, {
  up: (head) => {
    const one = (name: string): string | undefined => {
      const value = head[name];
      return Array.isArray(value) ? value.join(',') : value;
    };
    post({
      t: 'up',
      iceServers: one('x-syft-hotlink-ice-servers'),
      turnUser: one('x-syft-hotlink-turn-user'),
      turnPass: one('x-syft-hotlink-turn-pass'),
      turnTtl: one('x-syft-hotlink-turn-ttl'),
    });
  },
  down: (reason, status) => {
    router.clear();
    post({ t: 'down', reason, status });
  },
  message: (data, binary) => router.message(data, binary),
});
const router = new Router(socket, post);

port.on('message', (message: ToRelay) => {
  switch (message.t) {
    case 'send':
      socket.send(encodeEnvelope(message.id, message.message, 'msgpack'));
      break;
    case 'rings':
      channels.set(message.channel, new ChannelRings(message.out, message.in, socket, messageId));
      break;
    case 'rings-gone':
      channels.get(message.channel)?.close();
      channels.delete(message.channel);
      break;
    case 'bind': {
      const rings = channels.get(message.channel);
      if (rings === undefined) break;
      const binding = { number: message.binding, sid: message.sid, direction: message.direction };
      rings.bind(binding);
      router.routes.set(message.sid, { rings, binding });
      break;
    }
    case 'unbind': {
      const route = router.routes.get(message.sid);
      if (route !== undefined) route.rings.unbind(route.binding.number);
      router.routes.delete(message.sid);
      break;
    }
    case 'profile':
      serveProfile(message.port, message.intervalUs);
      break;
    case 'network-changed':
      socket.networkChanged(message.addresses);
      break;
    case 'stop':
      void stop();
      break;
  }
});

async function stop(): Promise<void> {
  await socket.close();
  for (const rings of channels.values()) rings.close();
  post({ t: 'stopped' });
  port.close();
}
