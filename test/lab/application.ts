// An application as a process: dials its port, sends paced random bytes until told to stop on standard input, and reads what comes meanwhile to
// its end. Prints a line of progress now and then and, at the end, both digests. Run with: PORT BYTES_PER_SECOND.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What one application says, one JSON value per line; the last one is `over`. */
export interface Report {
  sentBytes: number;
  receivedBytes: number;
  over?: { how: 'ended' | 'reset'; sentSha256: string; receivedSha256: string };
}

const TURN_MS = 20;

if (process.argv[1] === import.meta.filename) await main(Number(process.argv[2]), Number(process.argv[3]));

async function main(port: number, bytesPerSecond: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [sent, received] = [createHash('sha256'), createHash('sha256')];
  let [sentBytes, receivedBytes] = [0, 0];
  let [stopped, reset] = [false, false];
  process.stdin.once('data', () => {
    stopped = true;
  });
  process.stdin.once('end', () => process.exit(1)); // whoever started us is gone
  const report = (over?: Report['over']): void => {
    process.stdout.write(`${JSON.stringify({ sentBytes, receivedBytes, ...(over === undefined ? {} : { over }) } satisfies Report)}\n`);
  };
  socket.on('data', (data) => {
    receivedBytes += data.length;
    received.update(data);
  });
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', resolve);
  });
  socket.on('error', () => {
    reset = true;
  });

  let drained = (): void => {};
  socket.on('drain', () => drained());
  const block = randomBytes(Math.ceil((bytesPerSecond * TURN_MS) / 1000));
  for (let turn = 0; !stopped && !reset; turn += 1) {
    const piece = Buffer.from(block);
    piece.writeUInt32BE(turn, 0); // no two pieces are the same, so that a swap would show
    sent.update(piece);
    sentBytes += piece.length;
    if (!socket.write(piece)) {
      const room = new Promise<void>((resolve) => {
        drained = resolve;
      });
      // Now and then it looks whether it was told to stop.
      await Promise.race([room, ended, wait(250)]);
    }
    if (turn % 5 === 0) report();
    await wait(TURN_MS);
  }
  socket.end();
  await ended;
  report({ how: reset ? 'reset' : 'ended', sentSha256: sent.digest('hex'), receivedSha256: received.digest('hex') });
  process.exit(0);
}
