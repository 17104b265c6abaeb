// One decoder in a process of its own, told by its parent (run.ts) in a file of JSON what to do. Progress, and the outcome at the end, go to
// the parent as messages; a finding goes to stderr, and the process ends with 77. Guided, code is instrumented as it is loaded, so everything but
// the instrumentation is imported behind it.
import { openSync, readFileSync } from 'node:fs';
import { Coverage } from './coverage.js';

export interface Task {
  name: string;
  inputs: number;
  seed: number;
  guided: boolean;
  /** Where the input under way is written. */
  currentFile: string;
  /** Found by an earlier process, base64. */
  corpus: string[];
}

export interface Outcome {
  done: number;
  seconds: number;
  slowestMs: number;
  branches: number;
  /** Inputs that reached something new, base64. */
  found: string[];
  rssMib: number;
}

const { name, inputs, seed, guided, currentFile, corpus } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Task;
const coverage = guided ? Coverage.instrument() : undefined;
const { loadDecoder } = await import('./decoders.js');
const { Finding, fuzz } = await import('./fuzzer.js');
const { readCorpus } = await import('./corpus.js');

const decoder = await loadDecoder(name);
// Without its parent nobody would hear of what it finds.
process.on('disconnect', () => process.exit(1));
await decoder.start?.();
process.send?.({ done: 0 });
try {
  const { done, seconds, slowestMs, branches, found } = await fuzz(decoder, {
    inputs,
    seed,
    corpus: [...readCorpus(name), ...corpus.map((input) => Buffer.from(input, 'base64'))],
    coverage,
    currentFile: openSync(currentFile, 'w'),
    progress: (soFar) => process.send?.({ done: soFar }),
  });
  await decoder.stop?.();
  const rssMib = process.resourceUsage().maxRSS / 1024;
  const outcome: Outcome = {
    done,
    seconds,
    slowestMs,
    branches,
    found: found.map((input) => Buffer.from(input).toString('base64')),
    rssMib,
  };
  process.send?.({ outcome }, () => process.exit(0));
} catch (error) {
  if (!(error instanceof Finding)) throw error;
  process.stderr.write(`${error.message}\ninput: ${Buffer.from(error.input).toString('base64')}\n`);
  // Whatever the decoder left behind must not keep the process.
  process.exit(77);
}
