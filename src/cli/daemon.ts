// What every verb that carries channels runs on: the data plane, and with a data directory its lock, its telemetry file and its admin
// endpoint. Main thread.
//
// Who closes what, in which order: data plane (drains) → telemetry (last write) → admin endpoint → lock, so that whoever gets the
// directory next finds nobody in it.
import { join } from 'node:path';
import type { HotlinkError } from '../../native-free/errors.js';
import { type AdminServer, adminListen, DirectoryLock, register, startAdmin, unregister } from '../admin/index.js';
import { createHotlink, type Hotlink } from '../hotlink.js';
import type { HotlinkOptions, Log } from '../options.js';
import { TelemetryWriter, telemetryPath } from '../telemetry/index.js';
import { version } from '../version.js';

export interface DaemonOptions {
  /** The data plane's. */
  link: HotlinkOptions;
  /** Lock, telemetry and admin endpoint live here; without it there is none of them. */
  dataDir: string | undefined;
  /** The `admin` setting. */
  admin: string;
  verb: string;
  log: Log;
  /** Aborts waiting for the lock. */
  signal?: AbortSignal;
}

export interface Daemon extends AsyncDisposable {
  readonly link: Hotlink;
  /** Resolves with the first error that the command must exit for. */
  readonly fatal: Promise<HotlinkError>;
  stop(): Promise<void>;
}

/**
 * Starts everything.
 * @throws HotlinkError `ERR_HLNK_LOCKED`, `ERR_HLNK_CONFIG`, `ERR_HLNK_PORT_BUSY`; then nothing is left running
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { dataDir, verb, log, signal } = options;
  const { email } = options.link;
  const listen = dataDir === undefined ? undefined : adminListen(options.admin, dataDir);
  const identityDir = dataDir === undefined ? {} : { identityDir: join(dataDir, '.syftbox') };
  const link = createHotlink({ ...identityDir, ...options.link, log });
  const fatal = new Promise<HotlinkError>((resolve) => link.on('fatal', resolve));
  let lock: DirectoryLock | undefined;
  let admin: AdminServer | undefined;
  let writer: TelemetryWriter | undefined;
  const stop = async (): Promise<void> => {
    await link.stop();
    await writer?.stop();
    await admin?.close();
    if (lock !== undefined && dataDir !== undefined) await unregister(dataDir);
    await lock?.release();
  };
  try {
    if (dataDir !== undefined) {
      lock = await DirectoryLock.acquire(dataDir, {
        email,
        verb,
        ...(signal === undefined ? {} : { signal }),
        onWait: ({ host, pid }) =>
          log.info({ host, pid }, 'the data directory was held from another machine or container; waiting for a sign of life'),
      });
      if (listen !== undefined) admin = await startAdmin({ listen, link, dataDir, email, verb, version: version(), log });
      register({ dataDir, pid: process.pid, email });
      writer = new TelemetryWriter({ path: telemetryPath(dataDir, email), snapshot: () => link.status(), log });
      link.on('change', () => writer?.changed());
      link.on('flush', () => void writer?.flush());
    }
    await link.start();
    await writer?.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { link, fatal, stop, [Symbol.asyncDispose]: stop };
}
