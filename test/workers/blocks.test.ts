// Memory that frames are read into: used again when all that was lent of it has been passed on, and never before.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../native-free/hlnk/index.js';
import { createRing, RingConsumer } from '../../native-free/ring/index.js';
import { Random } from '../../native-free/sim/index.js';
import { BLOCK_BYTES, Block, LENT_BYTES } from '../../workers/blocks.js';
import { FrameReader } from '../../workers/direct/frame-reader.js';
import { RingConnection } from '../../workers/program/ring-connection.js';
import { type ConnectionEvents, LocalConnection } from '../../workers/tcp/connection.js';
import { until } from '../support/sandbox.js';

const QUIET: ConnectionEvents = {
  quickAck: undefined,
  read: () => true,
  landing: () => undefined,
  ended: () => {},
  closed: () => {},
  written: () => {},
};
/** Header with a path of 8 and an etag of 12 bytes. */
const HEAD_BYTES = encodeFrame('a@b.co/x', 'h1d-00000001', 1, new Uint8Array(0)).length;
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a block', () => {
  it('is used again when it is retired and all that was lent of it has been passed on, in whatever order', () => {
    const block = Block.take();
    const [one, other] = [block.bytes.subarray(0, LENT_BYTES), block.bytes.subarray(LENT_BYTES, 3 * LENT_BYTES)];
    for (const bytes of [one, other]) block.lend(bytes.length);
    Block.passedOn(other);
    expect(block.idle).toBe(false);
    block.retire();
    const next = Block.take();
    expect(next).not.toBe(block);
    Block.passedOn(one);
    expect(block.idle).toBe(true);
    expect(Block.take()).toBe(block);
  });

  it('is not used again while a byte of it was not passed on, nor by bytes that are none of its', () => {
    const block = Block.take();
    const bytes = block.bytes.subarray(0, LENT_BYTES + 1);
    block.lend(bytes.length);
    block.retire();
    Block.passedOn(bytes.subarray(1));
    Block.passedOn(new Uint8Array(LENT_BYTES + 1));
    expect(block.idle).toBe(false);
    expect(Array.from({ length: 40 }, () => Block.take())).not.toContain(block);
  });

  it('larger than usual is made for once', () => {
    const block = Block.take(BLOCK_BYTES + 1);
    expect(block.bytes.length).toBe(BLOCK_BYTES + 1);
    block.retire();
    expect(Block.take(BLOCK_BYTES + 1)).not.toBe(block);
  });
});

it('frames that are kept stay as they are while hundreds of others are read, and the memory goes round', () => {
  const random = new Random(1);
  const memories = new Set<ArrayBufferLike>();
  const kept: { payload: Uint8Array; digest: string }[] = [];
  const reader = new FrameReader(400_000, (message, lasting) => {
    if (lasting) kept.push({ payload: message.subarray(HEAD_BYTES), digest: digest(message.subarray(HEAD_BYTES)) });
  });
  let readBytes = 0;
  let sawBytes = 0;
  for (let seq = 1; seq <= 600; seq += 1) {
    const payload = new Uint8Array(random.between(1, 5) * 60_000).fill(seq);
    payload[0] = seq >> 8;
    const frame = encodeFrame('a@b.co/x', 'h1d-00000001', seq, payload);
    for (let at = 0; at < frame.length; ) {
      const space = reader.space();
      memories.add(space.buffer);
      const piece = frame.subarray(at, at + Math.min(space.length, random.between(1, 16_384)));
      space.set(piece);
      expect(reader.landed(piece.length)).toBeUndefined();
      at += piece.length;
    }
    readBytes += frame.length;
    while (kept.length > random.between(0, 6)) {
      const [first] = kept.splice(random.between(0, kept.length - 1), 1);
      expect(digest((first as { payload: Uint8Array }).payload)).toBe(first?.digest);
      sawBytes += first?.payload.length ?? 0;
      Block.passedOn((first as { payload: Uint8Array }).payload);
    }
  }
  expect(sawBytes).toBeGreaterThan(readBytes / 2);
  // What six frames may lie in, at both ends of it; not the two hundred blocks that they would fill.
  expect(memories.size).toBeLessThan(20);
});

/** Blocks full of bytes, lent piece by piece. */
function lent(count: number): { block: Block; pieces: Uint8Array[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const block = Block.take();
    block.bytes.fill(i + 1);
    const pieces = Array.from({ length: 4 }, (_piece, k) => block.bytes.subarray((k * BLOCK_BYTES) / 4, ((k + 1) * BLOCK_BYTES) / 4));
    for (const piece of pieces) block.lend(piece.length);
    return { block, pieces };
  });
}

/** Writes blocks over, as soon as they are idle, until all are. */
async function spoilWhenIdle(blocks: readonly Block[]): Promise<void> {
  const left = new Set(blocks);
  await until('all was passed on', () => {
    for (const block of left) {
      if (!block.idle) continue;
      block.bytes.fill(0);
      left.delete(block);
    }
    return left.size === 0;
  });
}

it('an application that reads late gets what was written, though blocks are written over as soon as they are idle', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connection = LocalConnection.dial('127.0.0.1', (server.address() as AddressInfo).port, QUIET);
  const [application] = await accepted;
  const all = lent(40);
  for (const { pieces } of all) for (const piece of pieces) connection.write(piece);
  expect(all.at(-1)?.block.idle).toBe(false);
  const received = createHash('sha256');
  let receivedBytes = 0;
  application.on('data', (bytes: Buffer) => {
    received.update(bytes);
    receivedBytes += bytes.length;
  });
  application.resume();
  await spoilWhenIdle(all.map(({ block }) => block));
  await until('all has arrived', () => receivedBytes === 40 * BLOCK_BYTES);
  const expected = createHash('sha256');
  for (let i = 0; i < 40; i += 1) expected.update(new Uint8Array(BLOCK_BYTES).fill(i + 1));
  expect(received.digest('hex')).toBe(expected.digest('hex'));
  application.destroy();
  connection.destroy();
  server.close();
});

it('so does an embedding program', async () => {
  const [out, incoming] = [createRing(1_048_576), createRing(1_048_576)];
  const connection = new RingConnection(out, incoming, QUIET);
  const all = lent(6);
  for (const { pieces } of all) for (const piece of pieces) connection.write(piece);
  expect(all.at(-1)?.block.idle).toBe(false);
  const reader = new RingConsumer(incoming);
  const received: number[] = [];
  const reading = (async () => {
    for (let bytes = 0; bytes < 6 * BLOCK_BYTES; ) {
      const length = reader.peek();
      if (length < 0) {
        await reader.dataWait();
        continue;
      }
      const record = reader.bytes.subarray(reader.recordStart, reader.recordStart + length);
      for (const byte of new Set(record)) received.push(byte);
      bytes += length;
      reader.release();
    }
  })();
  await spoilWhenIdle(all.map(({ block }) => block));
  await reading;
  expect([...new Set(received)]).toEqual([1, 2, 3, 4, 5, 6]);
  connection.destroy();
});
