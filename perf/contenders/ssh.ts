// `ssh -L` with aes128-gcm: a throw-away sshd with keys of its own in the far place, a client in the near one. The tunnel most people would take.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandWrapper } from '../../src/bench/app-process.js';
import { Child } from '../../src/bench/child.js';
import { usageOf } from '../../src/bench/process-usage.js';
import type { Contender } from '../contender.js';
import type { Place } from '../place.js';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find(existsSync);
const CIPHER = 'aes128-gcm@openssh.com';
const UP_MS = 10_000;
/** Of 20 ms each. */
const GONE_LOOKS = 100;

export const sshForward: Contender = {
  name: 'ssh -L, aes128-gcm',
  missing() {
    if (SSHD === undefined) return 'no sshd is installed (Debian: openssh-server)';
    try {
      execFileSync('ssh', ['-V'], { stdio: 'ignore' });
      execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' });
    } catch (error) {
      // ssh-keygen has no call that does nothing and succeeds: that it is there is enough.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no ssh client is installed (Debian: openssh-client)';
    }
    return undefined;
  },
  async open({ near, far, target, signal }) {
    const dir = mkdtempSync(join(tmpdir(), 'hotlink-ssh-'));
    const remove = (): void => rmSync(dir, { recursive: true, force: true });
    process.on('exit', remove);
    const children: Child[] = [];
    let pids: number[] = [];
    const close = async (): Promise<void> => {
      // The client first: what the server does for it ends with its connection, a moment later.
      for (const child of [...children].reverse()) await child.stop();
      for (let looks = 0; looks < GONE_LOOKS && pids.some((pid) => usageOf(pid) !== undefined); looks++) await delay(20);
      process.off('exit', remove);
      remove();
    };
    try {
      const [hostKey, userKey] = [join(dir, 'host'), join(dir, 'user')];
      for (const key of [hostKey, userKey]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      const [sshPort, dialPort] = [await far.freePort(), await near.freePort()];
      const config = [
        `Port ${sshPort}`,
        `ListenAddress ${far.address}`,
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${userKey}.pub`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'AllowTcpForwarding yes',
        `PidFile ${join(dir, 'pid')}`,
      ];
      writeFileSync(join(dir, 'config'), `${config.join('\n')}\n`);
      // Its place to drop privileges to; packages make it at boot.
      if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
      const wrapped = (place: typeof near, program: string, args: string[]) => (): readonly [string, readonly string[]] =>
        place.wrap?.(program, args) ?? [program, args];
      const server = ['-D', '-e', '-f', join(dir, 'config')];
      children.push(new Child({ name: 'sshd', entry: '', args: [], wrap: wrapped(far, SSHD as string, server) }));
      const client = ['-N', '-F', 'none', '-i', userKey, '-p', String(sshPort), '-c', CIPHER, '-o', 'StrictHostKeyChecking=no'];
      client.push(
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-o',
        'ExitOnForwardFailure=yes',
        '-o',
        'BatchMode=yes',
        '-o',
        'ConnectionAttempts=10',
      );
      client.push('-L', `127.0.0.1:${dialPort}:${target.host}:${target.port}`, `${userInfo().username}@${far.address}`);
      children.push(new Child({ name: 'ssh', entry: '', args: [], wrap: wrapped(near, 'ssh', client) }));
      await untilListening(near, dialPort, children, signal);
      pids = await pidsOf(children);
      return { dial: { host: '127.0.0.1', port: dialPort }, pids, close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

/** The client listens once it is through to the server. In a place elsewhere its own table of sockets tells. */
async function untilListening({ wrap }: Place, port: number, children: Child[], signal: AbortSignal): Promise<void> {
  const giveUpMs = performance.now() + UP_MS;
  while (performance.now() < giveUpMs) {
    signal.throwIfAborted();
    const gone = children.find((child) => !child.running);
    if (gone !== undefined) throw new Error(`${gone.name} left early: ${gone.lastLines.slice(-3).join(' | ')}`);
    if (wrap === undefined ? await answers(port) : listens(wrap, port)) return;
    await delay(50);
  }
  throw new Error(`ssh did not listen after ${UP_MS} ms: ${children.flatMap((child) => child.lastLines.slice(-3)).join(' | ')}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listens(wrap: CommandWrapper, port: number): boolean {
  const [program, args] = wrap('cat', ['/proc/net/tcp']);
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return execFileSync(program, args, { encoding: 'utf8' }).includes(`:${hex} 00000000:0000 0A`);
}

/** sshd works in processes of its own per connection. */
async function pidsOf(children: Child[]): Promise<number[]> {
  const pids = children.flatMap(({ pid }) => pid ?? []);
  for (let at = 0; at < pids.length && at < 16; at++) {
    try {
      const text = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pids[at])], { encoding: 'utf8' });
      pids.push(...text.split(/\s+/).filter(Boolean).map(Number));
    } catch {
      // it has none
    }
  }
  return pids;
}
