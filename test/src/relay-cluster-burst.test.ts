// Three daemons at three relay processes of one cluster, a stream each way between every two of them over the relay lane, SHA-256 end to end,
// while relays are killed and come back and NATS is started anew: not a byte is lost, repeated or out of place.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterScene } from '../support/cluster-scene.js';
import { Flow, UNDER_WAY_BYTES } from '../support/fault-flow.js';
import { natsAbsent } from '../support/nats-server.js';
import { dial, until } from '../support/sandbox.js';

/** What each stream must carry after a fault to count as going on. */
const GOING_ON_BYTES = 1_500_000;

const skip = natsAbsent('a burst through three relay processes');
let scene: ClusterScene;
let flows: Flow[] = [];

async function goOn(after: string): Promise<void> {
  const from = flows.map((flow) => flow.receivedBytes);
  const behind = () => flows.map((flow, index) => flow.receivedBytes - (from[index] as number));
  await until(`every stream goes on ${after}`, () => behind().every((bytes) => bytes > GOING_ON_BYTES), 60_000);
}

describe.skipIf(skip).sequential('streams through three relay processes on one NATS server', () => {
  beforeAll(async () => {
    scene = await ClusterScene.open();
  }, 60_000);
  afterAll(async () => {
    await scene.close();
  });

  it('arrive exactly, also when relays are killed and started anew and NATS is, in mid-burst', { timeout: 240_000 }, async () => {
    for (const { ports } of scene.links) {
      const [a, b] = [await dial(ports[0]), await dial(ports[1])];
      flows.push(new Flow(a, b), new Flow(b, a));
    }
    await until('all six streams flow', () => flows.every((flow) => flow.receivedBytes > UNDER_WAY_BYTES), 60_000);
    // Each daemon is at a relay of its own.
    expect(scene.balancers.map(({ chosen }) => new Set(chosen))).toEqual(scene.relayPorts.map((port) => new Set([port])));
    for (const relay of [0, 1]) {
      await scene.killRelay(relay);
      await goOn(`after relay ${relay} was killed`);
      await scene.startRelay(relay);
      await goOn(`after relay ${relay} came back`);
    }
    await scene.nats.restart();
    await goOn('after NATS was started anew');
    for (const flow of flows) flow.stopped = true;
    await Promise.all(flows.map((flow) => flow.done));
    expect(flows.map((flow) => flow.exact)).toEqual(flows.map(() => true));
    expect([0, 1, 2].map((daemon) => scene.relayFrames(daemon) > 100)).toEqual([true, true, true]);
    flows = [];
  });
});
