// Which running daemon a command means: that of --data (or HOTLINK_DATA, or the configuration file), or the only one there is.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { AdminClient, registered } from '../admin/index.js';
import { loadSettings } from './setting-flags.js';

/** Flags of the commands that ask a running daemon. */
export function addDaemonFlags(command: Command): Command {
  return command
    .option('--data <dir>', "the daemon's data directory (env: HOTLINK_DATA); not needed where one daemon runs")
    .option('--config <file>', 'configuration file that names it (env: HOTLINK_CONFIG)');
}

/** @returns the data directory that was named; undefined when none was */
export function namedDataDir(command: Command): string | undefined {
  return command.opts<{ data?: string }>().data ?? loadSettings(command).values.dataDir;
}

/** @throws HotlinkError `ERR_HLNK_RELAY_UNAVAILABLE` when none runs, `ERR_HLNK_USAGE` when several do and none was named */
export async function runningDaemon(command: Command): Promise<AdminClient> {
  const dataDir = namedDataDir(command);
  if (dataDir !== undefined) return AdminClient.find(dataDir);
  const daemons = await registered();
  if (daemons.length === 0)
    throw new HotlinkError(
      'ERR_HLNK_RELAY_UNAVAILABLE',
      'no daemon with a data directory is running; start one with: hotlink up --data DIR',
    );
  if (daemons.length > 1) {
    const list = daemons.map(({ dataDir: dir, email, pid }) => `\n  --data ${dir}  (${email}, process ${pid})`).join('');
    throw new HotlinkError('ERR_HLNK_USAGE', `several daemons are running; say which one is meant:${list}`);
  }
  return AdminClient.find((daemons[0] as { dataDir: string }).dataDir);
}
