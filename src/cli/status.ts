// `hotlink status`: what a running daemon does, once or over and over. On a terminal a table; elsewhere plain lines; with --json the
// whole report, and with --watch one per line.
import type { Command } from 'commander';
import type { AdminClient, RelayReport } from '../admin/index.js';
import { EXIT_OK } from './exit-code.js';
import { onInterruption } from './interruption.js';
import { relayLine, relayLines } from './relay-text.js';
import { plainLines, reportLines } from './report-text.js';
import { runningDaemon } from './running-daemon.js';
import { Screen } from './screen.js';
import { painter } from './terminal.js';

/** Between two looks, ms: a lane switch is seen within two of them. */
const WATCH_MS = 1000;

interface Flags {
  json?: boolean;
  watch?: boolean;
}

/** @returns the exit code */
export async function status(command: Command): Promise<number> {
  const { json, watch } = command.opts<Flags>();
  const daemon = await runningDaemon(command);
  const paint = painter(process.stdout);
  if (daemon.address.kind === 'relay') return relayStatus(daemon, { json: json === true, watch: watch === true });
  if (!watch) {
    const report = await daemon.status();
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${reportLines(report, { paint, sparks: false, events: 0 }).join('\n')}\n`);
    return EXIT_OK;
  }
  using interruption = onInterruption();
  const screen = !json && process.stdout.isTTY ? new Screen(process.stdout, false) : undefined;
  try {
    for await (const report of daemon.reports(WATCH_MS, interruption.signal)) {
      if (screen !== undefined) screen.draw(reportLines(report, { paint, sparks: true, events: 0 }));
      else process.stdout.write(`${json ? JSON.stringify(report) : plainLines(report).join('\n')}\n`);
    }
  } finally {
    screen?.close();
  }
  return interruption.exitCode ?? EXIT_OK;
}

/** The same of a relay. */
async function relayStatus(relay: AdminClient, { json, watch }: { json: boolean; watch: boolean }): Promise<number> {
  const paint = painter(process.stdout);
  if (!watch) {
    const report = await relay.status<RelayReport>();
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${relayLines(report, paint).join('\n')}\n`);
    return EXIT_OK;
  }
  return watchRelay(relay, json);
}

/** On a terminal the whole report over and over, elsewhere a line each. @returns the exit code */
export async function watchRelay(relay: AdminClient, json: boolean): Promise<number> {
  using interruption = onInterruption();
  const screen = !json && process.stdout.isTTY ? new Screen(process.stdout, false) : undefined;
  try {
    for await (const report of relay.reports<RelayReport>(WATCH_MS, interruption.signal)) {
      if (screen !== undefined) screen.draw(relayLines(report, painter(process.stdout)));
      else process.stdout.write(`${json ? JSON.stringify(report) : relayLine(report)}\n`);
    }
  } finally {
    screen?.close();
  }
  return interruption.exitCode ?? EXIT_OK;
}
