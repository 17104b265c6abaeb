// A small run of every fuzzer, and the fuzzer put to the test: faults that were planted are found. The large run is `node dist/test/fuzz/run.js`.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCorpus } from './corpus.js';
import { decoderNames, loadDecoder } from './decoders.js';
import { fuzz } from './fuzzer.js';

/** Inputs per decoder without a network between: some 100 ms each. */
const INPUTS = 1000;
/** For those that ask a real server or the addon. */
const FEW_INPUTS = 150;
/** A process that instruments its code first takes a while on a busy machine. */
const PATIENCE_MS = 180_000;
const slow = new Set(['relay-request', 'admin-request']);

interface Run {
  code: number;
  text: string;
}

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'run.js'), ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr });
    });
  });
}

describe('what a stranger may send', () => {
  // The addon's process may end with the fault, so it has one of its own.
  for (const name of decoderNames.filter((one) => one !== 'addon-sdp')) {
    it(
      `never throws, hangs or grows a decoder: ${name}`,
      async () => {
        const decoder = await loadDecoder(name);
        await decoder.start?.();
        const inputs = slow.has(decoder.name) ? FEW_INPUTS : INPUTS;
        try {
          const { done } = await fuzz(decoder, { inputs, seed: 20_261_120, corpus: readCorpus(decoder.name) });
          expect(done).toBeGreaterThanOrEqual(inputs);
        } finally {
          await decoder.stop?.();
        }
      },
      PATIENCE_MS,
    );
  }

  it(
    'never ends the process from within the addon',
    async () => {
      const { code, text } = await run('--inputs', '400', 'addon-sdp');
      expect(text).toMatch(/^addon-sdp +\d{3}/m);
      expect(code).toBe(0);
    },
    PATIENCE_MS,
  );
});

describe('the fuzzer', () => {
  it.each([
    ['planted-depth', '100000', /after \d+ inputs: planted-depth: Error: does not hold: nobody says hunt!/],
    ['planted-word', '20000', /nobody says the word/],
    ['planted-slow', '20000', /planted-slow: one input of \d+ bytes takes \d{3} ms/],
    ['planted-hang', '20000', /FINDING planted-hang: stands still after \d+ inputs\ninput: /],
    ['planted-bomb', '20000', /planted-bomb: one input of \d+ bytes allocates more than 16777216 bytes/],
    ['planted-abort', '20000', /FINDING planted-abort: the process ended with SIGABRT after \d+ inputs/],
  ])(
    'finds %s, and prints the input',
    async (name, inputs, words) => {
      const { code, text } = await run('--inputs', inputs, '--still', name === 'planted-hang' ? '5' : '100', name);
      expect(text).toMatch(words);
      expect(/^input: (\S+)$/m.exec(text)?.[1] ?? '').not.toBe('');
      expect(code).toBe(1);
    },
    PATIENCE_MS,
  );
});
