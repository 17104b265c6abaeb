// Draws a `.cpuprofile` as a flame graph with 0x, where 0x is installed: it is a tool for developers, and a package that only runs
// hotlink need not carry its hundred dependencies.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, resolve as resolvePath } from 'node:path';

/** One profile takes a second; a machine that is busy takes longer. */
const DRAW_MS = 60_000;

/** @returns the path of 0x's command; undefined where it is not installed */
export function findFlameTool(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('0x/cmd.js');
  } catch {
    return undefined;
  }
}

/**
 * @param title shown above the graph
 * @throws Error when 0x cannot draw it
 */
export function drawFlameGraph(tool: string, profilePath: string, htmlPath: string, title: string): Promise<void> {
  const html = resolvePath(htmlPath);
  const args = [tool, '--visualize-cpu-profile', resolvePath(profilePath), '--output-html', html, '--title', title];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: dirname(html), timeout: DRAW_MS }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`0x could not draw ${profilePath}: ${stderr.trim().split('\n').at(-1) || error.message}`));
    });
  });
}
