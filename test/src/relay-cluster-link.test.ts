// The link between two processes over a carrier that loses, repeats and delays: what goes in comes out, whole, once, in order; a carrier that
// loses nothing costs no repetition.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link } from '../../src/relay/cluster/link.js';

/** Two links joined by a carrier that does to each message what it is told: 'lose' it or carry it. */
class Pair {
  readonly got: Buffer[][] = [[], []];
  readonly links: readonly [Link, Link];
  readonly way: { to: 0 | 1; message: Uint8Array }[] = [];
  lose: (message: Uint8Array) => boolean = () => false;
  nowMs = 0;

  constructor(windowBytes: number, messageBytes: number) {
    const end = (self: 0 | 1) =>
      new Link(
        {
          transmit: (message) => {
            if (!this.lose(message)) this.way.push({ to: self === 0 ? 1 : 0, message });
          },
          record: (body) => (this.got[self] as Buffer[]).push(body),
        },
        { windowBytes, messageBytes },
      );
    this.links = [end(0), end(1)];
  }

  /** Deliver until nothing is on the way; time passes only when nothing moves. */
  settle(rounds = 400): void {
    for (let round = 0; round < rounds; round++) {
      while (this.way.length > 0) {
        const { to, message } = this.way.shift() as { to: 0 | 1; message: Uint8Array };
        if (!this.links[to].receive(message, this.nowMs)) throw new Error('broken');
      }
      if (this.links.every(({ outstandingBytes }) => outstandingBytes === 0)) return;
      this.nowMs += 250;
      for (const link of this.links) link.tick(this.nowMs);
    }
    throw new Error(`${this.links[0].outstandingBytes} and ${this.links[1].outstandingBytes} bytes never arrived`);
  }
}

const record = (index: number, bytes: number): Buffer => Buffer.alloc(bytes, index % 251);

describe('a link between two processes', () => {
  it('carries records of every size in order, in pieces or many at once, and repeats nothing when nothing is lost', () => {
    const pair = new Pair(64 * 1024, 4096);
    const sent = [0, 1, 3, 4083, 4084, 4085, 100_000, 7, 300_000, 2].map((bytes, index) => record(index, bytes));
    for (const body of sent) pair.links[0].send(body.subarray(0, 2), body.subarray(2));
    pair.links[0].flush(0);
    pair.settle();
    expect(pair.got[1]?.map((body) => body.toString('hex'))).toEqual(sent.map((body) => body.toString('hex')));
    expect(pair.links[0].resent).toBe(0);
  });

  it('has no more than its window under way', () => {
    const pair = new Pair(64 * 1024, 4096);
    for (let index = 0; index < 100; index++) pair.links[0].send(record(index, 8000));
    pair.links[0].flush(0);
    expect(pair.way.reduce((sum, { message }) => sum + message.byteLength, 0)).toBeLessThanOrEqual(64 * 1024 + 4096);
    expect(pair.links[0].outstandingBytes).toBeGreaterThan(800_000);
    pair.settle();
    expect(pair.got[1]).toHaveLength(100);
  });

  it('sends again what a connection that broke has swallowed, as soon as there is a new one', () => {
    const pair = new Pair(1024 * 1024, 4096);
    for (let index = 0; index < 50; index++) pair.links[0].send(record(index, 3000));
    pair.lose = () => true;
    pair.links[0].flush(0);
    pair.lose = () => false;
    pair.links[0].restore(0);
    pair.settle(2);
    expect(pair.got[1]?.map((body) => body[0])).toEqual(Array.from({ length: 50 }, (_, index) => index % 251));
  });

  it('is asked for what was lost by the end that is back last', () => {
    const pair = new Pair(1024 * 1024, 4096);
    for (let index = 0; index < 50; index++) pair.links[0].send(record(index, 3000));
    pair.lose = () => true;
    pair.links[0].flush(0);
    pair.links[0].restore(0);
    pair.lose = () => false;
    pair.links[1].restore(0);
    pair.settle(2);
    expect(pair.got[1]).toHaveLength(50);
  });

  it('notices a gap at the next message and repairs it without waiting for a timer', () => {
    const pair = new Pair(1024 * 1024, 4096);
    let count = 0;
    pair.lose = (message) => message[0] === 1 && ++count === 3;
    for (let index = 0; index < 20; index++) pair.links[0].send(record(index, 4000));
    pair.links[0].flush(0);
    pair.settle(2);
    expect(pair.got[1]).toHaveLength(20);
    expect(pair.links[1].gaps).toBe(1);
  });

  it('loses, repeats and reorders nothing over a carrier that loses at random, both ways at once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 9000 }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat({ max: 9000 }), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat({ max: 9 })),
        (there, back, dice) => {
          const pair = new Pair(16 * 1024, 2048);
          // One in ten, and never for ever: the stream of dice is taken until it has given enough.
          let thrown = 0;
          pair.lose = () => thrown++ < 500 && dice.next().value === 0;
          const [a, b] = [there.map((bytes, index) => record(index, bytes)), back.map((bytes, index) => record(index + 7, bytes))];
          for (const body of a) pair.links[0].send(body);
          for (const body of b) pair.links[1].send(body);
          for (const link of pair.links) link.flush(0);
          pair.settle();
          expect(pair.got[1]?.map((body) => body.toString('hex'))).toEqual(a.map((body) => body.toString('hex')));
          expect(pair.got[0]?.map((body) => body.toString('hex'))).toEqual(b.map((body) => body.toString('hex')));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['an empty message', Buffer.alloc(0)],
    ['a kind there is not', Buffer.of(9, 0, 0, 0, 0, 0, 0, 1)],
    ['an acknowledgement of what was never sent', Buffer.of(2, 0, 0, 0, 0, 0, 0, 5)],
    ['a record of 4 GiB', Buffer.of(1, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0)],
  ])('is broken by %s', (_what, message) => {
    expect(new Pair(1024, 1024).links[0].receive(message, 0)).toBe(false);
  });
});
