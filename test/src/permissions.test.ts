// What channels need at the relay is given again when it comes back, whatever it says meanwhile, and not after the end.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Permissions } from '../../src/control/permissions.js';
import { planForward } from '../../src/forward.js';
import { resolveOptions } from '../../src/resolved-options.js';
import { ALICE, BOB, until } from '../support/sandbox.js';

let server: Server;
/** Channels whose permission the relay was given, and what it answers to each, 200 by default. */
let given: string[];
let answers: number[];
/** What the clock was asked to call, and how often that was taken back. */
let due: (() => void)[];
let cancelled: number;
let reports: unknown[];

beforeEach(async () => {
  given = [];
  answers = [];
  due = [];
  cancelled = 0;
  reports = [];
  server = createServer((request, response) => {
    const key = new URL(request.url ?? '', 'http://relay').searchParams.get('key') ?? '';
    request.resume().once('end', () => {
      given.push(key.split('/')[4] ?? '');
      response.writeHead(answers.shift() ?? 200).end('{"error":"so it is"}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => void server.close());

function permissions(...names: string[]): Permissions {
  const clock = {
    nowMs: () => 0,
    unixMs: () => 0,
    after: (_ms: number, call: () => void) => {
      due.push(call);
      return () => {
        cancelled += 1;
      };
    },
  };
  const options = resolveOptions({ email: ALICE, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, clock });
  const made = new Permissions(options, (what, fields) => void reports.push([what, fields]));
  for (const name of names) made.keep(name, planForward(ALICE, { peer: BOB, name, listen: '127.0.0.1:0' }));
  return made;
}

/** What was about to be asked of the relay has had the time that a request takes. */
async function passed(): Promise<void> {
  const other = permissions('sentinel');
  other.relay(true);
  other.relay(true);
  await until('the sentinel was given', () => given.includes('sentinel'));
  given.splice(given.indexOf('sentinel'), 1);
}

const renewed = (count: number) => until(`the relay was told ${count} times`, () => given.length === count);

describe('the permissions of channels that nobody prepared', () => {
  it('are given again when the relay comes back, and only then', async () => {
    const made = permissions('a', 'b', 'c');
    made.relay(true);
    await passed();
    expect(given).toEqual([]);
    made.forget('b');
    made.relay(false);
    made.relay(true);
    await renewed(2);
    await passed();
    expect([given, reports, due]).toEqual([['a', 'c'], [], []]);
  });

  it('wait for a relay that takes none now, and go on where they were', async () => {
    answers = [200, 503, 429];
    const made = permissions('a', 'b', 'c');
    made.relay(true);
    made.relay(true);
    for (let turn = 1; turn <= 2; turn += 1) {
      await until('it is to be tried again', () => due.length === turn);
      due.at(-1)?.();
    }
    await renewed(5);
    expect(given).toEqual(['a', 'b', 'b', 'b', 'c']);
    const reason = expect.stringMatching(/refused the permissions .*HTTP (503|429), so it is$/);
    expect(reports).toEqual(Array(2).fill(['permission not renewed', { peer: BOB, reason }]));
  });

  it('that are refused are said to be, once, and the others are given', async () => {
    answers = [403];
    const made = permissions('a', 'b');
    made.relay(true);
    made.relay(true);
    await renewed(2);
    expect(given).toEqual(['a', 'b']);
    expect([reports.length, due.length]).toEqual([1, 0]);
  });

  it('are not given after the end, whether it waits or the relay comes back', async () => {
    answers = [503];
    const made = permissions('a', 'b');
    made.relay(true);
    made.relay(true);
    await until('it is to be tried again', () => due.length === 1);
    made.end();
    expect(cancelled).toBe(1);
    made.relay(false);
    made.relay(true);
    await passed();
    expect(given).toEqual(['a']);
  });
});
