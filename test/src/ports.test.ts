// What an embedding program supplies in place of what hotlink brings along: log, clock, address filter, ICE servers, worker modules. Each with a
// real transfer beside it.
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHotlink, type Hotlink, type HotlinkOptions } from '../../src/index.js';
import type { AddressUse, IceServersFor } from '../../src/options.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { JumpingClock } from '../support/jumping-clock.js';
import { ALICE, BOB, until } from '../support/sandbox.js';
import { digestOf, write } from '../support/streams.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let relay: RelayServer;
let folder: string;
const links: Hotlink[] = [];

beforeEach(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
  folder = mkdtempSync(join(tmpdir(), 'hotlink-test-'));
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
  await relay.close();
  rmSync(folder, { recursive: true });
});

async function pair(options: Partial<HotlinkOptions>, bobs: Partial<HotlinkOptions> = options): Promise<[alice: Hotlink, bob: Hotlink]> {
  const both = (
    [
      [ALICE, options],
      [BOB, bobs],
    ] as const
  ).map(([email, own]) => createHotlink({ email, server: relay.url, threads: 1, ...own })) as [Hotlink, Hotlink];
  links.push(...both);
  await Promise.all(both.map((link) => link.start()));
  return both;
}

/** One stream, both ways, byte for byte. @returns the lane that carried the last of it */
async function exchange(alice: Hotlink, bob: Hotlink, bytes = 2_000_000): Promise<string | undefined> {
  const [a, b] = await Promise.all([alice.connect({ peer: BOB, name: 'test' }), bob.connect({ peer: ALICE, name: 'test' })]);
  const [gotByA, gotByB, sentByA, sentByB] = await Promise.all([digestOf(a), digestOf(b), write(a, bytes), write(b, bytes)]);
  const lane = alice.status().events.findLast(({ what, fields }) => what === 'lane' && fields['lane'] !== undefined);
  expect([gotByA, gotByB]).toEqual([sentByB, sentByA]);
  const open = (link: Hotlink): boolean => link.status().channels.some(({ name }) => name === 'test');
  await until('the channel is gone', () => !open(alice) && !open(bob));
  return lane?.fields['lane'] as string | undefined;
}

type IceServersRequest = Parameters<IceServersFor>[0];

describe('a log', () => {
  it('hears what happens at its level, and everything that status has among the events', async () => {
    const lines: { level: string; fields: object; message: string }[] = [];
    const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
    const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    const [alice, bob] = await pair({ log }, {});
    await exchange(alice, bob);
    const said = lines.filter(({ level }) => level !== 'debug').map(({ message, fields }) => ({ message, fields }));
    expect(said).toEqual(alice.status().events.map(({ what, fields }) => ({ message: what, fields })));
    expect(lines.some(({ level, message }) => level === 'debug' && message === 'signal in')).toBe(true);
  });
});

describe('a clock', () => {
  it('is what stamps and patience go by, and nothing of it is left behind', async () => {
    const year2100 = Date.UTC(2100, 0, 1);
    const clock = new JumpingClock(year2100);
    const [alice, bob] = await pair({ clock }, {});
    await exchange(alice, bob);
    const { startedMs, nowMs, relay: state, events } = alice.status();
    for (const stamp of [startedMs, nowMs, state.since, ...events.map(({ atMs }) => atMs)]) expect(stamp).toBeGreaterThanOrEqual(year2100);
    const asked = alice.ping({ peer: 'nobody@example.com', timeoutMs: 3_600_000 });
    asked.catch(() => {});
    await until('it waits', () => alice.status().channels.length === 1);
    clock.jump(3_600_000);
    await expect(asked).rejects.toMatchObject({ code: 'ERR_HLNK_PEER_UNAVAILABLE' });
    expect(alice.status().nowMs).toBeGreaterThan(year2100 + 3_600_000);
    // After the hour it works as before.
    await exchange(alice, bob);
    await alice.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('an address filter', () => {
  it('is asked about every address, ours and theirs, of both lanes', async () => {
    const uses: AddressUse[] = [];
    const addressFilter = (use: AddressUse): boolean => {
      uses.push(use);
      return true;
    };
    const [alice, bob] = await pair({ addressFilter }, {});
    // Open until both lanes are: the exchange alone may be over on the first.
    await Promise.all([alice.connect({ peer: BOB, name: 'held' }), bob.connect({ peer: ALICE, name: 'held' })]).then(([held]) =>
      held.write('x'),
    );
    await exchange(alice, bob);
    const kinds = (): Set<string> => new Set(uses.map(({ lane, side, kind, peer }) => `${lane} ${side} ${kind} ${peer}`));
    const all = ['direct', 'webrtc'].flatMap((lane) => ['local', 'remote'].map((side) => `${lane} ${side} host ${BOB}`));
    await until('it was asked about all', () => all.every((one) => kinds().has(one)));
    expect(uses.every(({ address }) => /^[0-9a-f.:]+$/.test(address))).toBe(true);
  });

  it.each([
    ['remote', 'direct', 'webrtc'],
    ['local', 'direct', 'webrtc'],
    ['remote', 'webrtc', 'direct'],
  ] as const)('that refuses %s addresses of the %s lane leaves the %s lane', async (side, lane, left) => {
    const addressFilter = (use: AddressUse): boolean => use.side !== side || use.lane !== lane;
    const [alice, bob] = await pair({ addressFilter, lanes: ['direct', 'webrtc'] });
    expect(await exchange(alice, bob)).toBe(left);
    const opened = [alice, bob].flatMap((link) => link.status().events.filter(({ what }) => what === `${lane} open`));
    expect(opened).toEqual([]);
  });

  it('that fails refuses, and says so', async () => {
    const addressFilter = (): boolean => {
      throw new Error('no such table');
    };
    const [alice, bob] = await pair({ addressFilter });
    expect(await exchange(alice, bob)).toBe('relay');
    expect(alice.status().events).toContainEqual(
      expect.objectContaining({
        what: 'address filter failed',
        fields: { address: expect.any(String) as string, reason: 'no such table' },
      }),
    );
  });
});

describe('a function that names ICE servers', () => {
  const webrtc = { lanes: ['webrtc'] } as const;
  const leftOut = (link: Hotlink): unknown[] =>
    link.status().events.flatMap(({ what, fields }) => (what === 'ice server left out' ? [fields['reason']] : []));

  it('is asked for each connection, may take its time, and its answer is used', async () => {
    const asked: IceServersRequest[] = [];
    const iceServers = async (request: IceServersRequest) => {
      asked.push(request);
      await new Promise((resolve) => setImmediate(resolve));
      return { urls: [`stun:${new URL(relay.url).host}`, 'turn:127.0.0.1:9'] };
    };
    const [alice, bob] = await pair({ ...webrtc, iceServers });
    expect(await exchange(alice, bob)).toBe('webrtc');
    const first = asked.length;
    // Both sides of both sessions, each with a peer connection.
    expect(first).toBeGreaterThanOrEqual(2);
    expect(new Set(asked.map(({ peer }) => peer))).toEqual(new Set([ALICE, BOB]));
    expect(asked.some(({ signal }) => signal.aborted)).toBe(false);
    expect(leftOut(alice)).toContain('TURN server "turn:127.0.0.1:9" has no credentials; left out');
    await exchange(alice, bob);
    expect(asked.length).toBeGreaterThan(first);
  });

  it('that fails costs the servers, not the connection', async () => {
    const [alice, bob] = await pair({ ...webrtc, iceServers: () => Promise.reject(new Error('HTTP 500')) });
    expect(await exchange(alice, bob)).toBe('webrtc');
    expect(leftOut(alice)).toContain(`the program could not name ICE servers for ${BOB}: HTTP 500; none is used`);
  });

  it('that never answers is given up after five seconds, and when nobody waits any more', async () => {
    const asked: IceServersRequest[] = [];
    const iceServers = (request: IceServersRequest): Promise<never> => {
      asked.push(request);
      return new Promise(() => {});
    };
    const clock = new JumpingClock(Date.now());
    const [alice, bob] = await pair({ ...webrtc, iceServers, clock }, webrtc);
    const both = Promise.all([alice.connect({ peer: BOB, name: 'test' }), bob.connect({ peer: ALICE, name: 'test' })]);
    const [a, b] = await both;
    const sent = write(a, 500_000);
    const got = digestOf(b);
    await until('it is asked', () => asked.length > 0);
    clock.jump(5001);
    expect(await got).toEqual(await sent);
    expect(asked[0]?.signal.aborted).toBe(true);
    a.resume();
    b.end();
    await until('the channel is gone', () => [alice, bob].every((link) => link.status().channels.length === 0));
    const before = asked.length;
    const again = await Promise.all([alice.connect({ peer: BOB, name: 'test' }), bob.connect({ peer: ALICE, name: 'test' })]);
    for (const stream of again) stream.on('error', () => {}).write('x');
    await until('it is asked again', () => asked.length > before);
    expect(asked.at(-1)?.signal.aborted).toBe(false);
    await alice.stop();
    expect(asked.every(({ signal }) => signal.aborted)).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('worker modules that lie elsewhere', () => {
  it('are what the threads begin with', async () => {
    const wrapper = (role: 'channel' | 'relay'): URL => {
      const file = join(folder, `${role}.mjs`);
      const entry = pathToFileURL(join(root, `dist/workers/${role}/entry.js`)).href;
      const mark = JSON.stringify(join(folder, `${role}.ran`));
      const again = role === 'channel' ? `export { default } from '${entry}';` : `import '${entry}';`;
      writeFileSync(file, `import { writeFileSync } from 'node:fs';\n${again}\nwriteFileSync(${mark}, '');\n`);
      return pathToFileURL(file);
    };
    const [alice, bob] = await pair({ workers: { channel: wrapper('channel'), relay: wrapper('relay') } }, {});
    await exchange(alice, bob);
    expect(['channel', 'relay'].map((role) => existsSync(join(folder, `${role}.ran`)))).toEqual([true, true]);
  });

  it('may be bundles, and the program another one', { timeout: 60_000 }, async () => {
    const { rolldown } = await import('rolldown');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const inputs = { hotlink: 'src/index.js', channel: 'workers/channel/entry.js', relay: 'workers/relay/entry.js' };
    for (const [name, input] of Object.entries(inputs)) {
      // What loads files of its own by where it lies stays a package.
      const bundle = await rolldown({
        input: join(root, 'dist', input),
        platform: 'node',
        external: /^(piscina|node-datachannel|koffi|@opentelemetry\/api)$/,
      });
      await bundle.write({ file: join(folder, `${name}.mjs`), format: 'esm', codeSplitting: false });
      await bundle.close();
    }
    const bundled = (await import(pathToFileURL(join(folder, 'hotlink.mjs')).href)) as { createHotlink: typeof createHotlink };
    const workers = { channel: pathToFileURL(join(folder, 'channel.mjs')), relay: pathToFileURL(join(folder, 'relay.mjs')) };
    const both = [ALICE, BOB].map((email) => bundled.createHotlink({ email, server: relay.url, threads: 1, workers, lanes: ['webrtc'] }));
    links.push(...both);
    await Promise.all(both.map((link) => link.start()));
    expect(await exchange(...(both as [Hotlink, Hotlink]))).toBe('webrtc');
  });
});
