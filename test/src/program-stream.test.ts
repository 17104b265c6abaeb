// The program's stream as a Node.js stream must be: bounded each way, half-open, destroyed with a reason, the same as web streams; and everything
// an embedding program may do at the wrong moment: abort, stop, close twice.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHotlink, type Hotlink, type HotlinkOptions, type HotlinkStream } from '../../src/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { countedSignal } from '../support/signals.js';
import { digestOf, write } from '../support/streams.js';

let relay: RelayServer;
const links: Hotlink[] = [];

beforeEach(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
  await relay.close();
});

function make(email: string, options: Partial<HotlinkOptions> = {}): Hotlink {
  const link = createHotlink({ email, server: relay.url, threads: 1, ...options });
  links.push(link);
  return link;
}

async function pair(options: Partial<HotlinkOptions> = {}): Promise<[alice: Hotlink, bob: Hotlink]> {
  const both = [make(ALICE, options), make(BOB, options)] as [Hotlink, Hotlink];
  await Promise.all(both.map((link) => link.start()));
  return both;
}

const streams = (alice: Hotlink, bob: Hotlink, highWaterMark?: number): Promise<[HotlinkStream, HotlinkStream]> => {
  const bound = highWaterMark === undefined ? {} : { highWaterMark };
  return Promise.all([alice.connect({ peer: BOB, name: 'test', ...bound }), bob.connect({ peer: ALICE, name: 'test', ...bound })]);
};

/** The stream is gone. @returns its error, if it was destroyed with one */
async function closed(stream: Duplex): Promise<Error | null> {
  stream.on('error', () => {});
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
  return stream.errored;
}

/** Stops growing: what is accepted is the same at a hundred looks in a row. */
async function heldUp(what: string, accepted: () => number): Promise<number> {
  let [before, looks] = [-1, 0];
  await until(what, () => {
    looks = before === accepted() ? looks + 1 : 0;
    before = accepted();
    return looks > 100;
  });
  return before;
}

describe('a stream’s buffers', () => {
  it('hold no more than they were told to, at either end, and lose nothing for it', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob, 10_000);
    expect([a.writableHighWaterMark, a.readableHighWaterMark]).toEqual([10_000, 10_000]);
    // A reader that only looks: everything stays in the buffer that the high-water mark is for.
    let most = 0;
    b.on('readable', () => {
      most = Math.max(most, b.readableLength);
    });
    expect(a.write(Buffer.alloc(9999))).toBe(true);
    expect(a.write(Buffer.alloc(1))).toBe(false);
    await once(a, 'drain');
    const sent = write(a, 3_000_000);
    await until('its buffer is full', () => b.readableLength >= 10_000);
    await heldUp('the writer is held up', () => a.writableLength);
    expect(most).toBeLessThan(20_000);
    b.removeAllListeners('readable');
    const got = digestOf(b);
    expect((await sent).bytes + 10_000).toBe((await got).bytes);
    expect(a.writableLength).toBe(0);
  });

  it('cannot be told nonsense', async () => {
    const [alice] = await pair();
    for (const highWaterMark of [0, -1, 1.5, Number.NaN])
      await expect(alice.connect({ peer: BOB, name: 'test', highWaterMark })).rejects.toMatchObject({ code: 'ERR_HLNK_USAGE' });
  });
});

describe.each([['the one who opened it'], ['the other']])('half a stream ended by %s', (who) => {
  it('leaves the other half as it was', async () => {
    const [alice, bob] = await pair();
    const both = await streams(alice, bob);
    const [from, to] = who === 'the other' ? ([both[1], both[0]] as const) : both;
    const heard = digestOf(to);
    const sent = await write(from, 400_000);
    expect(await heard).toEqual(sent);
    await once(from, 'finish');
    // The ended side still listens, and hears the whole answer.
    expect(to.writable).toBe(true);
    expect(from.readableEnded).toBe(false);
    const answer = digestOf(from);
    const said = await write(to, 1_500_000);
    expect(await answer).toEqual(said);
    expect(await closed(to)).toBeNull();
    expect(await closed(from)).toBeNull();
  });
});

describe('a stream that is iterated over', () => {
  it('to its end, can still be answered; left early, is reset', async () => {
    const [alice, bob] = await pair();
    for (const early of [false, true]) {
      const [a, b] = await streams(alice, bob);
      const answered = digestOf(a).catch((error: Error) => error);
      const [here, there] = [closed(b), closed(a)];
      a.end(randomBytes(500_000));
      let bytes = 0;
      for await (const part of b) {
        bytes += (part as Buffer).length;
        if (early) break;
      }
      if (!early) {
        expect(bytes).toBe(500_000);
        const said = await write(b, 200_000);
        expect(await answered).toEqual(said);
      }
      expect(await here).toBeNull();
      if (early) expect(await there).toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
      else expect(await there).toBeNull();
    }
  });
});

describe('a stream that ends before its time', () => {
  it('destroyed with an error here, is destroyed with the words of it there', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    a.write('x');
    await once(b, 'data');
    const [here, there] = [closed(a), closed(b)];
    a.destroy(new Error('the disk is full'));
    expect(await here).toMatchObject({ message: 'the disk is full' });
    expect(await there).toMatchObject({
      code: 'ERR_HLNK_PEER_UNAVAILABLE',
      message: expect.stringContaining('the disk is full') as string,
    });
  });

  it.each([['direct'], ['webrtc'], ['relay']] as const)(
    'destroyed by a reader that never wrote, over %s, is reset at its writer',
    async (lane) => {
      const [alice, bob] = await pair({ lanes: [lane] });
      for (let round = 0; round < 4; round += 1) {
        const [a, b] = await streams(alice, bob);
        const ends = [closed(a), closed(b)];
        const writing = write(a, 400_000_000).catch((error: Error) => error);
        await once(b, 'data');
        b.destroy();
        expect(await Promise.all(ends)).toMatchObject([{ code: 'ERR_HLNK_PEER_UNAVAILABLE' }, null]);
        void writing;
      }
    },
  );

  it.each(
    (['direct', 'webrtc', 'relay'] as const).flatMap((lane) => (['the writer', 'the reader'] as const).map((who) => [who, lane] as const)),
  )('because %s stops in mid-transfer over %s, is closed here and reset there', async (who, lane) => {
    const [alice, bob] = await pair({ lanes: [lane] });
    const [a, b] = await streams(alice, bob);
    const writing = write(a, 400_000_000).catch((error: Error) => error);
    await once(b, 'data');
    const [stopping, stopped, other] = who === 'the writer' ? ([alice, a, b] as const) : ([bob, b, a] as const);
    other.resume();
    const [here, there] = [closed(stopped), closed(other)];
    await stopping.stop();
    expect(await here).toBeNull();
    expect(await there).toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
    expect([stopped.readableEnded, stopped.writableFinished, other.readableEnded, other.writableFinished]).not.toContain(true);
    // Its writer is told in either case: nobody waits for a drain that never comes.
    await until('the writer is told', () => a.destroyed);
    void writing;
  });

  it('by its signal, aborted while it opens, while it carries, and before it was asked for, is given up with a code', async () => {
    const [alice, bob] = await pair();
    const before = countedSignal();
    before.abort();
    const { signal } = before;
    for (const call of [
      alice.connect({ peer: BOB, name: 'test', signal }),
      alice.ping({ peer: BOB, signal }),
      alice.forward({ peer: BOB, name: 'test', listen: '127.0.0.1:0', signal }),
    ])
      await expect(call).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    const opening = countedSignal();
    const opened = alice.connect({ peer: BOB, name: 'test', signal: opening.signal });
    opening.abort();
    await expect(opened).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    expect(alice.status().channels).toEqual([]);
    const carrying = countedSignal();
    const [a, b] = await Promise.all([
      alice.connect({ peer: BOB, name: 'test', signal: carrying.signal }),
      bob.connect({ peer: ALICE, name: 'test' }),
    ]);
    a.write('x');
    await once(b, 'data');
    const [here, there] = [closed(a), closed(b)];
    carrying.abort();
    expect(await here).toBeNull();
    expect(await there).toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
  });
});

describe('an abort signal that outlives what it was given to', () => {
  it('is left as it was by streams, channels and data planes, however they end', async () => {
    const counted = countedSignal();
    const { signal } = counted;
    const [alice, bob] = await pair({ signal });
    const ofLinks = counted.listeners;
    expect(ofLinks).toBe(2);
    const [a, b] = await Promise.all([
      alice.connect({ peer: BOB, name: 'test', signal }),
      bob.connect({ peer: ALICE, name: 'test', signal }),
    ]);
    expect(counted.listeners).toBeGreaterThan(ofLinks);
    a.end();
    b.end();
    await Promise.all([finished(a.resume()), finished(b.resume())]);
    await Promise.all([closed(a), closed(b)]);
    const channel = await alice.forward({ peer: BOB, name: 'one', listen: '127.0.0.1:0', signal });
    const dialled = await alice.forward({ peer: BOB, name: 'two', dial: '127.0.0.1:9', signal });
    await expect(alice.forward({ peer: BOB, name: 'busy', listen: new URL(relay.url).host, signal })).rejects.toMatchObject({
      code: 'ERR_HLNK_PORT_BUSY',
    });
    await expect(alice.ping({ peer: 'nobody@example.com', timeoutMs: 5, signal })).rejects.toMatchObject({
      code: 'ERR_HLNK_PEER_UNAVAILABLE',
    });
    expect(counted.listeners).toBe(ofLinks + 2);
    await channel.close();
    await dialled[Symbol.asyncDispose]();
    expect(counted.listeners).toBe(ofLinks);
    // Left open, and ended with their data planes.
    await alice.forward({ peer: BOB, name: 'three', listen: '127.0.0.1:0', signal });
    await alice.connect({ peer: BOB, name: 'four', signal });
    await Promise.all(links.map((link) => link.stop()));
    expect(counted.listeners).toBe(0);
  });
});

describe('a stream as web streams', () => {
  it('carries both ways, byte for byte, and ends in peace', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    const [one, two] = [a.toWeb(), b.toWeb()];
    expect(() => a.toWeb()).toThrow(expect.objectContaining({ code: 'ERR_HLNK_USAGE' }) as Error);
    const echoing = two.readable.pipeTo(two.writable);
    const bytes = randomBytes(3_000_001);
    const writing = (async () => {
      const writer = one.writable.getWriter();
      for (let at = 0; at < bytes.length; at += 70_000) {
        await writer.ready;
        void writer.write(bytes.subarray(at, at + 70_000));
      }
      await writer.close();
    })();
    const parts: Uint8Array[] = [];
    for await (const part of one.readable) parts.push(part);
    await Promise.all([writing, echoing]);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await closed(a)).toBeNull();
    expect(await closed(b)).toBeNull();
  });

  it('holds its writer up when nobody reads, and asks for nothing that nobody wants', { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    const { writable } = a.toWeb();
    const { readable } = b.toWeb();
    const writer = writable.getWriter();
    let accepted = 0;
    const total = 40_000_000;
    const writing = (async () => {
      while (accepted < total) {
        await writer.ready;
        accepted += 500_000;
        void writer.write(Buffer.alloc(500_000, 7)).catch(() => {});
      }
      await writer.close();
    })();
    await until('something is accepted', () => accepted > 2_000_000);
    expect(await heldUp('the writer is held up', () => accepted)).toBeLessThan(16_000_000);
    expect(a.writableLength + b.readableLength).toBeLessThan(1_000_000);
    let got = 0;
    for await (const part of readable) got += part.length;
    await writing;
    expect(got).toBe(total);
  });

  it('errors with the code of what happened, and hands on an abort', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    const [one, two] = [a.toWeb(), b.toWeb()];
    const reader = two.readable.getReader();
    const writer = one.writable.getWriter();
    await writer.write(Buffer.from('x'));
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('x');
    await writer.abort(new Error('changed my mind'));
    await expect(reader.read()).rejects.toMatchObject({
      code: 'ERR_HLNK_PEER_UNAVAILABLE',
      message: expect.stringContaining('changed my mind') as string,
    });
    await expect(two.writable.getWriter().write(Buffer.from('y'))).rejects.toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
  });

  it('that is cancelled discards what still comes, while the other way goes on', async () => {
    const [alice, bob] = await pair();
    const [a, b] = await streams(alice, bob);
    const { readable, writable } = b.toWeb();
    await readable.cancel();
    const writer = writable.getWriter();
    await writer.write(Buffer.from('still here'));
    expect(String(((await once(a, 'data')) as [Buffer])[0])).toBe('still here');
    await write(a, 20_000_000);
    await once(a, 'finish');
    await writer.close();
    expect(await closed(b)).toBeNull();
  });
});

describe('the life of a data plane', () => {
  it('can be stopped twice, closed twice, started twice, and ends with the block that uses it', async () => {
    const [alice, bob] = await pair();
    expect(alice.start()).toBe(alice.start());
    {
      await using channel = await alice.forward({ peer: BOB, name: 'one', listen: '127.0.0.1:0' });
      await Promise.all([channel.close(), channel.close()]);
      await using a = await alice.connect({ peer: BOB, name: 'test' });
      const b = await bob.connect({ peer: ALICE, name: 'test' });
      a.write('x');
      await once(b, 'data');
      void closed(b);
    }
    expect(alice.status().channels).toEqual([]);
    await Promise.all([alice.stop(), alice.stop()]);
    await alice.stop();
    await expect(alice.connect({ peer: BOB, name: 'test' })).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    await expect(alice.start()).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    const unborn = make('unborn@example.com');
    await unborn.stop();
    await expect(unborn.start()).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
    await using other = await startRelay({ listen: '127.0.0.1:0' });
    await using third = createHotlink({ email: ALICE, server: other.url, threads: 1 });
    await third.start();
  });

  it('aborted or stopped while it starts, is stopped, and its start says so', async () => {
    for (const turns of [0, 1, 3, 10]) {
      const counted = countedSignal();
      const link = make(ALICE, { signal: counted.signal });
      const starting = link.start().then(
        () => 'started',
        (error: { code: string }) => error.code,
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      counted.abort();
      expect(['ERR_HLNK_CLOSED', 'started']).toContain(await starting);
      if (turns === 0) expect(await starting).toBe('ERR_HLNK_CLOSED');
      await link.stop();
      expect(counted.listeners).toBe(0);
    }
    const early = countedSignal();
    early.abort();
    await expect(make(ALICE, { signal: early.signal }).start()).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
  });

  it('can be stopped while a channel opens, which says so', async () => {
    const alice = make(ALICE);
    await alice.start();
    const opening = [alice.forward({ peer: BOB, name: 'one', listen: '127.0.0.1:0' }), alice.connect({ peer: BOB, name: 'two' })].map(
      (call) =>
        call.then(
          () => 'opened',
          ({ code }: { code: string }) => code,
        ),
    );
    await alice.stop();
    expect(await Promise.all(opening)).toEqual(['ERR_HLNK_CLOSED', 'ERR_HLNK_CLOSED']);
  });

  it('closes a forward that was started anew meanwhile', async () => {
    const [alice, bob] = await pair();
    const channel = await alice.forward({ peer: BOB, name: 'test', listen: '127.0.0.1:0' });
    const b = await bob.connect({ peer: ALICE, name: 'test' });
    b.on('error', () => {});
    const socket = connect(channel.address?.port ?? 0, '127.0.0.1').on('error', () => {});
    socket.write('x');
    await once(b, 'data');
    const socketClosed = new Promise((resolve) => socket.once('close', resolve));
    // Its peer stops with a stream open: the channel is started anew, and the handle is for that one as well.
    const anew = (async () => {
      for await (const { what } of alice.events()) if (what === 'channel removed') return;
    })();
    await bob.stop();
    await socketClosed;
    if (alice.status().channels[0]?.problem !== undefined || alice.status().channels.length === 0) await anew;
    await channel.close();
    expect(alice.status().channels).toEqual([]);
  });
});
