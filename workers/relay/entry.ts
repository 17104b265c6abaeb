// The relay worker: owns the WebSocket to the relay. Control messages go to and come from the main thread as messages; payload goes to
// and comes from channel workers through shared rings, never through main. One per process.

import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { encodeEnvelope, type HotlinkMessage, MessageType, ownId } from '../../native-free/envelope/index.js';
import { TAKEN_FOR } from '../../native-free/taken-for.js';
import type { FromRelay, RelayWorkerData, ToRelay } from '../messages.js';
import { serveProfile } from '../profiler.js';
import { watchThread } from '../thread-health.js';
import { ChannelRings } from './channel-rings.js';
import { RelayPace } from './pace.js';
import { Router } from './router.js';
import { RelaySocket } from './socket.js';

const port = parentPort as NonNullable<typeof parentPort>;
const { url, headers, idStem, health } = workerData as RelayWorkerData;
watchThread(health, 'relay');
/** Longest a Close waits for the Data before it, ms: a relay that is so busy may as well be gone. */
const CLOSE_WAIT_MS = 1000;
/** Longest a stop waits for the relay to deal with our Closes, ms: behind a queue of its own and all that it still has for us. */
const STOP_WAIT_MS = 5000;
/** Between the last Close and the end of the WebSocket, ms (wire.md S5, 13.7). */
const CLOSE_PAUSE_MS = 50;
const closings = new Set<Promise<void>>();
/** Kind of the Signal that only asks for an answer (pace.ts). */
const PACE_SIGNAL = 'hl1_pace';
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
    pace.reset();
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
      takenFor: one(TAKEN_FOR),
    });
  },
  down: (reason, status) => {
    router.clear();
    const unconfirmed = [...channels].filter(([, rings]) => rings.connectionGone()).map(([channel]) => channel);
    pace.reset();
    post({ t: 'down', reason, status, unconfirmed });
  },
  quiet: (quiet) => post({ t: 'quiet', quiet }),
  message: (data, binary) => router.message(data, binary),
});
const pace = new RelayPace(
  (sid) => socket.send(encodeEnvelope(messageId(), { typ: MessageType.Signal, sid, knd: PACE_SIGNAL }, 'msgpack')),
  () => post({ t: 'refused', reason: 'the relay answers no Signal about unknown sessions: nothing tells whether it drops messages' }),
);
const router = new Router(socket, pace, post);

port.on('message', (message: ToRelay) => {
  switch (message.t) {
    case 'send':
      send(message.id, message.message);
      break;
    case 'rings':
      channels.set(message.channel, new ChannelRings(message.out, message.in, socket, pace, messageId));
      break;
    case 'rings-gone':
      channels.get(message.channel)?.close();
      channels.delete(message.channel);
      break;
    case 'bind': {
      const rings = channels.get(message.channel);
      if (rings === undefined) break;
      const binding = { number: message.binding, sid: message.sid, direction: message.direction, paths: message.paths };
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

/** A Close may overtake Data in the relay, which then drops it (defect S1): it leaves when what was sent before was taken. */
function send(id: string, message: HotlinkMessage): void {
  const frame = encodeEnvelope(id, message, 'msgpack');
  if (message.typ !== MessageType.Close || !pace.pending) {
    socket.send(frame);
    if (message.typ === MessageType.Close) pace.sent();
    return;
  }
  const closing = pace.taken(CLOSE_WAIT_MS).then(() => {
    socket.send(frame);
    pace.sent();
    closings.delete(closing);
  });
  closings.add(closing);
}

async function stop(): Promise<void> {
  await Promise.all(closings);
  // A message for a connection that just ended can crash upstream's server: our Closes are dealt with first, and what they overtook is out.
  if (socket.isUp && pace.pending) await pace.taken(STOP_WAIT_MS);
  if (socket.isUp) await new Promise((resolve) => setTimeout(resolve, CLOSE_PAUSE_MS));
  pace.close();
  await socket.close();
  for (const rings of channels.values()) rings.close();
  post({ t: 'stopped' });
  port.close();
}
