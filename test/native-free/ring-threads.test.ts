// The record ring between two real threads: nothing torn, lost or reordered, and no wake-up lost in either direction.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { createRing, RingConsumer } from '../../native-free/ring/index.js';
import { faultOf } from './ring-stream.js';
import type { RingWorkerData } from './ring-worker.js';

async function consumeAll(capacityBytes: number, records: number, seed: number) {
  const buffer = createRing(capacityBytes);
  const workerData: RingWorkerData = { buffer, seed, records };
  const worker = new Worker(new URL('./ring-worker.js', import.meta.url), { workerData });
  const exited = once(worker, 'exit');
  const full = once(worker, 'message');
  const consumer = new RingConsumer(buffer);
  let waits = 0;
  let index = 0;

  // The consumer sleeps before the first record exists, and then lets the ring fill until the producer sleeps.
  const firstWait = consumer.dataWait();
  expect(firstWait).toBeDefined();
  worker.postMessage('go');
  await firstWait;
  expect(await full).toEqual(['full']);

  while (!consumer.closed) {
    const lengthBytes = consumer.peek();
    if (lengthBytes >= 0) {
      const fault = faultOf(consumer.bytes, consumer.recordStart, lengthBytes, index);
      if (fault !== undefined) throw new Error(fault);
      consumer.release();
      index += 1;
      continue;
    }
    waits += 1;
    await consumer.dataWait();
  }
  await exited;
  return { received: index, waits, wakeups: consumer.wakeups };
}

it('200,000 records of random sizes cross a 16 KiB ring, each one whole, both sides sleeping and waking', async () => {
  const seen = await consumeAll(16 * 1024, 200_000, 0x5eed);
  expect(seen.received).toBe(200_000);
  expect(seen.wakeups).toBeGreaterThan(0);
});

it('a ring with room for two records, where nearly every record finds the other side asleep', async () => {
  const seen = await consumeAll(2048, 5_000, 0xbe11);
  expect(seen.received).toBe(5_000);
  expect(seen.waits).toBeGreaterThan(0);
  expect(seen.wakeups).toBeGreaterThan(100);
});
