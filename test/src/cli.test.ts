// Stories about the command line's contract: exit codes, what goes to stdout and what to stderr, and no stack traces for what people can fix.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit-code.js';
import { createLog } from '../../src/cli/log.js';
import { telemetryPath } from '../../src/telemetry/index.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function hotlink(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [entry, ...args], { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('wrong usage is exit 2 and goes to stderr', () => {
  it.each([
    [['nonsense']],
    [['bench']],
    [['bench', 'burst', '--links', '2']],
    [['bench', 'burst', '--count', 'many']],
    [['bench', 'burst', '--lane', 'carrier-pigeon']],
    [['demo', '--colour']],
    [['up', '--mtu', '9000', '--email', 'a@b.co', '--server', 'http://127.0.0.1:1']],
    [['up']],
  ])('%j', async (args) => {
    const { code, stdout, stderr } = await hotlink(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('asking is exit 0', () => {
  it.each([[['--help']], [['up', '--help']], [['bench', 'burst', '--help']], [['--version']]])('%j', async (args) => {
    const { code, stdout, stderr } = await hotlink(args);
    expect(code).toBe(0);
    expect(stdout).not.toBe('');
    expect(stderr).toBe('');
  });

  it('shows where each value comes from and masks secrets', async () => {
    const env = { SYFTBOX_HOTLINK_TURN_PASS: 'hush', HOTLINK_MTU: '1500', HOTLINK_THREADS: 'x' };
    const { code, stdout, stderr } = await hotlink(['config', 'show', '--json', '--window', '1048576'], env);
    expect(code).toBe(0);
    const shown = JSON.parse(stdout) as { key: string; value: unknown; from: string; name?: string }[];
    expect(shown.find((row) => row.key === 'mtu')).toEqual({ key: 'mtu', value: 1500, from: 'environment', name: 'HOTLINK_MTU' });
    expect(shown.find((row) => row.key === 'windowBytes')).toMatchObject({ value: 1_048_576, from: 'flag' });
    expect(shown.find((row) => row.key === 'turnPass')).toMatchObject({ value: 'MASKED' });
    expect(stderr).toContain('HOTLINK_THREADS');
    expect(stdout + stderr).not.toContain('hush');
  });
});

describe('bad configuration is exit 78', () => {
  it('names the file and the line of an unknown key', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hotlink-cli-'));
    try {
      const path = join(dir, 'c.yaml');
      await writeFile(path, 'email: a@b.co\ncolour: red\n');
      const { code, stderr } = await hotlink(['config', 'check', '--config', path]);
      expect(code).toBe(78);
      expect(stderr).toBe(`hotlink: ${path}:2: unknown key 'colour'\n`);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('says so when a file is missing, and when the environment turned hotlink off', async () => {
    expect((await hotlink(['config', 'check'], { HOTLINK_CONFIG: '/does/not/exist.yaml' })).code).toBe(78);
    const { code, stderr } = await hotlink(['up', '--email', 'a@b.co', '--server', 'http://127.0.0.1:1'], { SYFTBOX_HOTLINK: '0' });
    expect(code).toBe(78);
    expect(stderr).toContain('SYFTBOX_HOTLINK');
  });
});

/** Starts a verb that runs until told otherwise; `first` is its first line on stdout. */
function running(args: string[]): { child: ChildProcess; first: Promise<string>; exit: Promise<number | null> } {
  const child = spawn(process.execPath, [entry, ...args], { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout! });
  const first = new Promise<string>((resolve) => lines.once('line', resolve));
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, first: Promise.race([first, exit.then((code) => `left with ${code}`)]), exit };
}

describe('a verb that runs on', () => {
  it('prints the address of the relay and leaves with 143 after SIGTERM, 130 after SIGINT', async () => {
    for (const [signal, code, args] of [
      ['SIGTERM', 143, []],
      ['SIGINT', 130, ['--json']],
    ] as const) {
      const relay = running(['relay', '--listen', '127.0.0.1:0', ...args]);
      const line = await relay.first;
      if (args.length > 0) expect(JSON.parse(line)).toMatchObject({ listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
      else expect(line).toMatch(/^listening http:\/\/127\.0\.0\.1:\d+$/);
      relay.child.kill(signal);
      expect(await relay.exit).toBe(code);
    }
  });

  it('says ready, writes telemetry, and drains when asked or when its parent is gone', async () => {
    const relay = running(['relay', '--listen', '127.0.0.1:0']);
    const server = (await relay.first).replace('listening ', '');
    const dir = await mkdtemp(join(tmpdir(), 'hotlink-up-'));
    try {
      const identity = ['--email', 'a@b.co', '--server', server, '--data', dir];
      const daemon = running(['up', ...identity]);
      expect(await daemon.first).toBe('ready');
      daemon.child.kill('SIGTERM');
      expect(await daemon.exit).toBe(143);
      const telemetry = JSON.parse(await readFile(telemetryPath(dir, 'a@b.co'), 'utf8'));
      expect(telemetry).toMatchObject({ mode: 'hotlink_p2p', bench_strict: false, tx_packets: 0 });

      const child = running(['up', '--with-parent', ...identity]);
      expect(await child.first).toBe('ready');
      child.child.stdin!.end();
      expect(await child.exit).toBe(0);
    } finally {
      relay.child.kill('SIGTERM');
      await relay.exit;
      await rm(dir, { recursive: true });
    }
  });
});

describe('exit codes of errors', () => {
  it.each([
    ['ERR_HLNK_USAGE', 2],
    ['ERR_HLNK_RELAY_UNAVAILABLE', 69],
    ['ERR_HLNK_PEER_UNAVAILABLE', 69],
    ['ERR_HLNK_STRICT', 75],
    ['ERR_HLNK_DENIED', 77],
    ['ERR_HLNK_AUTH', 77],
    ['ERR_HLNK_CONFIG', 78],
    ['ERR_HLNK_LOCKED', 78],
    ['ERR_HLNK_INTERNAL', 1],
  ] as const)('%s is %d', (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
  });
});

describe('the log', () => {
  const lines = (isTTY: boolean, write: (log: ReturnType<typeof createLog>) => void): string[] => {
    const written: string[] = [];
    write(createLog('info', { isTTY, write: (text) => written.push(text) }));
    return written;
  };

  it('is JSON for a collector, without debug, and masks secrets', () => {
    const [line, ...rest] = lines(false, (log) => {
      log.debug({}, 'not shown');
      log.info({ peer: 'b@c.de', turnPass: 'hush', ice: { credential: 'hush' } }, 'up');
    });
    expect(rest).toEqual([]);
    expect(JSON.parse(line!)).toMatchObject({
      level: 'info',
      msg: 'up',
      peer: 'b@c.de',
      turnPass: 'MASKED',
      ice: { credential: 'MASKED' },
    });
    expect(line).not.toContain('hush');
  });

  it('is one short line for a person', () => {
    const [line] = lines(true, (log) => log.warn({ port: 13_001 }, 'the port is taken'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    expect(line?.replaceAll(/\x1b\[\d+m/g, '')).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: the port is taken \{"port":13001\}\n$/);
  });
});
