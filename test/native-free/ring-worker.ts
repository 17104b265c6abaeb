// The producing thread of the two-thread ring test: sends the seeded stream, says once when the ring was full and it had to wait.
import { parentPort, workerData } from 'node:worker_threads';
import { RingProducer } from '../../native-free/ring/index.js';
import { Draw, fillRecord, LARGEST_BYTES } from './ring-stream.js';

export interface RingWorkerData {
  readonly buffer: SharedArrayBuffer;
  readonly seed: number;
  readonly records: number;
}

const { buffer, seed, records } = workerData as RingWorkerData;
const port = parentPort!;

// Listening keeps this thread alive while it only waits for the ring, which by itself does not.
port.once('message', () => {
  const alive = () => {};
  port.on('message', alive);
  void produce().finally(() => port.off('message', alive));
});

async function produce(): Promise<void> {
  const producer = new RingProducer(buffer);
  const draw = new Draw(seed);
  let waits = 0;
  for (let index = 0; index < records; ) {
    const at = producer.claim(LARGEST_BYTES);
    if (at >= 0) {
      producer.commit(fillRecord(producer.bytes, at, index, draw));
      index += 1;
      continue;
    }
    if (producer.closed) return;
    const wait = producer.spaceWait(LARGEST_BYTES);
    if (wait === undefined) continue;
    waits += 1;
    if (waits === 1) port.postMessage('full');
    await wait;
  }
  producer.close();
}
