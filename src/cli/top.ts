// `hotlink top`: a running daemon on the whole screen, busiest channels first, with the last minute and what happened lately; q leaves.
// Where there is no terminal it is `status --watch`.
import type { Command } from 'commander';
import { EXIT_OK } from './exit-code.js';
import { onInterruption } from './interruption.js';
import { plainLines, reportLines } from './report-text.js';
import { runningDaemon } from './running-daemon.js';
import { Screen } from './screen.js';
import { watchRelay } from './status.js';
import { painter } from './terminal.js';

const LOOK_MS = 1000;
const EVENTS = 12;

/** @returns the exit code */
export async function top(command: Command): Promise<number> {
  const daemon = await runningDaemon(command);
  if (daemon.address.kind === 'relay') return watchRelay(daemon, false);
  using interruption = onInterruption();
  const quit = new AbortController();
  const signal = AbortSignal.any([interruption.signal, quit.signal]);
  if (!process.stdout.isTTY) {
    for await (const report of daemon.reports(LOOK_MS, signal)) process.stdout.write(`${plainLines(report).join('\n')}\n`);
    return interruption.exitCode ?? EXIT_OK;
  }
  const paint = painter(process.stdout);
  const screen = new Screen(process.stdout, true);
  using _keys = onKey((key) => {
    if (key === 'q' || key === '\x1b') quit.abort();
    // In raw mode the terminal makes no signal of it.
    if (key === '\x03') process.kill(process.pid, 'SIGINT');
  });
  try {
    for await (const report of daemon.reports(LOOK_MS, signal)) {
      const rate = (key: string): number => {
        const rates = report.channels.find((channel) => channel.key === key)?.rates;
        return (rates?.txBytesPerSecond ?? 0) + (rates?.rxBytesPerSecond ?? 0);
      };
      const channels = [...report.channels].sort((a, b) => rate(b.key) - rate(a.key));
      screen.draw([...reportLines({ ...report, channels }, { paint, sparks: true, events: EVENTS }), '', paint('dim', 'q leaves')]);
    }
  } finally {
    screen.close();
  }
  return interruption.exitCode ?? EXIT_OK;
}

function onKey(pressed: (key: string) => void): Disposable {
  const { stdin } = process;
  if (!stdin.isTTY) return { [Symbol.dispose]: () => undefined };
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', pressed);
  return {
    [Symbol.dispose]() {
      stdin.setRawMode(false);
      stdin.off('data', pressed);
      stdin.pause();
    },
  };
}
