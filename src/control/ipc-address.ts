// Where the application of an IPC directory connects, and the name of the marker that tells it (wire.md 6.1). Pure, so that every platform's
// answer can be tested on any. Main thread.

import { createHash } from 'node:crypto';
import type { IpcAddress } from '../../workers/messages.js';

export type IpcMode = 'unix' | 'tcp';

/** Upstream's own place for sockets: applications never guess it, but people look there. */
const SOCKET_FOLDER = '/tmp/syftbox-hotlink';

/** Name of the marker file. `unix` is what the platform has: a unix socket, or a named pipe on Windows. */
export function ipcMarkerName(mode: IpcMode, platform: NodeJS.Platform): string {
  if (mode === 'tcp') return 'stream.tcp';
  return platform === 'win32' ? 'stream.pipe' : 'stream.sock';
}

/**
 * @param markerPath absolute path of the marker, with the platform's separators: both upstream clients hash it as it is
 * @param tcp `host:port` to bind in `tcp` mode; port 0 lets the system choose
 */
export function ipcAddress(mode: IpcMode, platform: NodeJS.Platform, markerPath: string, tcp: { host: string; port: number }): IpcAddress {
  if (mode === 'tcp') return { kind: 'tcp', ...tcp };
  const digest = createHash('sha1').update(markerPath).digest('hex');
  return platform === 'win32'
    ? { kind: 'pipe', path: `\\\\.\\pipe\\syftbox-hotlink-${digest}` }
    : { kind: 'unix', path: `${SOCKET_FOLDER}/${digest}.sock` };
}

/** In `tcp` mode the marker shares its name with the TCP proxy's, whose content is JSON (wire.md 6.1): empty or an address is ours. */
export function isIpcContent(text: string): boolean {
  return /^\s*([^\s{}"]+:\d{1,5})?\s*$/.test(text);
}
