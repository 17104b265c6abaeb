// The dashboard as it is served: one page with everything in it, the same for everybody, and the policy that lets it load and run nothing
// else. It holds no data: those it asks for itself, with the token. Main thread.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { linkedScript } from './linked-script.js';
import { markup } from './markup.js';
import { style } from './style.js';

export interface DashboardPage {
  html: string;
  headers: Readonly<Record<string, string>>;
}

let made: DashboardPage | undefined;

/** Made when it is first asked for. @throws Error when a file of the installation is missing */
export function dashboardPage(): DashboardPage {
  made ??= make();
  return made;
}

function make(): DashboardPage {
  const library = createRequire(import.meta.url);
  const sheet = `${readFileSync(library.resolve('uplot/dist/uPlot.min.css'), 'utf8')}${style}`;
  const scripts = [
    readFileSync(library.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    linkedScript(fileURLToPath(new URL('./browser/main.js', import.meta.url))),
  ];
  for (const text of [sheet, ...scripts])
    if (/<\/(?:script|style)/i.test(text)) throw new Error('a part of the page would end its element');
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(' ')}`,
    `style-src ${hash(sheet)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return {
    html: markup(sheet, scripts),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    },
  };
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
