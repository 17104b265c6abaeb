// What the kernel says of the WebRTC stack's threads in this process, while a stream goes over them.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, expect, it } from 'vitest';
import { dial, Sandbox, transfer } from '../support/sandbox.js';

const NAMES = ['RTC worker', 'juice poll'];
/** proc(5): `policy` is the 41st field, the 39th behind the name. */
const POLICY = 38;

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

const possible = process.platform === 'linux' && koffiIsThere();
if (!possible && process.env['HOTLINK_REQUIRE'] === 'all') throw new Error('HOTLINK_REQUIRE=all: scheduling needs Linux and koffi');

function koffiIsThere(): boolean {
  try {
    return createRequire(import.meta.url).resolve('koffi') !== '';
  } catch {
    return false;
  }
}

function policies(): Set<string> {
  const found = readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return NAMES.includes(name) ? `${name}: ${fields[POLICY]}` : '';
  });
  return new Set(found.filter((line) => line !== ''));
}

it.skipIf(!possible).each([
  ['auto', 3],
  ['off', 0],
] as const)(
  'batchScheduling %s: the threads packets wake are scheduled with policy %i (needs Linux and koffi)',
  async (batchScheduling, policy) => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ batchScheduling });
    const result = await transfer(await dial(alice.port), await dial(bob.port), 3_000_000);
    expect(result.received).toBe(result.sent);
    expect(policies()).toEqual(new Set([`RTC worker: ${policy}`, `juice poll: ${policy}`]));
  },
);
