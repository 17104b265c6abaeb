// A daemon waits for a busy port; a person at a terminal is better told who has it.
import { HotlinkError } from '../../native-free/errors.js';
import { holderOf } from '../doctor/ports.js';

/**
 * @param error what listening rejected with
 * @param listen `host:port` as it was given
 * @returns what to throw instead: who has the port, where that can be told
 */
export function portTaken(error: unknown, listen: string): unknown {
  if (!(error instanceof HotlinkError) || error.code !== 'ERR_HLNK_PORT_BUSY') return error;
  const holder = holderOf(Number(listen.slice(listen.lastIndexOf(':') + 1)));
  if (holder === undefined) return error;
  const who = `${holder.command} (process ${holder.pid})`;
  return new HotlinkError('ERR_HLNK_PORT_BUSY', `${listen} is in use by ${who}; stop it, or give another --listen`, { cause: error });
}
