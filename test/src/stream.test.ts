// Whole streams between two data planes in this process: what an application on either end sees.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { dial, Sandbox, transfer, until } from '../support/sandbox.js';

let sandbox: Sandbox;
afterEach(async () => sandbox.close());

describe('a stream over WebRTC', () => {
  it('arrives byte for byte, and the end of it too', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const [from, to] = [await dial(alice.port), await dial(bob.port)];
    const result = await transfer(from, to, 20_000_000);
    expect(result.received).toBe(result.sent);
    const { counters, sessions } = alice.link.status().channels[0]!;
    expect(counters.txWsPackets).toBe(0);
    expect(sessions[0]).toMatchObject({ webrtc: 'connected', lane: 'webrtc', client: 'hotlink', mtu: 4096 });
    to.end();
    await once(from, 'close');
  });

  it.each([
    ['the side that opened the session', 3_000_000, 9_000_000],
    ['the other side', 9_000_000, 3_000_000],
  ])('runs both ways at once, and %s may end first', async (_who, thereBytes, backBytes) => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    a.write('x');
    await once(b, 'data');
    const [there, back] = await Promise.all([transfer(a, b, thereBytes), transfer(b, a, backBytes)]);
    expect(there.received).toBe(there.sent);
    expect(back.received).toBe(back.sent);
  });

  it('goes on exactly while its peer connections are closed and made again, over and over', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const both = Promise.all([transfer(a, b, 300_000_000), transfer(b, a, 300_000_000)]);
    for (let round = 0; round < 4; round += 1) {
      const seen = bob.events.length + alice.events.length;
      (round % 2 === 0 ? alice : bob).link.renegotiate();
      const isNew = ({ what }: { what: string }): boolean => what === 'webrtc open';
      await until(
        'a new data channel is open',
        () => [...alice.events, ...bob.events].length > seen && [...alice.events, ...bob.events].filter(isNew).length >= 2 + 2 * round,
      );
    }
    const [there, back] = await both;
    expect(there.received).toBe(there.sent);
    expect(back.received).toBe(back.sent);
  });

  it('starts clean for the next connection on the same port', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    for (let round = 0; round < 5; round += 1) {
      const [a, b] = [await dial(alice.port), await dial(bob.port)];
      const result = await transfer(a, b, 100_000 + round);
      expect(result.received).toBe(result.sent);
      b.end();
      await once(a, 'end');
    }
  });

  it('is not disturbed by connections that never send a byte', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const probe = async (): Promise<void> => {
      (await dial(alice.port)).destroy();
      (await dial(bob.port)).destroy();
    };
    for (let i = 0; i < 10; i += 1) await probe();
    const from = await dial(alice.port);
    // The bytes are there before the receiving application is: a probe of that port must not swallow them.
    from.write(Buffer.alloc(70_000, 1));
    await until('the session is up', () => alice.link.status().channels[0]!.sessions.some((session) => session.lane !== undefined));
    for (let i = 0; i < 10; i += 1) await probe();
    const to = await dial(bob.port);
    const result = await transfer(from, to, 5_000_000);
    expect(result.receivedBytes).toBe(5_000_000 + 70_000);
    expect(bob.link.status().channels[0]!.counters.connections).toBe(1);
  });

  it('holds what was sent until the far application is there', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const from = await dial(alice.port);
    from.end('first words');
    await until('they arrived', () => bob.link.status().channels[0]!.counters.rxBytes === 11);
    const to = await dial(bob.port);
    const [data] = (await once(to, 'data')) as [Buffer];
    expect(data.toString()).toBe('first words');
  });

  it('is a reset on the far side when the application resets', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    a.write('hello');
    await once(b, 'data');
    const gone = once(b, 'error');
    a.resetAndDestroy();
    const [error] = (await gone) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });
});

describe('a stream to a hotlink that is not recognised as one', () => {
  it.each([
    ['by either side', { ownPeers: false }, { ownPeers: false }],
    ['since one side wants it so', { ownPeers: false }, {}],
    ['since the other side wants it so', {}, { ownPeers: false }],
  ])('is carried as toward an upstream peer, %s: exactly, and nothing is acknowledged', async (_why, options, bobOptions) => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair(options, bobOptions);
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    const bytes = randomBytes(8_000_000);
    const received: Buffer[] = [];
    let receivedBytes = 0;
    b.on('data', (data: Buffer) => {
      received.push(data);
      receivedBytes += data.length;
    });
    a.write(bytes);
    await until('all of it arrived', () => receivedBytes >= bytes.length);
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    for (const { link } of [alice, bob]) {
      const { counters, sessions } = link.status().channels[0]!;
      expect(counters).toMatchObject({ acksSent: 0, acksReceived: 0, pings: 0, txWsPackets: 0 });
      // Which machine it is on is told all the same.
      for (const session of sessions) expect(session).toMatchObject({ client: 'unknown', webrtc: 'connected', mtu: 4096 });
    }
  });
});

describe('a stream over the relay', () => {
  it('arrives byte for byte when no other lane is allowed', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ lanes: ['relay'] });
    const result = await transfer(await dial(alice.port), await dial(bob.port), 20_000_000);
    expect(result.received).toBe(result.sent);
    const { counters } = alice.link.status().channels[0]!;
    expect(counters.txP2pPackets).toBe(0);
    expect(counters.txWsPackets).toBeGreaterThan(0);
  });

  it('carries what WebRTC was refused, and says so', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({}, { lanes: ['relay'] });
    const result = await transfer(await dial(alice.port), await dial(bob.port), 5_000_000);
    expect(result.received).toBe(result.sent);
    const channel = alice.link.status().channels[0]!;
    expect(channel.counters.wsFallbacks).toBe(1);
    expect(channel.sessions[0]?.laneReason).toContain('switched off');
  });
});

describe('strict mode', () => {
  it('names session, path and sequence number within seconds when WebRTC is refused, and lets no byte through', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair({ strict: true, p2pOnly: true }, { lanes: ['relay'] });
    const [a, b] = [await dial(alice.port), await dial(bob.port)];
    let leaked = 0;
    b.on('data', (data: Buffer) => {
      leaked += data.length;
    });
    const gone = once(a, 'error');
    a.write('must not arrive');
    await until('the violation is reported', () => alice.fatal.length > 0);
    expect(alice.fatal[0]).toMatchObject({ code: 'ERR_HLNK_STRICT' });
    const sid = alice.link.status().channels[0]!.sessions[0]?.sid ?? 'no session';
    expect(alice.fatal[0]?.message).toContain(`session ${sid}`);
    expect(alice.fatal[0]?.message).toContain('0_to_1/stream.tcp.request');
    expect(alice.fatal[0]?.message).toContain('sequence number 1');
    await gone;
    expect(leaked).toBe(0);
    expect(alice.link.status().totals.strictViolations).toBe(1);
  });
});

describe('the main thread', () => {
  it('can be blocked for two seconds in the middle of a burst without stopping the bytes', async () => {
    sandbox = await Sandbox.open();
    const [alice, bob] = await sandbox.pair();
    // The applications must not live on the blocked thread, or it would be they who stop.
    const { Worker } = await import('node:worker_threads');
    const applications = new Worker(new URL('../support/echo-free-burst.js', import.meta.url), {
      workerData: { from: alice.port, to: bob.port },
    });
    const counts = new Int32Array(new SharedArrayBuffer(8));
    applications.postMessage(counts.buffer);
    await until('bytes flow', () => Atomics.load(counts, 0) > 8);
    const before = Atomics.load(counts, 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    const during = Atomics.load(counts, 0) - before;
    Atomics.store(counts, 1, 1);
    await once(applications, 'exit');
    // In MiB. A stopped pipe would deliver at most what its buffers held.
    expect(during).toBeGreaterThan(40);
  });
});
