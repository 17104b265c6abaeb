// Debian's Chromium, driven by playwright-core: one browser per test file, a context of its own per page.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where it is; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['chromium', 'chromium-browser'].flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

export function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('no chromium');
  // As root, which containers are, it starts only without its sandbox; it sees nothing but the page under test.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}

export interface Complaints {
  /** Errors on the console, exceptions, and requests that left the page's own origin. */
  readonly all: string[];
}

export function complaintsOf(page: Page, origin: string): Complaints {
  const all: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') all.push(message.text());
  });
  page.on('pageerror', (error) => all.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) all.push(`asked for ${request.url()}`);
  });
  return { all };
}
