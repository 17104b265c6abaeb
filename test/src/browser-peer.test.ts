// A page as a peer: Chromium loads examples/browser-peer, module by module as they lie in the package, and exchanges bytes with a real daemon over
// a browser's own WebSocket and RTCPeerConnection. The application behind the daemon hashes what it gets and what it gives.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChannelStatus, Status } from '../../src/index.js';
import { absent } from '../support/absent.js';
import { type Complaints, chromiumPath, complaintsOf, launchBrowser } from '../support/browser.js';
import { Command, hotlink } from '../support/command.js';
import { until } from '../support/sandbox.js';

const SERVE = fileURLToPath(new URL('../../../examples/browser-peer/serve.mjs', import.meta.url));
const [PAGE, BOB] = ['page@example.com', 'bob@example.com'];
/** Several times what all buffers of the way hold. */
const BYTES = 24_000_000;
/** Enough to be still on its way when somebody has looked. */
const LONG_BYTES = 200_000_000;

const skip = absent('the page as a peer', chromiumPath() === undefined ? 'chromium is not installed' : undefined);

/** Sends back what it gets. */
class Echo {
  readonly #server: Server;
  readonly sockets: Socket[] = [];
  readonly #digest = createHash('sha256');
  bytes = 0;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (part: Buffer) => {
        this.bytes += part.length;
        this.#digest.update(part);
      });
      socket.pipe(socket);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  get sha256(): string {
    return this.#digest.copy().digest('hex');
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}

describe.skipIf(skip).sequential('a page', () => {
  let browser: Browser;
  let home: string;
  let serve: ChildProcess;
  let server: string;
  let echo: Echo;
  let daemon: Command;
  let page: Page;
  let complaints: Complaints;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'hotlink-page-'));
    serve = spawn(process.execPath, [SERVE, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(serve.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    server = String(said).trim().replace('listening ', '');
    echo = new Echo();
    const dial = `127.0.0.1:${await echo.listen()}`;
    const where = ['--email', BOB, '--server', server, '--data', join(home, 'bob')];
    daemon = new Command(['forward', ...where, '--peer', PAGE, '--name', 'echo', '--dial', dial]);
    await daemon.says('dialling');
    page = await (await browser.newContext()).newPage();
    complaints = complaintsOf(page, server);
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail')
      console.error(`the page's log:\n${await logOf().catch(String)}\nthe daemon's log:\n${daemon.stderr}`);
    await page.context().close();
    await daemon.stop();
    echo.close();
    const gone = once(serve, 'exit');
    serve.kill();
    await gone;
    rmSync(home, { recursive: true });
  });

  const open = (more: string): Promise<unknown> => page.goto(`${server}/?email=${PAGE}&peer=${BOB}&name=echo&${more}`);
  const logOf = (): Promise<string> => page.locator('#log').innerText();
  async function channel(): Promise<ChannelStatus> {
    const { channels } = JSON.parse((await hotlink(['status', '--data', join(home, 'bob'), '--json'])).stdout) as Status;
    return channels[0] as ChannelStatus;
  }

  async function over(): Promise<string> {
    await page.waitForFunction('/^(ok|failed)$/.test(document.title)', undefined, { timeout: 60_000 });
    return await page.title();
  }

  it.each(['webrtc', 'relay'] as const)('exchanges bytes with a daemon over %s', { timeout: 120_000 }, async (lane) => {
    await open(`bytes=${BYTES}&lanes=${lane}`);
    expect([await over(), await logOf()]).toEqual(['ok', expect.stringContaining(`${BYTES} bytes there and back over ${lane}`)]);
    expect({ bytes: echo.bytes, sha256: /sha256 (\w+)/.exec(await logOf())?.[1] }).toEqual({ bytes: BYTES, sha256: echo.sha256 });
    const { counters } = await channel();
    expect({ webrtc: counters.txP2pPackets > 50, relay: counters.txWsPackets > 50, refused: counters.framesRefused }).toEqual({
      webrtc: lane === 'webrtc',
      relay: lane === 'relay',
      refused: 0,
    });
    expect(complaints.all).toEqual([]);
  });

  it('needs no shared memory, and none of its own addresses', { timeout: 120_000 }, async () => {
    await open(`bytes=${LONG_BYTES}&lanes=webrtc`);
    await until('bytes flow', () => echo.bytes > 1_000_000, 30_000);
    // Only pages that are isolated from other origins have it.
    expect(await page.evaluate(() => typeof SharedArrayBuffer)).toBe('undefined');
    const session = (await channel()).sessions.find(({ webrtc }) => webrtc === 'connected');
    // A browser shows a page's addresses under names that only the local link resolves: the daemon learns where the page is when it hears from it.
    expect(session?.candidates).toEqual({ local: 'host', remote: 'prflx' });
  });

  it('that is closed in the middle ends its stream with a reset at the other application', { timeout: 60_000 }, async () => {
    await open(`bytes=${LONG_BYTES}`);
    await until('bytes flow', () => echo.bytes > 1_000_000, 30_000);
    const [socket] = echo.sockets as [Socket];
    const error = once(socket, 'error').then(([reason]) => (reason as NodeJS.ErrnoException).code);
    await page.close();
    expect(await error).toBe('ECONNRESET');
  });
});
