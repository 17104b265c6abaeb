// `hotlink status`: what a running daemon does, once or over and over. On a terminal a table; elsewhere plain lines; with --json the
// whole report, and with --watch one per line.
import type { Command } from 'commander';
import { EXIT_OK } from './exit-code.js';
import { onInterruption } from './interruption.js';
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
