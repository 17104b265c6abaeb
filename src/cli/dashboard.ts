// `hotlink dashboard`: the URL of a running daemon's dashboard, with what lets a browser in. Where the daemon listens on a unix socket only,
// this command is the way there, until a signal.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { openDashboardDoor } from '../admin/index.js';
import { EXIT_OK } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { runningDaemon } from './running-daemon.js';

interface Flags {
  port: string;
  json?: boolean;
}

/** @returns the exit code */
export async function dashboard(command: Command): Promise<number> {
  const { port, json } = command.opts<Flags>();
  const daemon = await runningDaemon(command);
  // It may have left its files behind.
  await daemon.status();
  const { socket, url, token } = daemon.address;
  const say = (where: string): void => {
    process.stdout.write(json ? `${JSON.stringify({ url: where })}\n` : `${where}\n`);
  };
  if (socket === undefined) {
    say(`${url}/#token=${token}`);
    return EXIT_OK;
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new HotlinkError('ERR_HLNK_USAGE', `--port is "${port}"; give a port, or 0 for any`);
  using interruption = onInterruption();
  await using door = await openDashboardDoor(socket, Number(port));
  say(door.url);
  process.stderr.write('open it in a browser of this machine; it is there until this command ends (Ctrl-C)\n');
  await whenAborted(interruption.signal);
  return interruption.exitCode ?? EXIT_OK;
}
