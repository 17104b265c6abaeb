// `hotlink relay`: the relay server until a signal. Prints the address it got on stdout, one line.
import type { Command } from 'commander';
import { resolveSettings } from '../config/index.js';
import { startRelay } from '../relay/index.js';
import { EXIT_OK } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel } from './log.js';

interface RelayFlags {
  listen: string;
  data?: string;
  stun?: string;
  json?: boolean;
}

/** @returns the exit code */
export async function relay(command: Command): Promise<number> {
  const flags = command.opts<RelayFlags>();
  // What the relay advertises to its clients comes from the same variables as upstream's server reads.
  const { values, warnings } = resolveSettings({ env: process.env });
  const log = createLog(logLevel(values));
  for (const warning of warnings) log.warn({}, warning);
  using interruption = onInterruption();
  const authSecret = process.env.HOTLINK_RELAY_AUTH_SECRET;
  const server = await startRelay({
    listen: flags.listen,
    log,
    ...(flags.data === undefined ? {} : { dataDir: flags.data }),
    ...(flags.stun === undefined ? {} : { stunListen: flags.stun }),
    ...(values.iceServers === undefined ? {} : { iceServers: values.iceServers }),
    ...(values.turnUser === undefined ? {} : { turnUser: values.turnUser }),
    ...(values.turnPass === undefined ? {} : { turnPass: values.turnPass }),
    ...(authSecret ? { authSecret } : {}),
  });
  try {
    process.stdout.write(flags.json ? `${JSON.stringify({ listening: server.url, port: server.port })}\n` : `listening ${server.url}\n`);
    await whenAborted(interruption.signal);
    log.info({}, 'draining');
  } finally {
    await server.close();
  }
  return interruption.exitCode ?? EXIT_OK;
}
