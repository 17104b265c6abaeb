// A wide-area link that is not there, between two hosts that are not there either: what goes in comes out, as late and as rarely as asked.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WanLink, wanLinkUnavailable } from '../../perf/wan-link.js';
import { absent } from '../support/absent.js';

const skip = absent('the wide-area link', wanLinkUnavailable());

/** Answers each datagram with itself. */
const ECHO = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (data, from) => socket.send(data, from.port, from.address));
socket.bind(7777, process.argv[1], () => console.log('bound'));
`;
/** Sends datagrams and prints how many came back and after which time the first one did, ms. */
const ASK = `
const socket = require('node:dgram').createSocket('udp4');
const [address, count] = [process.argv[1], Number(process.argv[2])];
let first, back = 0;
const started = performance.now();
const done = () => { console.log(JSON.stringify({ back, first })); process.exit(0); };
socket.on('message', () => { first ??= performance.now() - started; back += 1; if (back === count) done(); });
socket.bind(0, () => { for (let i = 0; i < count; i += 1) socket.send(Buffer.alloc(200, i), 7777, address); });
setTimeout(done, 1500);
`;

async function ask(link: WanLink, count: number): Promise<{ back: number; first: number }> {
  const echo = link.b.spawn(process.execPath, ['-e', ECHO, link.addressB], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => echo.stdout?.once('data', resolve));
  const asker = link.a.spawn(process.execPath, ['-e', ASK, link.addressB, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  asker.stdout?.on('data', (data) => {
    text += data;
  });
  await new Promise((resolve) => asker.once('close', resolve));
  return JSON.parse(text);
}

describe.skipIf(skip)('a wide-area link (needs root, cc and /dev/net/tun)', () => {
  it('delivers everything, after the delay', async () => {
    await using link = await WanLink.open({ delayMs: 20 });
    const { back, first } = await ask(link, 50);
    expect(back).toBe(50);
    expect(first).toBeGreaterThanOrEqual(40);
    const [out, home] = await link.close();
    expect(out).toMatchObject({ lost: 0, tailDropped: 0 });
    expect(Math.min(out.delivered, home.delivered)).toBeGreaterThanOrEqual(50);
  });

  it('loses what it is told to lose, and counts it', async () => {
    await using link = await WanLink.open({ delayMs: 1, lossPercent: 20 });
    const { back } = await ask(link, 200);
    const [out] = await link.close();
    expect(back).toBeLessThan(200);
    expect(out.lost).toBeGreaterThan(0);
    expect(out.delivered + out.lost).toBe(out.received);
  });

  it('leaves no namespace behind', async () => {
    const link = await WanLink.open();
    const names = [link.a.name, link.b.name];
    expect(readdirSync('/run/netns')).toEqual(expect.arrayContaining(names));
    await link.close();
    expect(readdirSync('/run/netns').filter((name) => names.includes(name))).toEqual([]);
  });
});
