// What this machine must bring: the WebRTC addon, in more than one thread at once, and enough threads. Main thread.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ADDON_CHECK_ENTRY } from '../../workers/entries.js';
import type { AddonAnswer } from '../../workers/messages.js';
import { type Check, check } from './check.js';

/** Mapping the addon takes a tenth of a second; a machine that is busy takes longer. */
const TRY_MS = 20_000;

export async function addonCheck(): Promise<Check> {
  const answer = await tryAddon();
  if (answer.ok) return check('addon', 'ok', `loaded in ${answer.threads} threads, a private image each, from ${answer.file}`);
  const hint =
    'install the package for this platform, or set TMPDIR to a directory that is not mounted noexec; direct and relay lanes still work';
  return check('addon', 'warn', `no WebRTC on this machine: ${answer.reason}`, hint);
}

function tryAddon(): Promise<AddonAnswer> {
  return new Promise((resolve) => {
    execFile(process.execPath, [fileURLToPath(ADDON_CHECK_ENTRY)], { timeout: TRY_MS }, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout) as AddonAnswer);
      } catch {
        resolve({ ok: false, reason: `it takes its process down (${error?.signal ?? `exit ${error?.code ?? 0}`})` });
      }
    });
  });
}

export function threadsCheck(threads: number): Check {
  const cores = availableParallelism();
  const detail = `${threads} channel threads on ${cores} cores, Node ${process.versions.node}`;
  if (threads > 2 * cores) return check('threads', 'warn', detail, 'more threads than twice the cores only contend; lower --threads');
  return check('threads', 'ok', detail);
}
