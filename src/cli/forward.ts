// `hotlink forward`: one ad-hoc channel without markers. Prints where the application dials and, for a person, the command for the other
// side. Drains on a signal.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { requireIdentity } from '../config/index.js';
import type { ForwardOptions } from '../forward.js';
import type { HotlinkSettings } from '../options.js';
import { startDaemon } from './daemon.js';
import { EXIT_OK, exitCodeOf } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel } from './log.js';
import { portTaken } from './port-taken.js';
import { loadSettings } from './setting-flags.js';

interface Flags {
  peer: string;
  name: string;
  listen?: string;
  dial?: string;
  rendezvous?: boolean;
  json?: boolean;
}

/** @returns the exit code */
export async function forward(command: Command): Promise<number> {
  const flags = command.opts<Flags>();
  const resolved = loadSettings(command);
  const options = requireIdentity(resolved);
  const log = createLog(logLevel(resolved.values));
  for (const warning of resolved.warnings) log.warn({}, warning);
  using interruption = onInterruption();
  // Markers are for `up`: this verb carries the one channel it was told. The data directory gets lock, telemetry and admin endpoint.
  const { dataDir, ...withoutMarkers } = options;
  const { admin } = resolved.values;
  {
    await using daemon = await startDaemon({ link: withoutMarkers, dataDir, admin, verb: 'forward', log, signal: interruption.signal });
    const { link, fatal } = daemon;
    const request: ForwardOptions = {
      peer: flags.peer,
      name: flags.name,
      signal: interruption.signal,
      ...(flags.listen === undefined ? {} : { listen: flags.listen }),
      ...(flags.dial === undefined ? {} : { dial: flags.dial }),
      ...(flags.rendezvous === undefined ? {} : { rendezvous: flags.rendezvous }),
    };
    const channel = await link.forward(request).catch((error: unknown) => {
      throw flags.listen === undefined ? error : portTaken(error, flags.listen);
    });
    const address = channel.address === undefined ? undefined : `${channel.address.host}:${channel.address.port}`;
    if (flags.json)
      process.stdout.write(
        `${JSON.stringify({ peer: flags.peer, name: flags.name, listening: address ?? null, dialling: flags.dial ?? null })}\n`,
      );
    else
      process.stdout.write(
        address === undefined ? `dialling ${flags.dial} for each connection of ${flags.peer}\n` : `listening ${address}\n`,
      );
    process.stderr.write(`on the other side: ${otherSide(flags, options, channel.address?.port)}\n`);
    const end = await Promise.race([fatal, whenAborted(interruption.signal)]);
    if (end instanceof HotlinkError) {
      log.error({ code: end.code }, end.message);
      return exitCodeOf(end.code);
    }
    log.info({}, 'draining');
  }
  return interruption.exitCode ?? EXIT_OK;
}

/** The command for the other side. Where it dials is not known here: with our own port, on this machine, that would be ourselves. */
function otherSide({ peer, name, dial, rendezvous }: Flags, { email, server }: HotlinkSettings, port: number | undefined): string {
  const theirs = Number(dial?.slice(dial.lastIndexOf(':') + 1) ?? port);
  const shape = dial !== undefined || rendezvous === true ? `--listen 127.0.0.1:${theirs}` : '--dial HOST:PORT';
  return `hotlink forward --email ${peer} --server ${server} --peer ${email} --name ${name} ${shape}${rendezvous === true ? ' --rendezvous' : ''}`;
}
