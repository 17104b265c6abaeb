// One decoder in a process of its own: node dist/test/fuzz/one.js DECODER INPUTS SEED CURRENT-FILE KEEP. Progress, and the outcome at the end,
// go to the parent (run.ts) as messages; a finding goes to stderr, and the process ends with 77. Code is instrumented as it is loaded, so everything
// but the instrumentation is imported behind it.
import { openSync } from 'node:fs';
import { Coverage } from './coverage.js';

const [name = '', inputs = '0', seed = '1', currentFile = '', keep = ''] = process.argv.slice(2);
const coverage = Coverage.instrument();
const { loadDecoder } = await import('./decoders.js');
const { Finding, fuzz } = await import('./fuzzer.js');
const { keepCorpus, readCorpus } = await import('./corpus.js');

const decoder = await loadDecoder(name);
// Without its parent nobody would hear of what it finds.
process.on('disconnect', () => process.exit(1));
await decoder.start?.();
process.send?.({ done: 0 });
try {
  const outcome = await fuzz(decoder, {
    inputs: Number(inputs),
    seed: Number(seed),
    corpus: readCorpus(name),
    coverage,
    currentFile: currentFile === '' ? undefined : openSync(currentFile, 'w'),
    progress: (done) => process.send?.({ done }),
  });
  const kept = keep === 'keep' ? keepCorpus(name, [...readCorpus(name), ...outcome.found]) : 0;
  const { done, seconds, slowestMs, branches, found } = outcome;
  process.send?.({
    outcome: { done, seconds, slowestMs, branches, found: found.length, kept, rssMib: process.resourceUsage().maxRSS / 1024 },
  });
  await decoder.stop?.();
} catch (error) {
  if (!(error instanceof Finding)) throw error;
  process.stderr.write(`${error.message}\ninput: ${Buffer.from(error.input).toString('base64')}\n`);
  process.exitCode = 77;
  // Whatever the decoder left behind must not keep the process.
  process.exit();
}
process.exit(0);
