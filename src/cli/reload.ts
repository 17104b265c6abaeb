// SIGHUP: the sources of the settings are read again. Channels come and go and the log's level changes at once; everything else that
// changed is named, since it holds from the next start on. A file that cannot be used changes nothing. Main thread.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { type Resolved, settings, type ValueKey } from '../config/index.js';
import type { ConfiguredChannels } from './configured-channels.js';
import { logLevel, type RunLog } from './log.js';
import { loadSettings } from './setting-flags.js';

/** What is applied while running. */
const LIVE: ReadonlySet<ValueKey> = new Set(['channels', 'debug', 'logLevel']);

export interface Reload extends Disposable {
  /** Resolves when the signals so far are dealt with. */
  readonly settled: Promise<void>;
}

/** Listens for SIGHUP until disposed. @param current the settings in force */
export function onHangup(command: Command, current: Resolved, channels: ConfiguredChannels, log: RunLog): Reload {
  let settled: Promise<void> = Promise.resolve();
  let values = current.values;
  const reload = async (): Promise<void> => {
    try {
      const fresh = loadSettings(command);
      for (const warning of fresh.warnings) log.warn({}, warning);
      const changed = settings.map(({ key }) => key).filter((key) => JSON.stringify(fresh.values[key]) !== JSON.stringify(values[key]));
      log.level = logLevel(fresh.values);
      const { added, removed } = await channels.apply(fresh.values.channels ?? []);
      const later = changed.filter((key) => !LIVE.has(key));
      values = { ...fresh.values, ...Object.fromEntries(later.map((key) => [key, values[key]])) };
      log.info({ added, removed, level: log.level }, 'configuration read again');
      if (later.length > 0) log.warn({ settings: later }, 'these settings changed and hold from the next start on');
    } catch (error) {
      const reason = error instanceof HotlinkError ? error.message : String(error);
      log.error({ reason }, 'the configuration cannot be used; everything stays as it is');
    }
  };
  const handler = (): void => {
    settled = settled.then(reload);
  };
  process.on('SIGHUP', handler);
  return {
    get settled() {
      return settled;
    },
    [Symbol.dispose]: () => void process.off('SIGHUP', handler),
  };
}
