// Whoever changes a channel's deadlines says so: streams and their connections, between two cores in memory.
import { expect, it } from 'vitest';
import { ChannelCore, DEFAULT_LIMITS } from '../../native-free/channel/index.js';
import { COUNTER_NAMES } from '../../native-free/counters.js';
import { twinLanes } from '../../native-free/lane-twin.js';
import type { ApplicationConnection } from '../../workers/tcp/connection.js';
import { type LocalStream, Streams } from '../../workers/tcp/streams.js';
import { QUIET_PORTS } from '../support/channel-ports.js';

/** Streams that wait for the test to give them a connection. */
class Waiting extends Streams {
  readonly waiting: LocalStream[] = [];
  protected firstBytes(): undefined {}
  protected wantConnection(stream: LocalStream): void {
    if (!this.waiting.includes(stream)) this.waiting.push(stream);
  }
  protected streamOver(): void {}
  protected endShape(): void {}
  connect(connection: ApplicationConnection): void {
    this.bind(this.waiting.shift() as LocalStream, connection);
  }
}

class Connection implements ApplicationConnection {
  readonly openedMs = 0;
  used = false;
  blockedMs = 0;
  readonly backlogBytes = 0;
  bytes = 0;
  ended = false;
  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  resume(): void {}
  pause(): void {}
  end(): void {
    this.ended = true;
  }
  reset(): void {}
  destroy(): void {}
}

function world() {
  const limits = { ...DEFAULT_LIMITS, creditFloorBytes: 8192, creditBytes: 8192 };
  const core = (ports: Partial<typeof QUIET_PORTS> = {}): ChannelCore =>
    new ChannelCore({
      path: 'a/b',
      salt: 'abcde',
      limits,
      counters: new Float64Array(COUNTER_NAMES.length),
      ports: { ...QUIET_PORTS, ...ports },
    });
  const far = core();
  const near = core({
    deliver: (stream, payload, lasting) => streams.deliver(stream, payload, lasting),
    opened: (stream) => streams.opened(stream),
    ended: (stream) => streams.peerEnded(stream),
  });
  const looks: (number | undefined)[] = [];
  const streams = new Waiting(near, new Float64Array(COUNTER_NAMES.length), {
    bound: () => {},
    closed: () => {},
    overflow: () => {},
    rearm: () => looks.push(near.timeoutMs()),
    quickAck: undefined,
  });
  const [nearLane, farLane] = twinLanes({ kind: 'direct', sid: 's1' });
  far.sessionUp({ sid: 's1', direction: 'out', own: true, epoch: 'b1', path: 'a/b' }, performance.now());
  near.sessionUp({ sid: 's1', direction: 'in', own: true, epoch: 'a1', path: 'a/b' }, performance.now());
  far.laneUp(farLane, performance.now());
  near.laneUp(nearLane, performance.now());
  nearLane.listen({
    frame: (lane, message, lasting) => near.frame(lane, message, lasting, performance.now()),
    writable: () => {},
    closed: () => {},
  });
  const stream = far.openStream(1, true, false, performance.now());
  const carry = (): void => {
    for (let message = farLane.transmit(); message !== undefined; message = farLane.transmit()) nearLane.receive(message);
  };
  return { near, far, stream, streams, looks, carry, nearLane };
}

it('a connection that comes behind the end of what the peer sent, and says nothing, is a reason to ask for the peer', () => {
  const { near, far, stream, streams, looks, carry } = world();
  far.take(stream, new Uint8Array(100), -1, performance.now());
  far.endStream(stream, performance.now());
  carry();
  near.tick(performance.now() + 1000);
  expect(near.timeoutMs()).toBeUndefined();
  const connection = new Connection();
  streams.connect(connection);
  expect([connection.bytes, connection.ended]).toEqual([100, true]);
  expect(near.timeoutMs()).toBeGreaterThan(0);
  expect(looks.at(-1)).toBe(near.timeoutMs());
});

it('what an application takes is a reason to look at the clock when the peer is to be told of it, and else none', () => {
  const { near, far, stream, streams, looks, carry, nearLane } = world();
  far.take(stream, new Uint8Array(6000), -1, performance.now());
  carry();
  const connection = new Connection();
  streams.connect(connection);
  looks.length = 0;
  streams.written(connection, 100);
  expect(looks).toEqual([]);
  const sent = nearLane.waiting;
  streams.written(connection, 5900);
  expect([nearLane.waiting, looks]).toEqual([sent + 1, [near.timeoutMs()]]);
});
