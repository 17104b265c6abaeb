// The record ring on one thread: against an array as model, at the wrap, at its limits, asleep, closed and reset.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRing, RingConsumer, RingProducer, resetRing } from '../../native-free/ring/index.js';
import { HEAD_WORD, TAIL_WORD } from '../../native-free/ring/layout.js';

function write(producer: RingProducer, payload: Uint8Array, claimBytes = payload.length): boolean {
  const at = producer.claim(claimBytes);
  if (at < 0) return false;
  producer.bytes.set(payload, at);
  producer.commit(payload.length);
  return true;
}

function read(consumer: RingConsumer): Uint8Array | undefined {
  const lengthBytes = consumer.peek();
  if (lengthBytes < 0) return undefined;
  const payload = consumer.bytes.slice(consumer.recordStart, consumer.recordStart + lengthBytes);
  consumer.release();
  return payload;
}

/** A ring whose positions begin where the test wants them, as after a long life. */
function pairAt(capacityBytes: number, position: number): [RingProducer, RingConsumer, SharedArrayBuffer] {
  const buffer = createRing(capacityBytes);
  const words = new Int32Array(buffer);
  words[HEAD_WORD] = position;
  words[TAIL_WORD] = position;
  return [new RingProducer(buffer), new RingConsumer(buffer), buffer];
}

const pair = (capacityBytes: number) => pairAt(capacityBytes, 0);
const filled = (lengthBytes: number, value: number) => new Uint8Array(lengthBytes).fill(value);

describe('a ring behaves like a bounded array of records', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('write' as const), lengthBytes: fc.nat(120), spareBytes: fc.nat(30) }),
    fc.record({ do: fc.constant('abort' as const), lengthBytes: fc.nat(120) }),
    fc.record({ do: fc.constant('read' as const) }),
  );

  it('whatever is written, aborted and read, from any starting position, through the wrap of the 32-bit counters too', () => {
    const start = fc.oneof(
      fc.nat(63).map((n) => n * 8),
      fc.nat(63).map((n) => -n * 8),
      fc.constant(0x7fffffc0),
    );
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 120 }), (position, steps) => {
        const [producer, consumer] = pairAt(512, position);
        const model: Uint8Array[] = [];
        let value = 0;
        for (const s of steps) {
          if (s.do === 'read') {
            expect(read(consumer)).toEqual(model.shift());
          } else if (s.do === 'abort') {
            if (producer.claim(s.lengthBytes) >= 0) producer.abort();
          } else {
            value = (value + 1) & 0xff;
            const payload = filled(s.lengthBytes, value);
            if (write(producer, payload, s.lengthBytes + s.spareBytes)) model.push(payload);
            else expect(model.length).toBeGreaterThan(0);
          }
          expect(producer.occupiedBytes() === 0).toBe(model.length === 0);
          expect(producer.occupiedBytes()).toBeLessThanOrEqual(512);
        }
        while (model.length > 0) expect(read(consumer)).toEqual(model.shift());
        expect(consumer.peek()).toBe(-1);
        expect(producer.wakeups + consumer.wakeups).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('claims', () => {
  it('a record with head-room that does not fit before the end starts over at the front, contiguous', () => {
    const [producer, consumer] = pair(256);
    for (const _ of [1, 2, 3]) {
      expect(write(producer, filled(56, 1))).toBe(true);
      read(consumer);
    }
    // 192 of 256 used up: 21 bytes of head-room and 60 of payload are 96 with the record head, and 64 are left before the end.
    const at = producer.claim(21 + 60);
    expect(at).toBe(8);
    producer.bytes.fill(7, at + 21, at + 21 + 60);
    producer.bytes.fill(9, at, at + 21);
    producer.commit(81);
    expect(producer.occupiedBytes()).toBe(64 + 96);
    expect(consumer.peek()).toBe(81);
    expect(consumer.recordStart).toBe(8);
    expect(read(consumer)).toEqual(new Uint8Array([...filled(21, 9), ...filled(60, 7)]));
    expect(producer.occupiedBytes()).toBe(0);
  });

  it('the largest record fits an empty ring wherever the last one ended', () => {
    for (let offset = 0; offset < 256; offset += 8) {
      const [producer, consumer] = pairAt(256, offset);
      expect(write(producer, filled(producer.maxRecordBytes, 3))).toBe(true);
      expect(read(consumer)).toHaveLength(producer.maxRecordBytes);
    }
  });

  it('a claim beyond what can ever fit is refused loudly, and waiting for it too', () => {
    const [producer] = pair(256);
    expect(producer.maxRecordBytes).toBe(120);
    for (const sizeBytes of [121, 257, Number.NaN, -1]) {
      expect(() => producer.claim(sizeBytes)).toThrow(expect.objectContaining({ code: 'ERR_HLNK_USAGE' }));
      expect(() => producer.spaceWait(sizeBytes)).toThrow(expect.objectContaining({ code: 'ERR_HLNK_USAGE' }));
    }
  });

  it('committing beyond the claim, or without one, and releasing without a record are refused', () => {
    const [producer, consumer] = pair(256);
    const internal = expect.objectContaining({ code: 'ERR_HLNK_INTERNAL' });
    expect(() => producer.commit(0)).toThrow(internal);
    producer.claim(10);
    expect(() => producer.commit(11)).toThrow(internal);
    producer.abort();
    expect(() => producer.commit(10)).toThrow(internal);
    expect(() => consumer.release()).toThrow(internal);
    expect(consumer.peek()).toBe(-1);
  });

  it('a ring takes records up to its last byte, the last one ending exactly at the end, and nothing beyond', () => {
    const [producer, consumer] = pair(256);
    for (let i = 0; i < 8; i += 1) expect(write(producer, filled(24, i))).toBe(true);
    expect(producer.occupiedBytes()).toBe(256);
    expect(producer.claim(0)).toBe(-1);
    read(consumer);
    expect(producer.claim(25)).toBe(-1);
    expect(producer.claim(24)).toBe(8);
  });

  it('what was claimed and not used is free again', () => {
    const [producer] = pair(256);
    producer.claim(120);
    producer.commit(1);
    expect(producer.occupiedBytes()).toBe(16);
  });

  it('capacities are rounded up to a power of two, and impossible ones refused', () => {
    expect(new RingProducer(createRing(1)).bytes).toHaveLength(64);
    expect(new RingProducer(createRing(4096)).bytes).toHaveLength(4096);
    expect(new RingProducer(createRing(4097)).bytes).toHaveLength(8192);
    for (const sizeBytes of [0, -8, 1.5, 2 ** 31]) expect(() => createRing(sizeBytes)).toThrow(/capacity/);
    expect(() => new RingConsumer(new SharedArrayBuffer(4096))).toThrow(/createRing/);
    expect(() => new RingConsumer(new SharedArrayBuffer(8))).toThrow(/createRing/);
  });
});

describe('sleeping', () => {
  it('nobody is notified while nobody sleeps', () => {
    const [producer, consumer] = pair(1024);
    for (let round = 0; round < 5000; round += 1) {
      expect(write(producer, filled(round % 300, round))).toBe(true);
      expect(producer.spaceWait(0)).toBeUndefined();
      expect(consumer.dataWait()).toBeUndefined();
      read(consumer);
    }
    expect(producer.wakeups).toBe(0);
    expect(consumer.wakeups).toBe(0);
  });

  it('a sleeping consumer is woken by the first record, once, and has one wait pending however often it asks', async () => {
    const [producer, consumer] = pair(1024);
    const wait = consumer.dataWait();
    expect(wait).toBeDefined();
    expect(consumer.dataWait()).toBe(wait);
    for (let i = 0; i < 10; i += 1) write(producer, filled(8, i));
    expect(producer.wakeups).toBe(1);
    await wait;
    expect(consumer.dataWait()).toBeUndefined();
    while (read(consumer) !== undefined);
    const again = consumer.dataWait();
    expect(again).not.toBe(wait);
    write(producer, filled(8, 1));
    await again;
    expect(producer.wakeups).toBe(2);
  });

  it('a waiting producer is woken when there is as much room as it asked for, not before', async () => {
    const [producer, consumer] = pair(256);
    while (write(producer, filled(24, 1)));
    const wait = producer.spaceWait(88);
    expect(wait).toBeDefined();
    expect(producer.spaceWait(88)).toBe(wait);
    read(consumer);
    read(consumer);
    expect(consumer.wakeups).toBe(0);
    read(consumer);
    expect(consumer.wakeups).toBe(1);
    await wait;
    expect(producer.claim(88)).toBeGreaterThan(0);
  });

  it('a producer that asks for less while it waits is woken for less', async () => {
    const [producer, consumer] = pair(256);
    while (write(producer, filled(24, 1)));
    const wait = producer.spaceWait(88);
    expect(producer.spaceWait(24)).toBe(wait);
    read(consumer);
    await wait;
    expect(producer.claim(24)).toBeGreaterThan(0);
  });
});

describe('closing', () => {
  it('a producer that closes wakes the consumer, who still gets what was committed', async () => {
    const [producer, consumer] = pair(256);
    const wait = consumer.dataWait();
    write(producer, filled(3, 5));
    producer.claim(10);
    producer.close();
    producer.close();
    producer.commit(10);
    await wait;
    expect(producer.closed).toBe(true);
    expect(producer.claim(1)).toBe(-1);
    expect(consumer.closed).toBe(false);
    expect(read(consumer)).toEqual(filled(3, 5));
    expect(consumer.closed).toBe(true);
    expect(consumer.dataWait()).toBeUndefined();
  });

  it('a consumer that closes wakes the producer, whose claims fail from then on', async () => {
    const [producer, consumer] = pair(256);
    while (write(producer, filled(24, 1)));
    const wait = producer.spaceWait(24);
    consumer.peek();
    consumer.close();
    consumer.release();
    await wait;
    expect(producer.closed).toBe(true);
    expect(producer.claim(24)).toBe(-1);
    expect(producer.spaceWait(24)).toBeUndefined();
    expect(consumer.peek()).toBe(-1);
  });

  it('closing ends the closer its own wait', async () => {
    const [producer, consumer] = pair(256);
    const dataWait = consumer.dataWait();
    consumer.close();
    await dataWait;
    const [producer2] = pair(256);
    while (write(producer2, filled(24, 1)));
    const spaceWait = producer2.spaceWait(24);
    producer2.close();
    await spaceWait;
    expect(producer.closed && consumer.closed && producer2.closed).toBe(true);
  });
});

describe('reuse', () => {
  it('a side that was attached before the reset sees a closed ring and cannot disturb the next use', async () => {
    const [oldProducer, oldConsumer, buffer] = pair(256);
    const oldWait = oldConsumer.dataWait();
    oldProducer.claim(8);
    resetRing(buffer);
    const producer = new RingProducer(buffer);
    const consumer = new RingConsumer(buffer);
    const wait = consumer.dataWait();
    await oldWait;
    expect(oldProducer.closed && oldConsumer.closed).toBe(true);
    expect(oldProducer.claim(8)).toBe(-1);
    oldProducer.commit(8);
    oldProducer.close();
    oldConsumer.close();
    expect(oldConsumer.peek()).toBe(-1);
    expect(producer.closed || consumer.closed).toBe(false);
    const before = producer.wakeups;
    write(producer, filled(5, 6));
    expect(producer.wakeups).toBe(before + 1);
    await wait;
    expect(read(consumer)).toEqual(filled(5, 6));
  });

  it('a new attachment goes on where the old one stopped, and its sleep is not mistaken for one already rung for', async () => {
    const [producer, consumer, buffer] = pair(256);
    const wait = consumer.dataWait();
    write(producer, filled(1, 1));
    await wait;
    read(consumer);
    const next = new RingConsumer(buffer);
    const nextWait = next.dataWait();
    write(producer, filled(2, 2));
    await nextWait;
    expect(read(next)).toEqual(filled(2, 2));
  });
});
