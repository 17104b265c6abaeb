// Puts a number of inputs to every decoder, coverage-guided, each decoder in a process of its own:
//   node dist/test/fuzz/run.js [--inputs 1000000] [--seed 1] [--keep] [--at-once 2] [--still 30] [--list] [DECODER…]
// A process that dies, stands still for so many seconds or grows beyond its bound is a finding like a property that does not hold; the input is printed
// in base64 for test/fuzz/corpus. Exit code 1 then. --keep adds to the corpus what reached new code.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { decoderNames, loadDecoder } from './decoders.js';

/** Resident memory of a process, MiB: code, instrumented code and corpus take about 250. */
const MAX_RSS_MIB = 700;

interface Outcome {
  done: number;
  seconds: number;
  slowestMs: number;
  branches: number;
  found: number;
  kept: number;
  rssMib: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '1' },
    still: { type: 'string', default: '30' },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const inputs = Number(values.inputs);
/** Without progress for this long a process stands still. */
const stillMs = Number(values.still) * 1000;
/** Until the first input: a busy machine takes its time to instrument the code. */
const LOAD_MS = 180_000;
const unknown = positionals.filter((name) => !decoderNames.includes(name) && !name.startsWith('planted-'));
if (!Number.isSafeInteger(inputs) || inputs < 1 || unknown.length > 0) {
  console.error(
    `usage: node dist/test/fuzz/run.js [--inputs N] [--seed S] [--keep] [--at-once N] [--list] [DECODER…]\ndecoders: ${decoderNames.join(' ')}`,
  );
  process.exit(64);
}
if (values.list) {
  for (const name of decoderNames) console.log(`${name.padEnd(18)} ${(await loadDecoder(name)).what}`);
  process.exit(0);
}

const home = mkdtempSync(join(tmpdir(), 'hotlink-fuzz-'));
const queue = positionals.length > 0 ? positionals : [...decoderNames];
let failed = false;
console.log('decoder               inputs  seconds  per second  branches   found  slowest ms  memory MiB');
await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
rmSync(home, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

async function work(): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const result = await fuzzOne(name);
    if (typeof result === 'string') {
      failed = true;
      console.error(`FINDING ${name}: ${result}`);
      continue;
    }
    const { done, seconds, branches, found, slowestMs, rssMib, kept } = result;
    const cells = [String(done).padStart(9), seconds.toFixed(1).padStart(8), String(Math.round(done / seconds)).padStart(11)];
    cells.push(String(branches).padStart(9), String(found).padStart(7), slowestMs.toFixed(1).padStart(11), rssMib.toFixed(0).padStart(11));
    console.log(`${name.padEnd(18)} ${cells.join(' ')}${kept > 0 ? `   ${kept} kept` : ''}`);
  }
}

/** @returns the outcome, or what was found */
function fuzzOne(name: string): Promise<Outcome | string> {
  const current = join(home, name);
  const one = join(import.meta.dirname, 'one.js');
  const child: ChildProcess = fork(one, [name, String(inputs), values.seed, current, values.keep ? 'keep' : ''], {
    execArgv: ['--max-old-space-size=512'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let words = '';
  child.stderr?.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-20_000);
  });
  return new Promise((resolve) => {
    let outcome: Outcome | undefined;
    let done = 0;
    let still = false;
    const tooStill = (): void => {
      still = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(tooStill, LOAD_MS);
    child.on('message', (message: { done?: number; outcome?: Outcome }) => {
      clearTimeout(watch);
      watch = setTimeout(tooStill, stillMs);
      done = message.done ?? done;
      outcome = message.outcome ?? outcome;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(watch);
      if (still) resolve(`stands still after ${done} inputs${underWay(current)}`);
      else if (code === 77) resolve(`after ${done} inputs: ${words}`);
      else if (code !== 0 || outcome === undefined)
        resolve(`the process ended with ${signal ?? code} after ${done} inputs: ${words}${underWay(current)}`);
      else if (outcome.rssMib > MAX_RSS_MIB) resolve(`the process grew to ${outcome.rssMib.toFixed(0)} MiB`);
      else resolve(outcome);
    });
  });
}

/** The input that a dead process was at. */
function underWay(file: string): string {
  try {
    const bytes = readFileSync(file);
    return `\ninput: ${bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('base64')}`;
  } catch {
    return '';
  }
}
