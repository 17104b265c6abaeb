// The dashboard in a real browser, on a daemon that really carries something: what a person sees of a transfer, of another lane, of a
// daemon that is gone; on a phone, in the dark, and from the keyboard. HOTLINK_SCREENSHOTS=DIR keeps pictures.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AdminServer, adminListen, startAdmin } from '../../src/admin/index.js';
import type { LaneKind } from '../../src/index.js';
import { absent } from '../support/absent.js';
import { type Complaints, chromiumPath, complaintsOf, launchBrowser } from '../support/browser.js';
import { put } from '../support/ipc-app.js';
import { ALICE, BOB, dial, freePort, type Party, Sandbox, until } from '../support/sandbox.js';

const ALL = { lanes: ['direct', 'webrtc', 'relay'] } as const;
const WIDE = { width: 1180, height: 900 };
const PHONE = { width: 390, height: 844 };
const CARD = '[data-channel="0_to_1"]';

let browser: Browser;
let sandbox: Sandbox;
let alice: Party;
let bob: Party;
let admin: AdminServer;
let flow: Flow | undefined;
let others: Flow[] = [];

const skip = absent('the dashboard', chromiumPath() === undefined ? 'chromium is not installed' : undefined);

/** A transfer that goes on, at about 4 MiB/s out and a quarter of that in. */
class Flow {
  readonly #ends: Socket[];
  readonly #timer: NodeJS.Timeout;

  constructor(ends: Socket[]) {
    this.#ends = ends;
    const [a, b] = ends as [Socket, Socket];
    for (const end of ends) end.on('error', () => {}).resume();
    const piece = Buffer.alloc(212_000, 7);
    this.#timer = setInterval(() => {
      const share = 0.6 + 0.4 * Math.sin(performance.now() / 2500);
      if (a.writable) a.write(piece.subarray(0, Math.round(piece.length * share)));
      if (b.writable) b.write(piece.subarray(0, 50_000));
    }, 50);
  }

  static async start(from: Party, to: Party): Promise<Flow> {
    // A channel whose peer left begins anew, its port with it.
    await until('both ports are open', () => [from, to].every(listens));
    const ends = [await dial(from.port), await dial(to.port)] as const;
    ends[0].write('x');
    await once(ends[1], 'data');
    return new Flow([...ends]);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const end of this.#ends) end.destroy();
  }
}

const listens = ({ link, port }: Party): boolean => link.status().channels.some((channel) => channel.port === port && channel.listening);
const laneOf = ({ link }: Party): LaneKind | undefined => link.status().channels[0]?.lane;

async function startEndpoint(setting = '127.0.0.1:0'): Promise<AdminServer> {
  const dataDir = sandbox.dataDir(ALICE);
  const listen = adminListen(setting, dataDir);
  if (listen === undefined) throw new Error('off');
  return startAdmin({ listen, link: alice.link, dataDir, email: ALICE, verb: 'up', version: '0.1.0' });
}

async function look(options: BrowserContextOptions): Promise<{ page: Page; complaints: Complaints }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const { url, token } = admin.address;
  const complaints = complaintsOf(page, url as string);
  await page.goto(`${url}/#token=${token}`);
  await page.locator(CARD).waitFor();
  return { page, complaints };
}

/** Another peer, who has nothing but the relay: what a page looks like that has something to say. */
async function addCarol(): Promise<void> {
  const carol = 'carol@example.com';
  const ports = { [ALICE]: await freePort(), [carol]: await freePort() };
  await sandbox.writeMarker(ALICE, carol, '0_to_2', ports);
  const marker = await sandbox.writeMarker(carol, ALICE, '2_to_0', ports);
  const party = await sandbox.start(carol, ports[carol] as number, marker, { lanes: ['relay'] });
  others.push(await Flow.start({ ...alice, port: ports[ALICE] as number }, party));
}

async function keep(page: Page, name: string): Promise<void> {
  const folder = process.env['HOTLINK_SCREENSHOTS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  // A picture wants something in its plots.
  const began = performance.now();
  await until('there is something to see', () => performance.now() - began > 45_000, 50_000);
  await page.screenshot({ path: join(folder, `dashboard-${name}.png`) });
}

/** Looks again until it holds. */
const eventually = <T>(look: () => T): ReturnType<typeof expect.poll> => expect.poll(look, { timeout: 15_000 });

/** Whole of what is in the page's live regions and cards, as a person would read it. */
const cardText = (page: Page): Promise<string> => page.locator(CARD).innerText();

beforeAll(async () => {
  if (!skip) browser = await launchBrowser();
});
afterAll(async () => {
  if (!skip) await browser.close();
});
beforeEach(async () => {
  if (skip) return;
  sandbox = await Sandbox.open();
  [alice, bob] = await sandbox.pair(ALL);
  admin = await startEndpoint();
});
afterEach(async () => {
  if (skip) return;
  for (const one of [flow, ...others]) one?.stop();
  flow = undefined;
  others = [];
  for (const context of browser.contexts()) await context.close();
  await admin.close();
  await sandbox.close();
});

describe.skipIf(skip)('the dashboard', () => {
  it('loads nothing but itself, and shows a live transfer without a word on the console', { timeout: 60_000 }, async () => {
    flow = await Flow.start(alice, bob);
    await until('direct carries', () => laneOf(alice) === 'direct');
    const { page, complaints } = await look({ viewport: WIDE });
    expect(page.url()).not.toContain('token');
    expect(await page.title()).toMatch(/^(\(\d+\) )?alice@example\.com · hotlink$/);
    const card = page.locator(CARD);
    await card
      .locator('.speed')
      .filter({ hasText: /out [\d.]+ MiB\/s · in [\d.]+ [KM]iB\/s · round trip [\d.]+ m?s/ })
      .waitFor();
    expect(await card.locator('.lane').innerText()).toBe('direct');
    const text = await cardText(page);
    for (const words of [BOB, `listens on 127.0.0.1:${alice.port} (rendezvous)`, 'webrtc', 'relay']) expect(text).toContain(words);
    await eventually(() => page.locator('#relay-state').innerText()).toBe('relay up');
    expect(await page.locator('#threads tr').count()).toBe(3);
    expect(await page.locator('#happenings').innerText()).toContain('direct open');
    // Both plots have drawn something in the colours of their lines.
    await eventually(() => inkOf(page, `${CARD} .plots figure:nth-child(1) canvas`)).toBeGreaterThan(100);
    await eventually(() => inkOf(page, `${CARD} .plots figure:nth-child(2) canvas`)).toBeGreaterThan(50);
    expect(await page.locator(`${CARD} .plot`).first().getAttribute('aria-label')).toMatch(/now out [\d.]+ MiB\/s, in [\d.]+ [KM]iB\/s/);
    expect(complaints.all).toEqual([]);
  });

  it('follows a lane switch with the daemon’s next words, and says it to those who do not see it', { timeout: 60_000 }, async () => {
    flow = await Flow.start(alice, bob);
    await until('direct carries', () => laneOf(alice) === 'direct');
    const { page, complaints } = await look({ viewport: WIDE });
    const lane = page.locator(`${CARD} .lane`);
    await eventually(() => lane.innerText()).toBe('direct');
    flow.stop();
    await bob.link.stop();
    bob = await sandbox.start(BOB, bob.port, bob.markerDir, { lanes: ['webrtc', 'relay'] });
    flow = await Flow.start(alice, bob);
    await until('WebRTC carries', () => laneOf(alice) === 'webrtc');
    const switched = performance.now();
    await lane.filter({ hasText: /^webrtc$/ }).waitFor();
    // Two seconds, but for a machine on which a browser has little to say.
    expect(performance.now() - switched).toBeLessThan(10_000);
    expect(await page.locator('#announcer').innerText()).toContain(`0_to_1 with ${BOB} is carried by webrtc now.`);
    await eventually(() => page.locator('#happenings').innerText()).toContain('webrtc open');
    expect(complaints.all).toEqual([]);
  });

  it.each([
    ['light', WIDE, 'light'],
    ['dark', WIDE, 'dark'],
    ['narrow', PHONE, 'dark'],
  ] as const)('is readable: %s', { timeout: 120_000 }, async (name, viewport, colorScheme) => {
    flow = await Flow.start(alice, bob);
    await addCarol();
    await until('direct carries', () => laneOf(alice) === 'direct');
    const { page, complaints } = await look({ viewport, colorScheme, isMobile: viewport === PHONE, hasTouch: viewport === PHONE });
    await page
      .locator('[data-channel="0_to_2"] .lane')
      .filter({ hasText: /^relay$/ })
      .waitFor();
    await eventually(() => inkOf(page, `${CARD} .plots canvas`)).toBeGreaterThan(100);
    await keep(page, name);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
    expect(await page.evaluate(FAINT_TEXT)).toEqual([]);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(Number(/\d+/.exec(String(ground))?.[0]) < 64).toBe(colorScheme === 'dark');
    expect(complaints.all).toEqual([]);
  });

  it('can be walked through with the keyboard, and its parts have names', { timeout: 60_000 }, async () => {
    const { page } = await look({ viewport: WIDE });
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent.trim().slice(0, 24)');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the channels');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toMatch(/^0_to_1/);
    const open = (): Promise<boolean> => page.evaluate(`document.querySelector('${CARD}').open`);
    expect(await open()).toBe(true);
    await page.keyboard.press('Enter');
    await eventually(open).toBe(false);
    await page.keyboard.press('Space');
    await eventually(open).toBe(true);
    // The next report must not take the focus away.
    const about = await page.locator('#about').innerText();
    await eventually(() => page.locator('#about').innerText()).not.toBe(about);
    expect(await focused()).toMatch(/^0_to_1/);
    for (const role of ['banner', 'main', 'contentinfo'] as const) expect(await page.getByRole(role).count()).toBe(1);
    for (const name of ['Now', 'What stands in the way', 'Channels', 'What happened lately'])
      expect(await page.getByRole('region', { name, exact: true }).count()).toBe(1);
    expect(await page.getByRole('region', { name: 'Local IPC' }).count()).toBe(0);
    put(sandbox, ALICE, `${ALICE}/app_data/rpc`, 'stream.sock');
    await eventually(() => page.locator('#ipc tr').innerText()).toMatch(/app_data\/rpc\s.*hotlink.*\.sock\s+not given\s+away/);
    const filter = page.getByRole('searchbox', { name: 'Only with' });
    await filter.fill('relay up');
    await eventually(() => page.locator('#happenings li').count()).toBe(1);
    await filter.fill('no such thing');
    await eventually(() => page.locator('#no-happenings').innerText()).toBe('Nothing that contains these words.');
  });

  it('says when the daemon is gone, and goes on when it is back', { timeout: 60_000 }, async () => {
    const { page } = await look({ viewport: WIDE });
    const { port } = new URL(admin.address.url as string);
    await admin.close();
    const banner = page.locator('#connection');
    await banner.filter({ hasText: /^No word from the daemon for/ }).waitFor();
    // Another life of it has another token: only its own URL helps.
    admin = await startEndpoint(`127.0.0.1:${port}`);
    await banner.filter({ hasText: 'hotlink dashboard' }).waitFor();
    await page.goto('about:blank');
    await page.goto(`${admin.address.url}/#token=${admin.address.token}`);
    await page.locator(CARD).waitFor();
    await eventually(() => banner.isHidden()).toBe(true);
  });
});

/** Pixels of a canvas that are neither clear nor grey. */
function inkOf(page: Page, selector: string): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)});
    if (canvas === null) return 0;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [r, g, b, alpha] = data.slice(at, at + 4);
      if (alpha > 128 && Math.max(r, g, b) - Math.min(r, g, b) > 60) ink += 1;
    }
    return ink;
  })()`);
}

/** Texts whose contrast with what is behind them is below 4.5 : 1 (WCAG 2, 1.4.3). */
const FAINT_TEXT = `(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (let at = node; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if ((parts(backgroundColor)[3] ?? 1) > 0) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim() !== '');
    if (!own || !node.checkVisibility() || ['SCRIPT', 'NOSCRIPT'].includes(node.tagName)) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(node.textContent.trim().slice(0, 40) + ' ' + contrast.toFixed(2));
  }
  return faint;
})()`;
