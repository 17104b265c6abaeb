// `hotlink profile`: a CPU profile of every thread of a running daemon, a file each, and a flame graph beside it where 0x is installed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { HotlinkError } from '../../native-free/errors.js';
import { EXIT_OK } from './exit-code.js';
import { drawFlameGraph, findFlameTool } from './flame-graph.js';
import { onInterruption } from './interruption.js';
import { runningDaemon } from './running-daemon.js';
import { painter } from './terminal.js';

interface Flags {
  seconds: number;
  out?: string;
  json?: boolean;
}

/** Beyond the profile itself: every thread hands over a few MiB of JSON. */
const ANSWER_MS = 30_000;

/** @returns the exit code */
export async function profile(command: Command): Promise<number> {
  const { seconds, out, json } = command.opts<Flags>();
  const daemon = await runningDaemon(command);
  using interruption = onInterruption();
  const paint = painter(process.stderr);
  const directory = out ?? `hotlink-profile-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`;
  makeDirectory(directory);
  process.stderr.write(`profiling every thread of process ${daemon.address.pid} for ${seconds} s; make it work meanwhile\n`);
  const { threads } = await daemon.json<{ threads: { role: string; profile: string }[] }>(`/profile?seconds=${seconds}`, {
    method: 'POST',
    patienceMs: seconds * 1000 + ANSWER_MS,
    signal: interruption.signal,
  });
  const tool = findFlameTool();
  const files: { thread: string; profile: string; flameGraph: string | null }[] = [];
  for (const { role: name, profile: text } of threads) {
    // Whoever answers names the threads, not the files.
    const role = name.replaceAll(/[^\w-]/g, '_');
    const path = join(directory, `${role}.cpuprofile`);
    writeFileSync(path, text);
    const html = join(directory, `${role}.html`);
    const drawn = tool === undefined ? undefined : await draw(tool, path, html, role, seconds);
    if (drawn instanceof Error) process.stderr.write(`${paint('yellow', 'warning')}: ${drawn.message}\n`);
    files.push({ thread: role, profile: path, flameGraph: drawn === true ? html : null });
  }
  if (tool === undefined)
    process.stderr.write(
      'no flame graphs: 0x is not installed (npm install --global 0x, or open the files in the browser’s developer tools)\n',
    );
  process.stdout.write(
    json ? `${JSON.stringify({ seconds, files })}\n` : files.map((file) => `${file.flameGraph ?? file.profile}\n`).join(''),
  );
  return interruption.exitCode ?? EXIT_OK;
}

async function draw(tool: string, path: string, html: string, role: string, seconds: number): Promise<true | Error> {
  try {
    await drawFlameGraph(tool, path, html, `hotlink ${role}, ${seconds} s`);
    return true;
  } catch (error) {
    return error as Error;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new HotlinkError('ERR_HLNK_USAGE', `${directory} cannot be made (${(error as NodeJS.ErrnoException).code}); give another --out`, {
      cause: error,
    });
  }
}
