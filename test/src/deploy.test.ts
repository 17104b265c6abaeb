// What is there to run hotlink with: units that systemd takes, images and compositions whose commands exist, tokens that the relay takes,
// and examples that do what they say, run as a reader would run them.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createHotlink } from '../../src/index.js';
import { startRelay } from '../../src/relay/index.js';
import { absent, have } from '../support/absent.js';
import { until } from '../support/sandbox.js';
import { commandsIn, mistakesIn } from '../support/shown-commands.js';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Files below a folder that hold text for people and machines. */
function texts(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(png|ts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

const FILES = [...texts('deploy'), ...texts('examples'), ...texts('docs')];

interface Service {
  command?: string[];
  entrypoint?: string[];
  build?: { dockerfile: string; context: string; target?: string };
}

describe('what is shown', () => {
  it('are commands that exist, with flags that they have', { timeout: 60_000 }, async () => {
    const shown = FILES.filter((file) => /\.(md|ya?ml|service)$|Dockerfile$/.test(file)).flatMap((file) => commandsIn(file, read(file)));
    expect(shown.length).toBeGreaterThan(10);
    expect(await mistakesIn(shown)).toEqual([]);
  });

  it('are variables that are documented', () => {
    const known = read('docs/configuration.md') + read('docs/relay-configuration.md');
    const names = FILES.flatMap((file) =>
      [...read(file).matchAll(/\b(?:SYFTBOX_)?HOTLINK_[A-Z_]+[A-Z]\b/g)].map(([name]) => ({ file, name })),
    );
    const testsOwn = /^HOTLINK_(REQUIRE|DOCS|SCREENSHOTS)$/;
    expect(names.filter(({ name }) => !known.includes(name) && !testsOwn.test(name))).toEqual([]);
  });

  it('is YAML that can be read', () => {
    const files = FILES.filter((file) => /\.ya?ml$/.test(file));
    expect(files).toContain('deploy/compose.yaml');
    for (const file of files) expect(parse(read(file))).toBeTypeOf('object');
  });
});

describe('the units', () => {
  const missing = absent('the units', have('systemd-analyze') ? undefined : 'systemd-analyze is not installed');

  it.skipIf(missing).each(['hotlink@.service', 'hotlink-relay.service'])(
    '%s is understood by systemd, and is exposed to little',
    async (name) => {
      const unit = join(root, 'deploy/systemd', name);
      const { stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
      expect(stderr.split('\n').filter((line) => line.includes('hotlink'))).toEqual([]);
      // 0 is nothing, 10 everything; 1.5 is 15 of its hundredths.
      await run('systemd-analyze', ['security', '--offline=true', '--threshold=15', unit]);
    },
  );

  it('leave with what hotlink calls a good end, and start again only where that can help', () => {
    for (const name of ['hotlink@.service', 'hotlink-relay.service']) {
      const unit = read(`deploy/systemd/${name}`);
      expect(unit).toMatch(/^SuccessExitStatus=143$/m);
      expect(unit).toMatch(/^RestartPreventExitStatus=2 .*78$/m);
    }
  });
});

describe('the images and the composition', () => {
  const compose = parse(read('deploy/compose.yaml')) as { services: Record<string, Service> };

  it('copy what is there, and build what is named', () => {
    const dockerfile = read('deploy/Dockerfile');
    const copied = [...dockerfile.matchAll(/^COPY --from=build (.*) \S+$/gm)].flatMap(([, paths]) => (paths as string).split(' '));
    expect(copied).toContain('/build/dist/workers');
    for (const path of copied) expect(existsSync(join(root, path.replace('/build/', ''))), path).toBe(true);
    const targets = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
    const { build } = compose.services['relay'] as Service;
    expect(targets).toContain(build?.target);
    expect(existsSync(join(root, 'deploy', build?.context as string, build?.dockerfile as string))).toBe(true);
    expect(dockerfile.indexOf('USER node')).toBeLessThan(dockerfile.indexOf('ENTRYPOINT'));
    expect(dockerfile.match(/^HEALTHCHECK/gm)).toHaveLength(2);
  });

  it('ask for nothing that the example of the environment has not got', () => {
    const asked = [...read('deploy/compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name as string);
    const given = [...read('deploy/compose.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name as string);
    expect(new Set(asked)).toEqual(new Set(given));
  });

  it('put no secret on a command line', () => {
    for (const [name, { command, entrypoint }] of Object.entries(compose.services))
      for (const word of [...(command ?? []), ...(entrypoint ?? [])]) expect(word, name).not.toMatch(/(?<!\$)\$\{\w*SECRET/);
  });

  it.skipIf(absent('the TURN server’s flags', have('turnserver') ? undefined : 'coturn is not installed'))(
    'give the TURN server flags that it has',
    async () => {
      const { stdout, stderr } = await run('turnserver', ['-h']).catch((error: unknown) => error as { stdout: string; stderr: string });
      const flags = (compose.services['turn']?.command ?? []).flatMap((word) => /^--[a-z-]+/.exec(word) ?? []);
      expect(flags.length).toBeGreaterThan(10);
      for (const flag of flags) expect(`${stdout}${stderr}`).toContain(flag);
    },
  );
});

describe('a token of token.mjs', () => {
  it('is taken by a relay with that secret', async () => {
    const secret = 'a secret of ours';
    const env = { ...process.env, HOTLINK_RELAY_AUTH_SECRET: secret };
    const token = execFileSync(process.execPath, [join(root, 'deploy/token.mjs'), 'a@example.com', '1'], { env, encoding: 'utf8' }).trim();
    const relay = await startRelay({ listen: '127.0.0.1:0', authSecret: secret });
    const link = createHotlink({ email: 'a@example.com', server: relay.url, token });
    try {
      await link.start();
      await until('it is let in', () => link.status().relay.state === 'up');
    } finally {
      await link.stop();
      await relay.close();
    }
  });
});

describe('the example', () => {
  const examples = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const needs: Record<string, string> = { 'two-databases': 'redis-server', 'browser-peer': 'chromium' };

  for (const { name } of examples) {
    const need = needs[name];
    const missing = absent(`the example ${name}`, need === undefined || have(need) ? undefined : `${need} is not installed`);
    it.skipIf(missing)(`${name} ends well and leaves nothing behind`, { timeout: 120_000 }, async () => {
      const home = mkdtempSync(join(tmpdir(), 'hotlink-example-'));
      try {
        const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home };
        const { stdout } = await run(join(root, 'examples', name, 'try.sh'), [], { env });
        expect(stdout.trim().split('\n').at(-1)).toBe('ok');
        expect(readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
      } finally {
        rmSync(home, { recursive: true });
      }
    });
  }
});
