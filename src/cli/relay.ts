// `hotlink relay`: the relay server until a signal. Prints the address it got on stdout, one line. SIGHUP looks at the files of secrets, tokens
// and certificates at once, and takes the log's level from the configuration file again.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { isLoopback } from '../admin/address.js';
import { RELAY_CONFIG_ENV, type RelayValues, relayOptionsOf, relaySettings, resolveRelaySettings } from '../config/index.js';
import type { Log } from '../options.js';
import { type RelayOptions, type RelayServer, startRelay } from '../relay/index.js';
import { parseListen } from '../relay/options.js';
import { EXIT_OK } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel, type RunLog } from './log.js';
import { portTaken } from './port-taken.js';
import { openRelayAdmin } from './relay-admin.js';
import { sourcesOf } from './setting-flags.js';

/** @returns the exit code */
export async function relay(command: Command): Promise<number> {
  const { values, warnings } = resolveRelaySettings(sourcesOf(command, relaySettings, RELAY_CONFIG_ENV));
  const log = createLog(logLevel(values));
  for (const warning of warnings) log.warn({}, warning);
  checkCombination(values);
  using interruption = onInterruption();
  const options = { ...relayOptionsOf(values), ...advertised(values, log), log };
  await using server = await startRelay(options).catch((error: unknown) => {
    throw portTaken(error, options.listen);
  });
  await using admin = openRelayAdmin(values.admin, server, values.dataDir, log);
  using _hangup = onHangup(command, server, log);
  await admin.settled;
  const { json } = command.opts<{ json?: boolean }>();
  process.stdout.write(json ? `${JSON.stringify({ listening: server.url, port: server.port })}\n` : `listening ${server.url}\n`);
  await whenAborted(interruption.signal);
  await server.drain();
  log.info({}, 'drained');
  return interruption.exitCode ?? EXIT_OK;
}

/** @throws HotlinkError ERR_HLNK_CONFIG for settings that do harm or nothing together */
function checkCombination({ listen, iKnow, authSecret, secretFile, tokenFile, tlsCert, tlsKey }: RelayValues): void {
  const isOpen = authSecret === undefined && secretFile === undefined && tokenFile === undefined;
  if (isOpen && !iKnow && !isLoopback(parseListen(listen, 'the listen address').host))
    throw new HotlinkError(
      'ERR_HLNK_CONFIG',
      `without authentication everybody who reaches ${listen} is who they claim to be: give --tokens or --secret-file (docs/relay.md), or --i-know if the network is closed`,
    );
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new HotlinkError('ERR_HLNK_CONFIG', 'a certificate and its key belong together: give both --tls-cert and --tls-key');
}

function onHangup(command: Command, server: RelayServer, log: RunLog): Disposable {
  const handler = (): void => {
    try {
      log.level = logLevel(resolveRelaySettings(sourcesOf(command, relaySettings, RELAY_CONFIG_ENV)).values);
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'the configuration cannot be used; everything stays as it is');
    }
    void server.reload().then(() => log.info({ level: log.level }, 'secrets, tokens, certificate and log level read again'));
  };
  process.on('SIGHUP', handler);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', handler) };
}

/** The ICE servers and credentials that clients are told. Upstream's TURN host counts only with credentials: without, it does harm. */
function advertised(values: RelayValues, log: Log): Pick<RelayOptions, 'iceServers' | 'turnUser' | 'turnPass'> {
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
