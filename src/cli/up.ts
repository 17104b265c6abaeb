// `hotlink up`: the daemon. Starts the data plane, keeps the telemetry file, and drains on a signal, on a fatal error, or when its parent is gone.
// For a parent program: one line `ready` on stdout once started; with --with-parent the end of stdin means the parent left.
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { type Resolved, requireIdentity } from '../config/index.js';
import { ConfiguredChannels } from './configured-channels.js';
import { startDaemon } from './daemon.js';
import { EXIT_OK, exitCodeOf } from './exit-code.js';
import { onInterruption, whenAborted } from './interruption.js';
import { createLog, logLevel } from './log.js';
import { onHangup } from './reload.js';
import { configPath, loadSettings } from './setting-flags.js';

/** @returns the exit code */
export async function up(command: Command): Promise<number> {
  const resolved = loadSettings(command);
  const link = requireIdentity(resolved);
  refuseWhenOff(resolved);
  const log = createLog(logLevel(resolved.values));
  for (const warning of resolved.warnings) log.warn({}, warning);
  using interruption = onInterruption();
  const withParent = command.opts<{ withParent?: boolean }>().withParent === true;
  const parentLeft = withParent ? whenParentLeaves() : new Promise<never>(() => undefined);
  try {
    await using daemon = await startDaemon({
      link,
      dataDir: link.dataDir,
      admin: resolved.values.admin,
      verb: 'up',
      log,
      signal: interruption.signal,
    });
    const channels = new ConfiguredChannels(daemon.link, log);
    // Without a file there is nothing to read again, and a terminal that closes ends the daemon as it ends any command.
    using _reload = configPath(command) === undefined ? undefined : onHangup(command, resolved, channels, log);
    using _tries = { [Symbol.dispose]: () => channels.stop() };
    await channels.apply(resolved.values.channels ?? []);
    const { json } = command.opts<{ json?: boolean }>();
    const facts = { ready: true, pid: process.pid, email: link.email, server: link.server, dataDir: link.dataDir ?? null };
    process.stdout.write(json ? `${JSON.stringify(facts)}\n` : 'ready\n');
    const end = await Promise.race([daemon.fatal, whenAborted(interruption.signal), parentLeft]);
    if (end instanceof HotlinkError) {
      log.error({ code: end.code }, end.message);
      return exitCodeOf(end.code);
    }
    log.info({}, 'draining');
  } finally {
    // Watching it would keep the process.
    if (withParent) process.stdin.destroy();
  }
  return interruption.exitCode ?? EXIT_OK;
}

/** Upstream's main switch may turn off everything this daemon does; saying so beats running idle. */
function refuseWhenOff(resolved: Resolved): void {
  if (resolved.values.enabled) return;
  const { name } = resolved.origins.enabled;
  throw new HotlinkError('ERR_HLNK_CONFIG', `${name ?? 'enabled'} turns hotlink off and leaves nothing to do; unset it or set it to 1`);
}

function whenParentLeaves(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on('end', resolve).on('error', resolve).on('close', resolve).resume();
  });
}
