import { afterEach, describe, expect, it } from 'vitest';
import { FlowEnd } from '../../src/relay/flow.js';
import { type RelayOptions, type RelayServer, startRelay } from '../../src/relay/index.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

/** A carrier whose messages leave when the test says so. */
class FakeCarrier {
  paused = false;
  readonly sent: (Uint8Array | string)[] = [];
  private readonly dones: (() => void)[] = [];

  send(frame: Uint8Array | string, done: () => void): void {
    this.sent.push(frame);
    this.dones.push(done);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  drain(count = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < count && this.dones.length > 0; i++) this.dones.shift()?.();
  }
}

const LIMITS = { highWaterBytes: 1_000_000, lowWaterBytes: 100_000 };

function end(): { carrier: FakeCarrier; flow: FlowEnd } {
  const carrier = new FakeCarrier();
  return { carrier, flow: new FlowEnd(carrier, LIMITS) };
}

const frame = (seq: number) => new Uint8Array(60_000).fill(seq);

describe('one end of the flow', () => {
  it('stops its feeder above the high watermark, lets it go on below the low one, and loses nothing', () => {
    const [a, b] = [end(), end()];
    let seq = 0;
    while (!a.carrier.paused) b.flow.deliver(frame(seq++), a.flow);
    expect(b.flow.bufferedBytes).toBeGreaterThan(LIMITS.highWaterBytes);
    expect(b.flow.bufferedBytes).toBeLessThan(LIMITS.highWaterBytes + 70_000);
    expect(b.carrier.sent.length).toBeLessThan(6); // only a portion is handed to the carrier at once
    b.carrier.drain(8);
    expect(a.carrier.paused).toBe(true);
    b.carrier.drain();
    expect(a.carrier.paused).toBe(false);
    expect(b.carrier.sent.map((sent) => (sent as Uint8Array)[0])).toEqual(Array.from({ length: seq }, (_, i) => i));
    expect(b.flow.bufferedBytes).toBe(0);
  });

  it('stops only who feeds it, and waits for every recipient that is full', () => {
    const [a, b, c, other] = [end(), end(), end(), end()];
    for (let i = 0; i < 20; i++) {
      b.flow.deliver(frame(i), a.flow);
      c.flow.deliver(frame(i), a.flow);
    }
    expect([a.carrier.paused, other.carrier.paused]).toEqual([true, false]);
    b.carrier.drain();
    expect(a.carrier.paused).toBe(true);
    c.carrier.drain();
    expect(a.carrier.paused).toBe(false);
  });

  it('stops itself when what it causes is its own output', () => {
    const a = end();
    for (let i = 0; i < 20; i++) a.flow.deliver(frame(i), a.flow);
    expect(a.flow.isPaused).toBe(true);
    a.carrier.drain();
    expect(a.flow.isPaused).toBe(false);
  });

  it('lets its feeders go when it closes, and no longer counts a feeder that is gone', () => {
    const [a, b, c] = [end(), end(), end()];
    for (let i = 0; i < 20; i++) b.flow.deliver(frame(i), a.flow);
    b.flow.close();
    expect(a.carrier.paused).toBe(false);
    b.flow.deliver(frame(0), a.flow);
    expect(b.flow.bufferedBytes).toBe(0);
    for (let i = 0; i < 20; i++) c.flow.deliver(frame(i), a.flow);
    a.flow.close();
    a.carrier.paused = true;
    c.carrier.drain();
    expect(a.carrier.paused).toBe(true);
  });

  it('is stuck when nothing leaves for long enough, not when it is slow', () => {
    const [a, b] = [end(), end()];
    expect(b.flow.isStuck(1, 1000)).toBe(false);
    for (let i = 0; i < 20; i++) b.flow.deliver(frame(i), a.flow);
    expect(b.flow.isStuck(500, 1000)).toBe(false);
    b.carrier.drain(1);
    expect(b.flow.isStuck(1200, 1000)).toBe(false);
    expect(b.flow.isStuck(2199, 1000)).toBe(false);
    expect(b.flow.isStuck(2200, 1000)).toBe(true);
    b.carrier.drain();
    expect(b.flow.isStuck(9000, 1000)).toBe(false);
  });

  it('charges tiny frames for what they cost, and keeps only the read of the one that is under way', () => {
    const [a, b] = [end(), end()];
    const read = new Uint8Array(65536);
    let count = 0;
    for (; !a.carrier.paused; count++) b.flow.deliver(read.subarray(0, 10), a.flow);
    expect(count).toBeLessThan(LIMITS.highWaterBytes / 256);
    // The first one left as it was; whatever waits, here or in the carrier, is a copy of its own.
    expect(b.carrier.sent.map((sent) => (sent as Uint8Array).buffer === read.buffer)).toEqual(
      b.carrier.sent.map((_, index) => index === 0),
    );
  });
});

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const CAROL = 'carol@example.com';
const PATH = `${ALICE}/_mpc/0_to_1/stream.tcp.request`;
const KIB = 1024;

let relay: RelayServer;
let clients: RelayClient[] = [];

async function start(limits: RelayOptions['limits'] = {}): Promise<void> {
  relay = await startRelay({ listen: '127.0.0.1:0', limits: { highWaterBytes: 512 * KIB, lowWaterBytes: 128 * KIB, ...limits } });
  await putAcl(relay, ALICE, ALICE, aclYaml([BOB, CAROL]));
}

async function pair(sid: string, to: string): Promise<{ sender: RelayClient; receiver: RelayClient }> {
  const [sender, receiver] = [await RelayClient.connect(relay, ALICE), await RelayClient.connect(relay, to)];
  clients.push(sender, receiver);
  sender.send({ typ: 9, sid, pth: PATH, to });
  await receiver.next();
  receiver.send({ typ: 10, sid });
  await sender.next();
  return { sender, receiver };
}

describe('a recipient that does not read', () => {
  afterEach(async () => {
    for (const client of clients) client.socket.terminate();
    clients = [];
    await relay.close();
  });

  const message = (sid: string, seq: number) => ({ typ: 12, sid, seq, pth: PATH, pay: new Uint8Array(60 * KIB).fill(seq) }) as const;

  it('stops its sender alone, costs bounded memory, and gets everything once it reads again', async () => {
    await start();
    const slow = await pair('slow-session', BOB);
    const fast = await pair('fast-session', CAROL);
    slow.receiver.socket.pause();
    const count = 600; // 35 MiB: far more than all socket buffers on the way
    for (let seq = 1; seq <= count; seq++) slow.sender.send(message('slow-session', seq));
    await expect.poll(() => relay.stats().pausedConnections).toBe(1);
    for (let seq = 1; seq <= 100; seq++) {
      fast.sender.send(message('fast-session', seq));
      expect((await fast.receiver.next()).message).toMatchObject({ typ: 12, seq });
    }
    expect(relay.stats().pausedConnections).toBe(1);
    expect(relay.stats().maxBufferedBytes).toBeLessThan((512 + 3 * 64) * KIB);
    slow.receiver.socket.resume();
    for (let seq = 1; seq <= count; seq++) {
      const { message: got } = await slow.receiver.next();
      if (got.typ !== 12 || got.seq !== seq || got.pay[0] !== seq % 256)
        throw new Error(`expected frame ${seq}, got ${JSON.stringify(got)}`);
    }
    expect(relay.stats()).toMatchObject({ dataForwarded: count + 100, pausedConnections: 0, stuckDisconnects: 0 });
  });

  it('for too long is disconnected, and its sender goes on', async () => {
    await start({ stuckMs: 200 });
    const { sender, receiver } = await pair('slow-session', BOB);
    receiver.socket.pause();
    for (let seq = 1; seq <= 600; seq++) sender.send(message('slow-session', seq));
    await expect.poll(() => relay.stats().stuckDisconnects).toBe(1);
    await sender.settled();
    expect(relay.stats()).toMatchObject({ pausedConnections: 0, bufferedBytes: 0, connections: 1 });
    expect(relay.stats().dataNotAccepted).toBeGreaterThan(0);
  });
});
