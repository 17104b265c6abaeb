// Starts and stops two data planes, over and over, and prints what the process holds after some rounds and at the end. A process of its own, so that
// nothing else moves its memory, with one malloc arena and large blocks mapped, so that what is freed can be seen to be.
//
//   cycles.js markers   100 rounds with markers, TCP applications and a live data channel; looked at after 40
//   cycles.js library    50 rounds with streams of the program over each lane in turn, and over own signaling; looked at after 26
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { createHotlink, type HotlinkOptions } from '../../src/index.js';
import { type Holdings, holdings } from '../support/holdings.js';
import { MemorySignaling } from '../support/memory-signaling.js';
import { ALICE, BOB, dial, Sandbox, transfer, until } from '../support/sandbox.js';
import { digestOf, write } from '../support/streams.js';

const sandbox = await Sandbox.open();
const held: Holdings[] = [];
const lanes: Record<string, number> = {};

async function markers(round: number): Promise<void> {
  const [alice, bob] = await sandbox.pair({ fallbackGraceMs: 10_000 });
  const [from, to] = [await dial(alice.port), await dial(bob.port)];
  const result = await transfer(from, to, 200_000);
  if (result.sent !== result.received) throw new Error(`round ${round}: wrong bytes`);
  to.end();
  await once(from, 'close');
  const lane = (alice.link.status().channels[0]?.counters.txP2pPackets ?? 0) > 0 ? 'webrtc' : 'relay';
  lanes[lane] = (lanes[lane] ?? 0) + 1;
  // Both at once, on purpose: two threads with an addon that ended together used to crash the process, in one run of a hundred rounds in four.
  await sandbox.stopAll();
}

async function library(round: number): Promise<void> {
  const memory = new MemorySignaling();
  const lane = (['direct', 'webrtc', 'relay'] as const)[round % 3] ?? 'direct';
  const own = lane !== 'relay' && round % 2 === 0;
  const options = (email: string): HotlinkOptions => ({
    email,
    lanes: [lane],
    threads: 1,
    ...(own ? { signaling: memory.end(email) } : { server: sandbox.relay.url }),
  });
  const both = [createHotlink(options(ALICE)), createHotlink(options(BOB))] as const;
  await Promise.all(both.map((link) => link.start()));
  const [a, b] = await Promise.all([both[0].connect({ peer: BOB, name: 'x' }), both[1].connect({ peer: ALICE, name: 'x' })]);
  const [gotByA, gotByB, sentByA, sentByB] = await Promise.all([digestOf(a), digestOf(b), write(a, 1_000_000), write(b, 300_000)]);
  if (gotByA.sha256 !== sentByB.sha256 || gotByB.sha256 !== sentByA.sha256) throw new Error(`round ${round}: wrong bytes`);
  // Bytes reach the program through shared memory, and may be here before the worker's message that says what carries them.
  const carrier = (): unknown =>
    both[0].status().events.findLast(({ what, fields }) => what === 'lane' && fields['lane'] !== undefined)?.fields['lane'];
  await until(`round ${round} says what carried it`, () => carrier() !== undefined);
  const carried = carrier();
  if (carried !== lane) throw new Error(`round ${round}: carried by ${carried}, not ${lane}`);
  const key = own ? `${lane}, own signaling` : lane;
  lanes[key] = (lanes[key] ?? 0) + 1;
  // Every third is stopped with its streams at their end, not yet closed.
  if (round % 3 !== 0) await Promise.all([finished(a), finished(b)]);
  await Promise.all(both.map((link) => link.stop()));
}

const [round, rounds, first] = process.argv[2] === 'library' ? ([library, 50, 26] as const) : ([markers, 100, 40] as const);
for (let number = 1; number <= rounds; number += 1) {
  await round(number);
  if (number !== first && number !== rounds) continue;
  // The relay of this process notices a moment later that its clients have gone; until then their sockets and timers are its own.
  await until('the relay has seen all of them go', () => sandbox.relay.stats().connections === 0);
  held.push(await holdings());
}
await sandbox.close();
process.stdout.write(JSON.stringify({ before: held[0], after: held[1], lanes }));
