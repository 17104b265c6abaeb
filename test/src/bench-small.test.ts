// The small benchmarks, real and short: what they report is what was carried, and what must not pass does not.
import { createConnection, createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { BenchOptions } from '../../src/bench/bench-run.js';
import { runChannels } from '../../src/bench/channels.js';
import { runFleet } from '../../src/bench/fleet.js';
import { carriedBy } from '../../src/bench/lanes.js';
import { percentiles } from '../../src/bench/percentiles.js';
import { runPingpong } from '../../src/bench/pingpong.js';
import { RoundMessage, RoundReader } from '../../src/bench/round-message.js';
import { answerRounds, askRounds } from '../../src/bench/rounds.js';
import { runStream } from '../../src/bench/stream.js';

const never = new AbortController().signal;
const webrtc: BenchOptions = { lane: 'webrtc', strict: true, timeoutMs: 30_000 };
const relay: BenchOptions = { lane: 'relay', strict: false, timeoutMs: 30_000 };

describe('a benchmark', () => {
  it('of rounds counts them, and names the lane that carried them', async () => {
    const result = await runPingpong({ ...relay, sizeBytes: 1000, rounds: 50, nagle: false }, never);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({
      bench: 'pingpong',
      lane: 'relay',
      ok: true,
      carriedBy: 'relay',
      sizeBytes: 1000,
      rounds: 50,
      exitCode: 0,
    });
    expect(result.p50Us).toBeGreaterThan(0);
    expect(result.maxUs).toBeGreaterThanOrEqual(result.p999Us);
    expect(result.firstUs).toBeGreaterThan(result.p50Us);
  }, 60_000);

  it('of a stream carries both directions at once', async () => {
    const result = await runStream({ ...webrtc, frameCount: 5, frameBytes: 700_001, bothWays: true }, never);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ bench: 'stream', ok: true, carriedBy: 'webrtc', bothWays: true, bytes: 2 * 5 * 700_001 });
    expect(result.mibPerSecond).toBeGreaterThan(0);
  }, 60_000);

  it('of channels opens as many as it was told, and weighs them', async () => {
    const result = await runChannels({ ...webrtc, channels: 3, totalBytes: 3_000_000 }, never);
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ bench: 'channels', ok: true, carriedBy: 'webrtc', channels: 3, bytes: 3_000_000 });
    if (process.platform === 'linux') expect(result.idleRssBytesPerChannel).toBeGreaterThan(10_000);
  }, 60_000);

  it('fails when time is up, with a sentence', async () => {
    const result = await runPingpong({ ...relay, timeoutMs: 1, sizeBytes: 64, rounds: 1000, nagle: false }, never);
    expect(result).toMatchObject({ ok: false, exitCode: 1 });
    expect(result.failures.join('\n')).toContain('not done after 1 ms');
  }, 60_000);
});

describe('rounds', () => {
  const shape = { messageBytes: 300, rounds: 5, warmUp: 2, lengthFirst: true };

  it('go back and forth on one connection, both writes of each message with the length first', async () => {
    const common = { ...shape, host: '127.0.0.1', noDelay: false, timeoutMs: 10_000 };
    let asked: Promise<unknown> = Promise.resolve();
    const answered = await answerRounds({
      ...common,
      port: 0,
      listen: true,
      onListening: (port) => {
        asked = askRounds({ ...common, port, listen: false });
      },
    });
    expect(answered).toEqual({ ok: true, rounds: 7 });
    expect(await asked).toMatchObject({ ok: true, rounds: 5 });
  });

  it('do not care how a message is cut, and notice any wrong byte', () => {
    const whole = new RoundMessage(shape, 'ask');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 308 }), fc.integer({ min: 0, max: 307 }), fc.integer({ min: 1, max: 255 }), (cut, at, flip) => {
        const reader = new RoundReader(shape, 'ask');
        for (let round = 0; round < 3; round++) {
          whole.stamp(round);
          let verdict = 'more';
          for (let from = 0; from < whole.bytes.length; from += cut) verdict = reader.push(whole.bytes.subarray(from, from + cut));
          expect(verdict).toBe('whole');
        }
        const broken = Buffer.from(whole.bytes);
        whole.stamp(3);
        whole.bytes.copy(broken);
        broken[at] = (broken[at] as number) ^ flip;
        expect(reader.push(broken)).toBe('fault');
      }),
      { numRuns: 50 },
    );
  });

  it('take the message of an earlier round, and a byte out of turn, for faults', () => {
    const whole = new RoundMessage(shape, 'ask');
    whole.stamp(0);
    const reader = new RoundReader(shape, 'ask');
    expect(reader.push(whole.bytes)).toBe('whole');
    expect(reader.push(whole.bytes)).toBe('fault');
    expect(new RoundReader(shape, 'ask').push(Buffer.concat([whole.bytes, Buffer.from([0])]))).toBe('fault');
    expect(new RoundReader(shape, 'answer').push(whole.bytes)).toBe('fault');
  });
});

describe('a fleet of streams', () => {
  const opened: { close(): void }[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
  });
  const common = { link: 'fleet', frameCount: 2, frameBytes: 5000, streams: 4, host: '127.0.0.1', timeoutMs: 10_000 };

  /** @param swap the first two connections get each other's bytes */
  async function through(swap: boolean): Promise<{ ok: boolean; error?: string }[]> {
    return new Promise((resolve) => {
      const receiving = runFleet({
        ...common,
        role: 'receive',
        ports: [0],
        listen: true,
        onListening: (to) => {
          const outs: ReturnType<typeof createConnection>[] = [];
          const splice = createServer((socket) => {
            const out = createConnection({ host: '127.0.0.1', port: to });
            outs.push(out);
            for (const one of [socket, out]) one.on('error', () => undefined);
            let first = true;
            socket.on('data', (chunk) => {
              // The number goes where it belongs, what follows to the neighbour.
              const head = first ? chunk.subarray(0, 4) : undefined;
              const rest = first ? chunk.subarray(4) : chunk;
              if (head !== undefined) out.write(head);
              first = false;
              const index = outs.indexOf(out);
              (swap && index < 2 ? (outs[1 - index] ?? out) : out).write(rest);
            });
            socket.on('end', () => out.end());
            out.on('close', () => socket.destroy());
          });
          opened.push(splice);
          splice.listen(0, '127.0.0.1', () => {
            const address = splice.address();
            if (address === null || typeof address === 'string') return;
            const sending = runFleet({ ...common, role: 'send', ports: [address.port], listen: false });
            resolve(Promise.all([sending, receiving]));
          });
        },
      });
    });
  }

  it('arrives whole', async () => {
    const [sent, received] = await through(false);
    expect(sent).toMatchObject({ ok: true, bytes: 4 * 2 * 5000 });
    expect(received).toMatchObject({ ok: true, bytes: 4 * 2 * 5000 });
  });

  it('notices bytes of one stream in another', async () => {
    const [, received] = await through(true);
    expect(received).toMatchObject({ ok: false });
  });
});

describe('figures', () => {
  it('are percentiles by nearest rank', () => {
    const samples = Array.from({ length: 1000 }, (_, index) => 1000 - index);
    expect(percentiles(samples)).toEqual({ p50Us: 500, p90Us: 900, p99Us: 990, p999Us: 999, maxUs: 1000 });
    expect(percentiles([7])).toEqual({ p50Us: 7, p90Us: 7, p99Us: 7, p999Us: 7, maxUs: 7 });
  });

  it('name the lane only when it was the only one', () => {
    expect(carriedBy({ tx_p2p_packets: 3, tx_direct_packets: 0, tx_ws_packets: 0 })).toBe('webrtc');
    expect(carriedBy({ tx_p2p_packets: 3, tx_direct_packets: 3, tx_ws_packets: 0 })).toBe('direct');
    expect(carriedBy({ tx_p2p_packets: 3, tx_direct_packets: 0, tx_ws_packets: 1 })).toBe('mixed');
    expect(carriedBy({ tx_p2p_packets: 0, tx_direct_packets: 0, tx_ws_packets: 0 })).toBe('unknown');
  });
});
