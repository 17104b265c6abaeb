// Is the daemon of the data directory there and well, or did one leave its things behind? Main thread.
import { stat } from 'node:fs/promises';
import { AdminClient, type DaemonReport, livenessOf, readAddress, readHolder } from '../admin/index.js';
import { telemetryPath } from '../telemetry/index.js';
import { type Check, check } from './check.js';

/** Upstream's readers call a telemetry file older than this stale, ms. */
const STALE_MS = 15_000;
/** A thread that says nothing for so long stands still, ms. */
const STILL_MS = 5000;

export interface DaemonFindings {
  checks: Check[];
  /** The daemon's own report, when one runs. */
  report?: DaemonReport;
}

/** @param several data directories of the daemons here, when none was given and they are several */
export async function daemonChecks(dataDir: string | undefined, several: readonly string[] = []): Promise<DaemonFindings> {
  if (dataDir === undefined && several.length > 1) {
    const hint = `say which one is meant: ${several.map((dir) => `--data ${dir}`).join(', ')}`;
    return { checks: [check('daemon', 'skip', 'several daemons are running', hint)] };
  }
  if (dataDir === undefined) return { checks: [check('daemon', 'skip', 'no data directory is given (--data)')] };
  const holder = await readHolder(dataDir).catch(() => undefined);
  const address = await readAddress(dataDir);
  if (holder === undefined && address === undefined) return { checks: [check('daemon', 'skip', `none is running on ${dataDir}`)] };
  const liveness = holder === undefined ? 'gone' : livenessOf(holder);
  if (liveness === 'gone') {
    const detail = `process ${holder?.pid ?? address?.pid} left without cleaning up: it was killed, or crashed`;
    return { checks: [check('daemon', 'warn', detail, 'start it again; what it left is taken over')] };
  }
  if (liveness === 'elsewhere')
    return {
      checks: [
        check(
          'daemon',
          'warn',
          `the directory is held by process ${holder?.pid} on ${holder?.host}, another machine or container`,
          'ask there',
        ),
      ],
    };
  if (address?.kind === 'relay')
    return { checks: [check('daemon', 'skip', `a relay runs on ${dataDir}`, 'hotlink status says how it is')] };
  try {
    const report = await (await AdminClient.find(dataDir)).status();
    return { checks: [...running(report), ...(await telemetryChecks(dataDir, report.email))], report };
  } catch (error) {
    return {
      checks: [
        check(
          'daemon',
          'fail',
          `process ${holder?.pid} runs: ${(error as Error).message}`,
          'if it does not answer, take it down and start it again',
        ),
      ],
    };
  }
}

function running({ daemon, channels, threads, relay }: DaemonReport): Check[] {
  const checks = [
    check(
      'daemon',
      'ok',
      `process ${daemon.pid}, ${channels.length === 1 ? '1 channel' : `${channels.length} channels`}, relay ${relay.state}`,
    ),
  ];
  for (const { name, ageMs } of threads)
    if (ageMs > STILL_MS)
      checks.push(check(`thread ${name}`, 'fail', `has said nothing for ${Math.round(ageMs / 1000)} s`, 'take a profile: hotlink profile'));
  for (const { name, peer, problem } of channels)
    if (problem !== undefined) checks.push(check(`channel ${name} with ${peer}`, 'fail', problem, 'see the hint of the other checks'));
  return checks;
}

async function telemetryChecks(dataDir: string, email: string): Promise<Check[]> {
  try {
    const ageMs = Date.now() - (await stat(telemetryPath(dataDir, email))).mtimeMs;
    return ageMs < STALE_MS ? [] : [check('telemetry', 'warn', `not written for ${Math.round(ageMs / 1000)} s`, 'is the disk full?')];
  } catch {
    return [check('telemetry', 'warn', 'there is no telemetry file', 'may the daemon write into the data directory?')];
  }
}
