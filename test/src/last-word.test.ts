// The last word of a stream is the acknowledgement that lets the other end finish. A channel that leaves must not take it along, however late the relay's
// thread looks into the ring between them; nor must its Close, which comes through the relay and may be here before a word on another lane. Both used to:
// the other end then waited a minute for a lane, and failed.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { createHotlink, type Hotlink } from '../../src/index.js';
import { startRelay } from '../../src/relay/index.js';
import { RELAY_ENTRY } from '../../workers/entries.js';
import { ALICE, BOB } from '../support/sandbox.js';
import { digestOf, write } from '../support/streams.js';

/** Each look into a ring comes this much later than it would, ms. */
const LATE_MS = 80;

it('a stream over the relay finishes at both ends although the relay’s thread is late', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotlink-test-'));
  const late = join(folder, 'relay.mjs');
  writeFileSync(
    late,
    `const wait = Atomics.waitAsync;
    const later = (value) => new Promise((resolve) => setTimeout(() => resolve(value), ${LATE_MS}));
    Atomics.waitAsync = (...words) => {
      const result = wait(...words);
      return result.async ? { async: true, value: result.value.then(later) } : result;
    };
    await import('${RELAY_ENTRY.href}');\n`,
  );
  const relay = await startRelay({ listen: '127.0.0.1:0' });
  const workers = { relay: pathToFileURL(late) };
  const both = [ALICE, BOB].map((email) =>
    createHotlink({ email, server: relay.url, threads: 1, lanes: ['relay'], resumeMs: 3000, workers }),
  ) as [Hotlink, Hotlink];
  try {
    await Promise.all(both.map((link) => link.start()));
    for (let round = 0; round < 5; round += 1) {
      const [a, b] = await Promise.all([both[0].connect({ peer: BOB, name: 'x' }), both[1].connect({ peer: ALICE, name: 'x' })]);
      const ends = Promise.allSettled([finished(a), finished(b)]);
      const closed = [a, b].map((stream) => new Promise((resolve) => stream.once('close', resolve)));
      const [got, , sent] = await Promise.all([digestOf(b), digestOf(a), write(a, 300_000), write(b, 30_000)]);
      expect(got).toEqual(sent);
      expect((await ends).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      await Promise.all(closed);
    }
  } finally {
    await Promise.all(both.map((link) => link.stop()));
    await relay.close();
    rmSync(folder, { recursive: true });
  }
});

/** A channel's thread whose direct connections are slow; the relay is not. */
const LATE_DIRECT = new URL('../support/late-direct.js', import.meta.url);

it('a stream ends in peace at both ends although the Close of the first to leave overtakes its last acknowledgement', {
  timeout: 60_000,
}, async () => {
  const relay = await startRelay({ listen: '127.0.0.1:0' });
  const workers = { channel: LATE_DIRECT };
  const both = [ALICE, BOB].map((email) =>
    createHotlink({ email, server: relay.url, threads: 1, lanes: ['direct'], resumeMs: 3000, workers }),
  ) as [Hotlink, Hotlink];
  try {
    await Promise.all(both.map((link) => link.start()));
    const [a, b] = await Promise.all([both[0].connect({ peer: BOB, name: 'x' }), both[1].connect({ peer: ALICE, name: 'x' })]);
    const [got, given] = [digestOf(b), digestOf(a)];
    const written = once(b, 'finish');
    expect(await write(b, 30_000)).toEqual(await given);
    // Bob's half is acknowledged: with the end of Alice's he has all he waits for, and leaves.
    await written;
    const ends = Promise.all([finished(a), finished(b)]);
    const sent = await write(a, 30_000);
    expect(await got).toEqual(sent);
    await ends;
  } finally {
    await Promise.all(both.map((link) => link.stop()));
    await relay.close();
  }
});
