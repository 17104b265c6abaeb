// Starts and stops two data planes with a live data channel, over and over, and prints what the process holds after 40 and after 100
// rounds. A process of its own, so that nothing else moves its memory, with one malloc arena and large blocks mapped, so that what is freed can be seen to be.
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dial, Sandbox, transfer } from '../support/sandbox.js';

const sandbox = await Sandbox.open();
const held: { threads: number; rss: number; files: number; overWebRtc: number }[] = [];
let overWebRtc = 0;
for (let round = 1; round <= 100; round += 1) {
  const [alice, bob] = await sandbox.pair({ fallbackGraceMs: 10_000 });
  const [from, to] = [await dial(alice.port), await dial(bob.port)];
  const result = await transfer(from, to, 200_000);
  if (result.sent !== result.received) throw new Error(`round ${round}: wrong bytes`);
  to.end();
  await once(from, 'close');
  if ((alice.link.status().channels[0]?.counters.txP2pPackets ?? 0) > 0) overWebRtc += 1;
  // Both at once, on purpose: two threads with an addon that ended together used to crash the process, in one run of a hundred rounds in four.
  await Promise.all(sandbox.parties.splice(0).map(({ link }) => link.stop()));
  if (round === 40 || round === 100) {
    globalThis.gc?.();
    held.push({
      threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]),
      rss: process.memoryUsage.rss(),
      files: readdirSync(tmpdir()).filter((name) => name.startsWith(`hotlink-addon-${process.pid}-`)).length,
      overWebRtc,
    });
  }
}
await sandbox.close();
process.stdout.write(JSON.stringify(held));
