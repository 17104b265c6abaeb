// What happens, told to whoever wants to know: by iteration, with a bound on what waits, and on diagnostics channels.
import diagnosticsChannel from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHotlink, type DiagnosticsMessages, type Hotlink, type HotlinkEvent } from '../../src/index.js';
import { type RelayServer, startRelay } from '../../src/relay/index.js';
import { ALICE, until } from '../support/sandbox.js';
import { countedSignal } from '../support/signals.js';

let relay: RelayServer;
let link: Hotlink;

beforeEach(async () => {
  relay = await startRelay({ listen: '127.0.0.1:0' });
  link = createHotlink({ email: ALICE, server: relay.url, threads: 1 });
});
afterEach(async () => {
  await link.stop();
  await relay.close();
});

describe('events by iteration', () => {
  it('come in order with their types, to each reader, and end when the data plane has stopped', async () => {
    const seen: HotlinkEvent[] = [];
    const reading = (async () => {
      for await (const event of link.events()) {
        seen.push(event);
        // Narrowed by its name: a wrong field would not compile.
        if (event.what === 'relay up') expect(event.fields.server).toBe(relay.url);
      }
    })();
    const other = link.events();
    await link.start();
    await link.forward({ peer: 'bob@example.com', name: 'x', listen: '127.0.0.1:0' });
    await until('the relay is up', () => link.status().relay.state === 'up');
    await link.stop();
    await reading;
    expect(seen.map(({ what }) => what)).toEqual(expect.arrayContaining(['relay up', 'channel added', 'listening']));
    expect(seen.map(({ id }) => id)).toEqual(seen.map((_, i) => i + 1));
    expect(await other.next()).toEqual({ done: false, value: seen[0] });
    // Begun after the end: nothing more comes.
    expect((await link.events().next()).done).toBe(true);
  });

  it('drop the oldest for a reader that is slow, who sees a gap in the ids, and keep the newest', async () => {
    const slow = link.events({ limit: 2 });
    await link.start();
    for (const name of ['a', 'b', 'c']) await link.forward({ peer: 'bob@example.com', name, listen: '127.0.0.1:0' });
    // Or its event may not come to pass.
    await until('the relay is up', () => link.status().relay.state === 'up');
    await link.stop();
    const kept: number[] = [];
    for await (const { id } of slow) kept.push(id);
    const all = link.status().events;
    expect(all.length).toBeGreaterThan(6);
    expect(kept).toEqual(all.slice(-2).map(({ id }) => id));
  });

  it('end without an error when the signal aborts or the loop is left, and the signal is let go', async () => {
    await link.start();
    const counted = countedSignal();
    const { signal } = counted;
    const left = link.events({ signal });
    expect(counted.listeners).toBe(1);
    await left.return?.();
    expect(counted.listeners).toBe(0);
    expect((await left.next()).done).toBe(true);
    const waiting = link.events({ signal });
    await until('nothing happens any more', () => link.status().relay.state === 'up');
    let ended = false;
    const reading = (async () => {
      for await (const { id } of waiting) expect(id).toBeGreaterThan(0);
      ended = true;
    })();
    expect(ended).toBe(false);
    counted.abort();
    await reading;
    expect(ended).toBe(true);
    expect((await link.events({ signal }).next()).done).toBe(true);
  });
});

const EACH: Readonly<Record<keyof DiagnosticsMessages, true>> = {
  'hotlink:start': true,
  'hotlink:stop': true,
  'hotlink:event': true,
  'hotlink:fatal': true,
};
const DIAGNOSTICS_CHANNELS = Object.keys(EACH);

describe('the diagnostics channels', () => {
  it('tell of start, events, what is fatal and stop, and hear nothing once nobody subscribes', async () => {
    const told: [string | symbol, object][] = [];
    const listener = (message: unknown, name: string | symbol): void => void told.push([name, message as object]);
    const names = DIAGNOSTICS_CHANNELS;
    for (const name of names) diagnosticsChannel.subscribe(name, listener);
    try {
      await link.start();
      await until('an event is told', () => told.some(([name]) => name === 'hotlink:event'));
      const other = createHotlink({ email: 'eve@example.com', server: relay.url, threads: 1 });
      await other.start();
      await other.stop();
      await link.stop();
    } finally {
      for (const name of names) diagnosticsChannel.unsubscribe(name, listener);
    }
    const mine = told.filter(([, message]) => (message as { email: string }).email === ALICE);
    expect(mine[0]?.[0]).toBe('hotlink:start');
    expect(mine.at(-1)?.[0]).toBe('hotlink:stop');
    const events = mine.filter(([name]) => name === 'hotlink:event').map(([, message]) => (message as { event: HotlinkEvent }).event);
    expect(events).toEqual(link.status().events);
    expect(told.some(([, message]) => (message as { email: string }).email === 'eve@example.com')).toBe(true);
    // Nobody listens now: a channel object says so itself, and nothing is built for it.
    expect(names.map((name) => diagnosticsChannel.channel(name).hasSubscribers)).toEqual(names.map(() => false));
    const before = told.length;
    const quiet = createHotlink({ email: ALICE, server: relay.url, threads: 1 });
    await quiet.start();
    await quiet.stop();
    expect(told).toHaveLength(before);
  });

  it('are the ones that the documentation lists', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/library.md'), 'utf8');
    for (const name of DIAGNOSTICS_CHANNELS) expect(text).toContain(`\`${name}\``);
  });
});

describe('the names of events', () => {
  it('are all used by the program', () => {
    const root = join(import.meta.dirname, '../../../src');
    const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && file !== 'events.ts');
    const code = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
    const table = readFileSync(join(root, 'events.ts'), 'utf8').split('HotlinkEventFields = {')[1]?.split('>;')[0] ?? '';
    const alone = [...table.matchAll(/^ {2}'?([a-z][a-z -]*)'?: /gm)].map(([, name]) => name as string);
    const alike = [...table.matchAll(/Record<\s*((?:'[a-z -]+'(?: \| )?)+),/g)].flatMap(([, some = '']) =>
      some.replaceAll("'", '').split(' | '),
    );
    const names = [...alone, ...alike];
    expect(names.length).toBeGreaterThan(50);
    const unused = names.filter((name) => !code.includes(`'${name}'`) && !code.includes(`\`${name.split(' ').slice(0, -1).join(' ')} \${`));
    expect(unused).toEqual([]);
  });
});
