// A channel's thread dies under it: its sessions end at once on both sides, and the channel starts again. The relay's thread dies: that is fatal, and no stop
// waits for it.
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createHotlink, type HotlinkError } from '../../src/index.js';
import { ALICE, dial, type Party, Sandbox, until } from '../support/sandbox.js';

/** Threads of this process, in the order they were started. */
const workers: Worker[] = [];
const noted = (worker: Worker): unknown => workers.push(worker);

let sandbox: Sandbox | undefined;
afterEach(async () => {
  process.off('worker', noted);
  workers.length = 0;
  await sandbox?.close();
});

const seen = ({ events }: Party, what: string): Record<string, unknown>[] =>
  events.filter((event) => event.what === what).map(({ fields }) => fields);

describe('the thread of a channel dies', () => {
  it('its peer hears of it at once, and the channel works again', async () => {
    process.on('worker', noted);
    sandbox = await Sandbox.open();
    // Without the addon, or ending its thread would end the process.
    const [alice, bob] = await sandbox.pair({ lanes: ['relay'] });
    const [, thread] = workers;
    const near = await dial(alice.port);
    const far = await dial(bob.port);
    near.write('one');
    expect(String((await once(far, 'data'))[0])).toBe('one');
    far.write('two');
    expect(String((await once(near, 'data'))[0])).toBe('two');
    const opened = seen(bob, 'session accepted').find(({ direction }) => direction === 'in');
    expect(opened).toBeDefined();

    await (thread as Worker).terminate();
    await until('it is noticed', () => seen(alice, 'channel worker died').length === 1);
    await until('the peer was told', () => seen(bob, 'session ended').some(({ sid }) => sid === opened?.['sid']));
    const ended = seen(bob, 'session ended').find(({ sid }) => sid === opened?.['sid']);
    expect(ended?.['reason']).toBe('restarted');

    await until('it listens again', () => alice.link.status().channels.some(({ listening }) => listening));
    const nearAgain = await dial(alice.port);
    nearAgain.write('three');
    // The near one's socket died with the thread.
    near.destroy();
    await until('the far application is cut off', () => far.closed);
    expect(far.readableEnded).toBe(false);
    const farAgain = await dial(bob.port);
    expect(String((await once(farAgain, 'data'))[0])).toBe('three');
  });
});

describe('the thread of the relay dies', () => {
  it('that is told as fatal, and the data plane can be stopped', async () => {
    process.on('worker', noted);
    sandbox = await Sandbox.open();
    const link = createHotlink({ email: ALICE, server: sandbox.relay.url });
    const fatal = new Promise<HotlinkError>((resolve) => link.on('fatal', resolve));
    await link.start();
    await until('its thread is known', () => workers.length > 0);
    await workers[0]?.terminate();
    expect(await fatal).toMatchObject({ code: 'ERR_HLNK_WORKER' });
    await link.stop();
    await expect(link.start()).rejects.toMatchObject({ code: 'ERR_HLNK_CLOSED' });
  });
});
