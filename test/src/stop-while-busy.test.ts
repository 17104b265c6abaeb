// A side that is told to stop while small messages come in all the time: there is always something that it has not acknowledged yet. It says so at once,
// instead of waiting for a moment in which nothing is owed.
import { expect, it } from 'vitest';
import { createHotlink, type Hotlink } from '../../src/index.js';
import { startRelay } from '../../src/relay/index.js';
import { ALICE, BOB } from '../support/sandbox.js';

/** Well below what a stop waits at most for what is under way, and what it took when it waited for a lucky moment (1.1 to 2.1 s), ms. */
const SOON_MS = 800;
const MESSAGE = Buffer.alloc(64);
const ROUNDS = 3;

it.each(['direct', 'webrtc'] as const)(
  'a side that hears small messages all the time stops at once (%s)',
  { timeout: 60_000 },
  async (lane) => {
    const relay = await startRelay({ listen: '127.0.0.1:0' });
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const both = [ALICE, BOB].map((email) => createHotlink({ email, server: relay.url, threads: 1, lanes: [lane] })) as [
          Hotlink,
          Hotlink,
        ];
        let writing: NodeJS.Timeout | undefined;
        try {
          await Promise.all(both.map((link) => link.start()));
          const [a, b] = await Promise.all([both[0].connect({ peer: BOB, name: 'x' }), both[1].connect({ peer: ALICE, name: 'x' })]);
          // That the peer stops is an error to whoever is writing.
          for (const stream of [a, b]) stream.on('error', () => {});
          let heard = 0;
          const begun = new Promise<void>((resolve) => {
            b.on('data', ({ length }: Buffer) => {
              heard += length;
              if (heard >= 300 * MESSAGE.length) resolve();
            });
          });
          writing = setInterval(() => a.write(MESSAGE), 1);
          await begun;
          const startedMs = performance.now();
          await both[1].stop();
          expect(performance.now() - startedMs).toBeLessThan(SOON_MS);
        } finally {
          clearInterval(writing);
          await Promise.all(both.map((link) => link.stop()));
        }
      }
    } finally {
      await relay.close();
    }
  },
);
