// Two applications on a thread of their own: one writes as fast as it may, the other reads and counts MiB into shared memory, until told
// to stop. For tests that block the main thread.
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { from, to } = workerData as { from: number; to: number };
parentPort?.once('message', (shared: SharedArrayBuffer) => {
  const counts = new Int32Array(shared);
  const receiver = connect(to, '127.0.0.1');
  const sender = connect(from, '127.0.0.1');
  const block = Buffer.alloc(1_048_576, 7);
  let received = 0;
  receiver.on('data', (data) => {
    received += data.length;
    Atomics.store(counts, 0, Math.floor(received / 1_048_576));
  });
  const write = (): void => {
    while (Atomics.load(counts, 1) === 0) {
      if (!sender.write(block)) {
        sender.once('drain', write);
        return;
      }
    }
    sender.end();
  };
  sender.on('connect', write);
  receiver.on('end', () => {
    receiver.end();
    parentPort?.close();
  });
});
