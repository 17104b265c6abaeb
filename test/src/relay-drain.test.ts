// A relay that is told to leave: what it holds is delivered, everybody is sent away with a word, and streams between own peers go on at the relay
// that takes its place, without a lost byte.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createHotlink, type Hotlink } from '../../src/index.js';
import { type RelayLimits, type RelayServer, startRelay } from '../../src/relay/index.js';
import { Command } from '../support/command.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { Switchboard } from '../support/switchboard.js';
import { aclYaml, putAcl, RelayClient } from './relay-client.js';

const PATH = `${ALICE}/_mpc/0_to_1/stream.tcp.request`;
const SID = '0123456789abcdef';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A relay with a session from Alice to Bob. */
async function scene(limits: Partial<RelayLimits>): Promise<{ relay: RelayServer; alice: RelayClient; bob: RelayClient }> {
  const relay = await startRelay({ listen: '127.0.0.1:0', limits });
  cleanups.push(() => relay.close());
  await putAcl(relay, ALICE, ALICE, aclYaml([BOB]));
  const [alice, bob] = [await RelayClient.connect(relay, ALICE), await RelayClient.connect(relay, BOB)];
  cleanups.push(() => {
    alice.socket.terminate();
    bob.socket.terminate();
  });
  alice.send({ typ: 9, sid: SID, pth: PATH, to: BOB });
  await bob.next();
  bob.send({ typ: 10, sid: SID });
  await alice.next();
  return { relay, alice, bob };
}

async function farewell(client: RelayClient): Promise<[number, string]> {
  const [code, reason] = (await once(client.socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
}

const data = (seq: number) => ({ typ: 12, sid: SID, seq, pth: PATH, pay: new Uint8Array(60_000).fill(seq) }) as const;

describe('a relay that is drained', () => {
  it('delivers what it holds before it sends anybody away, and lets nobody in meanwhile', async () => {
    const { relay, alice, bob } = await scene({ highWaterBytes: 64 * 1024 * 1024, drainMs: 20_000 });
    const told = Promise.all([farewell(alice), farewell(bob)]);
    bob.socket.pause();
    for (let seq = 1; seq <= 300; seq++) alice.send(data(seq)); // 17 MiB, more than the sockets on the way take
    await alice.settled();
    expect(relay.stats().bufferedBytes).toBeGreaterThan(0);
    const drained = relay.drain();
    const { messagesIn } = relay.stats();
    alice.send(data(301)); // not read any more: she sends it again to whom she connects next
    await expect(RelayClient.connect(relay, 'carol@example.com')).rejects.toThrow(/^503 .*restarts/);
    expect((await fetch(`${relay.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
    expect(relay.stats()).toMatchObject({ draining: true, connections: 2, refusedDraining: 1 });
    bob.socket.resume();
    for (let seq = 1; seq <= 300; seq++) {
      const { message } = await bob.next();
      if (message.typ !== 12 || message.seq !== seq) throw new Error(`expected frame ${seq}, got ${JSON.stringify(message)}`);
    }
    await drained;
    expect(relay.stats().messagesIn).toBe(messagesIn);
    expect(await told).toEqual([
      [1012, 'the relay restarts: connect again'],
      [1012, 'the relay restarts: connect again'],
    ]);
    expect(relay.stats().connections).toBe(0);
  });

  it('waits no longer than the stated time for a recipient that takes nothing', async () => {
    const { relay, alice, bob } = await scene({ highWaterBytes: 64 * 1024 * 1024, drainMs: 300 });
    bob.socket.pause();
    for (let seq = 1; seq <= 300; seq++) alice.send(data(seq));
    await alice.settled();
    const startedMs = performance.now();
    await relay.drain();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(290);
    // Without a bound it would be those 20 s after which a stuck recipient is disconnected.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect(relay.stats().connections).toBe(0);
  });
});

describe('a relay behind a load balancer', () => {
  it('is replaced three times under full streams, and not a byte is lost', { timeout: 120_000 }, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'relay-rolling-'));
    cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
    const start = async (): Promise<{ command: Command; port: number }> => {
      const command = new Command(['relay', '--listen', '127.0.0.1:0', '--data', dataDir, '--drain', '2000', '--json']);
      cleanups.push(() => command.stop('SIGKILL'));
      await command.says('\n');
      return { command, port: (JSON.parse(command.stdout) as { port: number }).port };
    };
    let current = await start();
    const board = await Switchboard.open(current.port);
    cleanups.push(() => board.close());
    const [alice, bob] = await Promise.all([ALICE, BOB].map((email) => linked(email, board.url)));
    const [near, far] = await Promise.all([
      (alice as Hotlink).connect({ peer: BOB, name: 'rolling' }),
      (bob as Hotlink).connect({ peer: ALICE, name: 'rolling' }),
    ]);
    const flows = [new Flow(near, far), new Flow(far, near)];
    const moved = async (what: string, bytes: number): Promise<void> => {
      const targets = flows.map(({ received }) => received + bytes);
      await until(`${what}: both ways go on`, () => flows.every(({ received }, i) => received >= (targets[i] as number)), 30_000);
    };
    await moved('at first', 4_000_000);
    for (let round = 1; round <= 3; round++) {
      const next = await start();
      board.target = next.port;
      const startedMs = performance.now();
      expect(await current.command.stop('SIGTERM')).toBe(143);
      expect(performance.now() - startedMs).toBeLessThan(10_000);
      expect(current.command.stderr).toContain('drained');
      current = next;
      await moved(`after replacement ${round}`, 4_000_000);
    }
    expect((alice as Hotlink).status().channels[0]).toMatchObject({ lane: 'relay', counters: { resets: 0 } });
    expect((alice as Hotlink).status().events.filter(({ what }) => what === 'relay up').length).toBe(4);
    for (const flow of flows) expect(await flow.finish()).toBe('the same');
  });
});

async function linked(email: string, server: string): Promise<Hotlink> {
  const link = createHotlink({ email, server, threads: 1, lanes: ['relay'] });
  cleanups.push(() => link.stop());
  await link.start();
  return link;
}

/** One direction that is always full, with digests at both ends. */
class Flow {
  received = 0;
  readonly #sent = createHash('sha256');
  readonly #got = createHash('sha256');
  readonly #written: Promise<void>;
  readonly #ended: Promise<unknown>;
  #stop = false;

  constructor(from: Duplex, to: Duplex) {
    to.on('data', (chunk: Buffer) => {
      this.received += chunk.length;
      this.#got.update(chunk);
    });
    this.#ended = once(to, 'end');
    this.#written = this.#write(from);
    this.#written.catch(() => {});
    this.#ended.catch(() => {});
  }

  async finish(): Promise<'the same' | 'different'> {
    this.#stop = true;
    await this.#written;
    await this.#ended;
    return this.#sent.digest('hex') === this.#got.digest('hex') ? 'the same' : 'different';
  }

  async #write(from: Duplex): Promise<void> {
    const block = randomBytes(1_000_003);
    for (let at = 0; !this.#stop; at = (at + 104_729) % 900_000) {
      const piece = block.subarray(at, at + 65_536);
      this.#sent.update(piece);
      if (!from.write(piece)) await once(from, 'drain');
    }
    from.end();
  }
}
