// `hotlink relay`: the relay server until a signal. Prints the address it got on stdout, one line.
import type { Command } from 'commander';
import { resolveSettings } from '../config/index.js';
import type { Values } from '../config/values.js';
import type { Log } from '../options.js';
import { type RelayOptions, startRelay } from '../relay/index.js';
import { EXIT_OK } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel } from './log.js';

interface RelayFlags {
  listen: string;
  data?: string;
  stun?: string;
  turnTtl?: string;
  cluster?: string;
  clusterName: string;
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
  // Secrets come from the environment alone: a command line is everybody's to read.
  const authSecret = process.env.HOTLINK_RELAY_AUTH_SECRET;
  const turnSecret = process.env.HOTLINK_RELAY_TURN_SECRET;
  const cluster = flags.cluster ?? process.env.HOTLINK_RELAY_CLUSTER;
  const server = await startRelay({
    listen: flags.listen,
    log,
    ...(flags.data === undefined ? {} : { dataDir: flags.data }),
    ...(cluster ? { cluster: { servers: cluster, name: flags.clusterName } } : {}),
    ...(flags.stun === undefined ? {} : { stunListen: flags.stun }),
    ...advertised(values, log),
    ...(authSecret ? { authSecret } : {}),
    ...(turnSecret ? { turnSecret } : {}),
    ...(flags.turnTtl === undefined ? {} : { turnTtlSeconds: Number(flags.turnTtl) }),
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

/** The ICE servers and credentials that clients are told. Upstream's TURN host counts only with credentials: without, it does harm. */
function advertised(values: Values, log: Log): Pick<RelayOptions, 'iceServers' | 'turnUser' | 'turnPass'> {
  const { iceServers, turnUser, turnPass, turnHost, turnPort } = values;
  const credentials = { ...(turnUser === undefined ? {} : { turnUser }), ...(turnPass === undefined ? {} : { turnPass }) };
  if (iceServers !== undefined) return { iceServers, ...credentials };
  if (turnHost === undefined) return credentials;
  if (turnUser === undefined || turnPass === undefined) {
    log.warn({ turnHost }, 'a TURN server without credentials is not advertised: set SYFTBOX_HOTLINK_TURN_USER and _TURN_PASS');
    return credentials;
  }
  const host = turnHost.includes(':') && !turnHost.startsWith('[') ? `[${turnHost}]` : turnHost;
  return { iceServers: [`turns:${host}:${turnPort}?transport=tcp`], ...credentials };
}
