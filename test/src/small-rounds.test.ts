// An application that writes a length and then a body, without TCP_NODELAY, and waits for an answer written the same way (Sequre does).
// The kernel holds its second write back until the first is acknowledged, and puts acknowledgements off by 40 ms.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { dial, Sandbox } from '../support/sandbox.js';

const HEAD_BYTES = 8;
const BODY_BYTES = 100;
/** The kernel acknowledges the first segments of a connection at once. */
const WARM_UP = 40;
const ROUNDS = 20;

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

const possible = process.platform === 'linux' && koffiIsThere();
if (!possible && process.env['HOTLINK_REQUIRE'] === 'all') throw new Error('HOTLINK_REQUIRE=all: small rounds need Linux and koffi');

function koffiIsThere(): boolean {
  try {
    return existsSync(createRequire(import.meta.url).resolve('koffi'));
  } catch {
    return false;
  }
}

/** Resolves when a whole message is there. */
function message(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    let missing = HEAD_BYTES + BODY_BYTES;
    const take = (bytes: Buffer): void => {
      missing -= bytes.length;
      if (missing > 0) return;
      socket.off('data', take);
      resolve();
    };
    socket.on('data', take);
  });
}

function write(socket: Socket): void {
  socket.write(Buffer.alloc(HEAD_BYTES, 1));
  socket.write(Buffer.alloc(BODY_BYTES, 2));
}

async function round(near: Socket, far: Socket): Promise<number> {
  const started = performance.now();
  const [asked, answered] = [message(far), message(near)];
  write(near);
  await asked;
  write(far);
  await answered;
  return performance.now() - started;
}

it.skipIf(!possible)('does not wait for delayed acknowledgements (needs Linux and koffi)', async () => {
  sandbox = await Sandbox.open();
  const [alice, bob] = await sandbox.pair();
  const [near, far] = [await dial(alice.port), await dial(bob.port)];
  for (let n = 0; n < WARM_UP; n++) await round(near, far);
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n++) times.push(await round(near, far));
  // Four writes held back twice over take 88 ms; a busy machine may well need a few.
  expect(times.sort((a, b) => a - b)[ROUNDS / 2]).toBeLessThan(25);
  near.destroy();
  far.destroy();
});
