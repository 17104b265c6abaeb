// Are the ports that channels want free, or theirs already? Where somebody else has one, who: Linux tells by /proc. Main thread.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { type Check, check } from './check.js';

export interface WantedPort {
  host: string;
  port: number;
  /** Which channel, for people. */
  channel: string;
}

/** @param ours pid of the running daemon, whose own listeners are as they should be */
export async function portChecks(wanted: readonly WantedPort[], ours: number | undefined): Promise<Check[]> {
  if (wanted.length === 0) return [check('ports', 'skip', 'no channel here listens on a port of its own choice')];
  return await Promise.all(
    wanted.map(async ({ host, port, channel }) => {
      const name = `port ${port}`;
      if (await isFree(host, port)) return check(name, 'ok', `free for ${channel}`);
      const holder = holderOf(port);
      if (holder !== undefined && holder.pid === ours) return check(name, 'ok', `held by the daemon for ${channel}`);
      const who = holder === undefined ? 'another process' : `${holder.command} (process ${holder.pid})`;
      return check(
        name,
        'fail',
        `${host}:${port}, wanted by ${channel}, is held by ${who}`,
        'stop that process, or give the channel another port in its marker',
      );
    }),
  );
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** The process that listens on a TCP port; undefined where the system does not say, or to whom we are. */
export function holderOf(port: number): { pid: number; command: string } | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(quiet(() => readlinkSync(`/proc/${pid}/fd/${fd}`)))?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      const command = quiet(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
        .split('\0')
        .filter(Boolean)
        .slice(0, 3)
        .join(' ');
      return { pid: Number(pid), command: command || quiet(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).trim() };
    }
  }
  return undefined;
}

/** Inodes of the sockets that listen on the port: state 0A in the kernel's table. */
function listeners(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return quiet(() => readFileSync(table, 'utf8'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${hex}`))
    .map((fields) => fields[9] as string);
}

const entries = (directory: string): string[] => {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
};

/** Processes come and go while one looks, and not all of them are ours to look at. */
function quiet(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
