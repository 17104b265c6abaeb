// A program of its own that `hotlink doctor` runs, so that an addon that takes its process down takes this one: two threads map a private
// image of the WebRTC addon each, at the same time. One JSON line on stdout says how that went.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { cleanupAddon, loadAddon } from './addon.js';
import { addonFile } from './addon-file.js';
import type { AddonAnswer } from './messages.js';

/** Two at once prove that each gets an image of its own; one alone would not. */
const THREADS = 2;

if (isMainThread) await tryThreads();
else tryHere();

async function tryThreads(): Promise<void> {
  const threads = Array.from({ length: THREADS }, () => new Worker(new URL(import.meta.url)));
  const answers = await Promise.all(threads.map(answerOf));
  // One after the other (README.md, "The addon").
  for (const thread of threads) {
    const gone = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage('leave');
    await gone;
  }
  process.stdout.write(`${JSON.stringify(answers.find((answer) => !answer.ok) ?? answers[0])}\n`);
}

function answerOf(thread: Worker): Promise<AddonAnswer> {
  return new Promise((resolve) => {
    thread.once('message', resolve);
    thread.once('error', (error) => resolve({ ok: false, reason: error.message }));
    thread.once('exit', () => resolve({ ok: false, reason: 'the thread said nothing' }));
  });
}

function tryHere(): void {
  parentPort?.once('message', () => {
    cleanupAddon();
    parentPort?.close();
  });
  parentPort?.postMessage(look());
}

function look(): AddonAnswer {
  try {
    const file = addonFile();
    loadAddon();
    return { ok: true, threads: THREADS, file };
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}
