// Where a daemon's admin endpoint is, and where others find it: `{data}/.syftbox/hotlink_admin.json`, readable by its owner only, since
// it holds the token of a TCP endpoint. Main thread.

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { HotlinkError } from '../../native-free/errors.js';
import { prepareRuntimeDirectory, runtimeDirectory } from './runtime-directory.js';

/** Longest path of a unix socket that every system takes, bytes (macOS: 104 with its terminator). */
const MAX_SOCKET_PATH_BYTES = 100;

/** Where to listen. */
export type AdminListen = { socket: string } | { host: string; port: number };

/** Where it listens, with what is needed to be let in. */
export interface AdminAddress {
  pid: number;
  email: string;
  /** Whose it is; absent: a daemon's. */
  kind?: 'daemon' | 'relay';
  /** Unix ms. */
  startedMs: number;
  /** Path of a unix socket, or… */
  socket?: string;
  /** …URL of a loopback TCP endpoint, with its token. */
  url?: string;
  token?: string;
}

export function addressPath(dataDir: string): string {
  return join(dataDir, '.syftbox', 'hotlink_admin.json');
}

/**
 * The `admin` setting as a place to listen.
 * @param setting `auto` (a unix socket; on Windows loopback TCP), `off`, or `host:port`
 * @returns undefined for `off`
 * @throws HotlinkError `ERR_HLNK_CONFIG` for an address that is not a loopback one
 */
export function adminListen(setting: string, dataDir: string): AdminListen | undefined {
  if (setting === 'off') return undefined;
  if (setting === 'auto') return process.platform === 'win32' ? { host: '127.0.0.1', port: 0 } : { socket: socketPath(dataDir) };
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(setting);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || !isLoopback(host))
    throw new HotlinkError('ERR_HLNK_CONFIG', `admin is "${setting}"; give auto, off, or a loopback host:port such as 127.0.0.1:7070`);
  return { host: host === 'localhost' ? '127.0.0.1' : host, port };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** In the data directory, or where the path would be too long for a socket, in the user's runtime directory. */
function socketPath(dataDir: string): string {
  const near = resolve(dataDir, '.syftbox', 'hotlink.sock');
  if (Buffer.byteLength(near) <= MAX_SOCKET_PATH_BYTES) return near;
  return join(runtimeDirectory(), `${createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16)}.sock`);
}

/** Makes the directory of a socket. @throws HotlinkError `ERR_HLNK_CONFIG` when it is somebody else's */
export function prepareSocketDirectory(socket: string): void {
  if (dirname(socket) === runtimeDirectory()) prepareRuntimeDirectory();
  else mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
}

/** Whole or not at all: written aside and renamed. */
export async function writeAddress(dataDir: string, address: AdminAddress): Promise<void> {
  const path = addressPath(dataDir);
  const aside = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(aside, `${JSON.stringify(address)}\n`, { mode: 0o600 });
  await chmod(aside, 0o600);
  await rename(aside, path);
}

/** @returns undefined when there is none that can be read */
export async function readAddress(dataDir: string): Promise<AdminAddress | undefined> {
  try {
    return JSON.parse(await readFile(addressPath(dataDir), 'utf8')) as AdminAddress;
  } catch {
    return undefined;
  }
}

export async function removeAddress(dataDir: string): Promise<void> {
  const address = await readAddress(dataDir);
  if (address?.pid === process.pid) await rm(addressPath(dataDir), { force: true });
}
