// `hotlink pipe`: standard input and output as one stream to the peer, in the manner of netcat. The other side is another `hotlink pipe`,
// or `hotlink forward --dial`. Ends when both directions have; what was written is delivered before it leaves.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { requireIdentity } from '../config/index.js';
import type { Hotlink } from '../hotlink.js';
import { startDaemon } from './daemon.js';
import { EXIT_FAILED, EXIT_OK, exitCodeOf } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel } from './log.js';
import { loadSettings } from './setting-flags.js';

interface Flags {
  peer: string;
  name: string;
  wait?: number;
}

/** @returns the exit code */
export async function pipe(command: Command): Promise<number> {
  const flags = command.opts<Flags>();
  const resolved = loadSettings(command);
  const { dataDir, ...link } = requireIdentity(resolved);
  // The stream is what the command is for; its own talk is for those who ask.
  const log = createLog(logLevel(resolved.values, 'warn'));
  for (const warning of resolved.warnings) log.warn({}, warning);
  using interruption = onInterruption();
  const { signal } = interruption;
  await using daemon = await startDaemon({ link, dataDir, admin: resolved.values.admin, verb: 'pipe', log, signal });
  const { peer, name } = flags;
  const stream = await daemon.link.connect({ peer, name, signal });
  process.stderr.write(`on the other side: hotlink pipe --email ${peer} --server ${link.server} --peer ${link.email} --name ${name}\n`);
  const carried = carry(stream);
  const outcome = await Promise.race([
    carried.then(
      () => undefined,
      (error: Error) => error,
    ),
    daemon.fatal,
    whenAborted(signal).then(() => undefined),
    flags.wait === undefined ? new Promise<never>(() => undefined) : noPeer(daemon.link, peer, flags.wait),
  ]);
  // A terminal that nobody types at any more must not hold the process.
  process.stdin.destroy();
  if (interruption.exitCode !== undefined) return interruption.exitCode;
  if (outcome === undefined) return EXIT_OK;
  stream.on('error', () => undefined).destroy();
  process.stderr.write(`hotlink: ${outcome.message}\n`);
  return outcome instanceof HotlinkError ? exitCodeOf(outcome.code) : EXIT_FAILED;
}

async function carry(stream: Duplex): Promise<void> {
  const { stdin, stdout } = process;
  // The peer has said everything; at a terminal nobody would think of ending the other direction by hand.
  if (stdin.isTTY) stream.once('end', () => stdin.push(null));
  const closed = once(stream, 'close');
  await Promise.all([pipeline(stdin, stream, { end: true }), pipeline(stream, stdout, { end: false })]);
  await closed;
}

/** Resolves with an error when the peer did not come in time; else never. */
function noPeer(link: Hotlink, peer: string, waitSeconds: number): Promise<HotlinkError> {
  return new Promise((resolve) => {
    const timeout = setTimeout(() => {
      link.off('change', look);
      resolve(new HotlinkError('ERR_HLNK_PEER_UNAVAILABLE', `${peer} did not come within ${waitSeconds} s; is the other side started?`));
    }, waitSeconds * 1000);
    const look = (): void => {
      if (!link.status().channels.some(({ sessions }) => sessions.some(({ state }) => state === 'accepted'))) return;
      link.off('change', look);
      clearTimeout(timeout);
    };
    link.on('change', look);
    look();
  });
}
