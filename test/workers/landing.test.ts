// An application's bytes on their way from its socket through the window of its stream, over a lane that frees room by and by: reads that land in the window and
// reads that waited for room must not get into each other's way.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ChannelCore, type ChannelPorts, DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { COUNTER_NAMES, Counter } from '../../native-free/counters.js';
import { type TwinLane, twinLanes } from '../../native-free/lane-twin.js';
import { Random } from '../../native-free/sim/index.js';
import { ForwardListen } from '../../workers/tcp/forward-listen.js';
import { QUIET_PORTS } from '../support/channel-ports.js';
import { until } from '../support/sandbox.js';

const TOTAL_BYTES = 4_000_000;
const CONTENT = Buffer.from(Uint32Array.from({ length: TOTAL_BYTES / 4 }, (_, index) => index).buffer);

let server: Server | undefined;

afterEach(() => server?.close());

/** A window that grows while what is in it wraps has room for a chunk, and not for a read that filled the scratch buffer: those bytes wait, and come first. */
it.each([
  { windowBytes: 150_000, farWindowBytes: 1_200_000 },
  { windowBytes: 400_000, farWindowBytes: 3_200_000 },
])('every byte arrives in its place through a window of $windowBytes to $farWindowBytes bytes', async (windows) => {
  for (let seed = 0; seed < 40; seed += 1) {
    const random = new Random(seed);
    const limits = { ...DEFAULT_LIMITS, ...windows, ownChunkBytes: 24_000 };
    const received: Buffer[] = [];
    let receivedBytes = 0;
    const [nearLane, farLane] = twinLanes({ kind: 'direct', sid: 's1' });
    const counters = new Float64Array(COUNTER_NAMES.length);
    const core = (ports: Partial<ChannelPorts>): ChannelCore =>
      new ChannelCore({
        path: 'a/b',
        salt: 'abcde',
        limits,
        counters: ports.deliver === undefined ? counters : new Float64Array(COUNTER_NAMES.length),
        ports: {
          ...QUIET_PORTS,
          ...ports,
        },
      });
    const near = core({ room: (stream) => streams.room(stream), sendingDone: (stream) => streams.sendingDone(stream) });
    const far = core({
      deliver: (stream, payload) => {
        received.push(Buffer.from(payload));
        receivedBytes += payload.length;
        far.consumed(stream, payload.length, performance.now());
      },
    });
    const streams = new ForwardListen(near, new Float64Array(COUNTER_NAMES.length), {
      bound: () => {},
      closed: () => {},
      overflow: () => {},
      rearm: () => {},
      quickAck: undefined,
    });
    near.goFar();
    near.sessionUp({ sid: 's1', direction: 'out', own: true, epoch: 'b1', path: 'a/b' }, performance.now());
    far.sessionUp({ sid: 's1', direction: 'in', own: true, epoch: 'a1', path: 'a/b' }, performance.now());
    const ends: [TwinLane, ChannelCore][] = [
      [nearLane, near],
      [farLane, far],
    ];
    for (const [lane, end] of ends) {
      lane.listen({
        frame: (from, message, lasting) => end.frame(from, message, lasting, performance.now()),
        writable: () => end.pump(performance.now()),
        closed: () => {},
      });
      end.laneUp(lane, performance.now());
    }
    server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket: Socket) => streams.accept(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const application = connect((server.address() as AddressInfo).port, '127.0.0.1');
    application.write(CONTENT);
    let over = false;
    const turn = (): void => {
      for (let messages = random.between(0, 2); messages > 0; messages -= 1) {
        const message = nearLane.transmit();
        if (message !== undefined) farLane.receive(message);
      }
      // Says now what it has, so that room comes a frame at a time.
      far.in.refresh(performance.now());
      far.tick(performance.now());
      for (let message = farLane.transmit(); message !== undefined; message = farLane.transmit()) nearLane.receive(message);
      near.tick(performance.now());
      // To twice what it is.
      if (random.chance(0.05)) near.out.growWindows(counters[Counter.windowBytes] as number);
      if (!over) setImmediate(turn);
    };
    turn();
    await until('everything arrived', () => receivedBytes >= TOTAL_BYTES);
    over = true;
    application.destroy();
    streams.destroy();
    server.close();
    expect(Buffer.concat(received).equals(CONTENT), `seed ${seed}`).toBe(true);
  }
});
