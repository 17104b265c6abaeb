// Puts a number of inputs to every decoder, each decoder in a process of its own:
//   node dist/test/fuzz/run.js [--inputs 1000000] [--guided 100000] [--seed 1] [--keep] [--at-once 1] [--still 60] [--list] [DECODER…]
// The first of them are guided by coverage; the rest are made, faster, from what those found. A process that dies, stands still for so many
// seconds or grows beyond its bound is a finding like a property that does not hold; the input is printed in base64 for test/fuzz/corpus. Exit code
// 1 then. --keep adds to the corpus what reached new code.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepCorpus, readCorpus } from './corpus.js';
import { decoderNames, loadDecoder } from './decoders.js';
import type { Outcome, Task } from './one.js';

/** Resident memory of a process, MiB: code, instrumented code and corpus take about 250. */
const MAX_RSS_MIB = 700;
/** Until the first input: a busy machine takes its time to instrument the code. */
const LOAD_MS = 180_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000000' },
    guided: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '1' },
    still: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const [inputs = 0, guided = 0, seed = 0, atOnce = 0, still = 0] = [
  values.inputs,
  values.guided,
  values.seed,
  values['at-once'],
  values.still,
].map(Number);
const unknown = positionals.filter((name) => !decoderNames.includes(name) && !name.startsWith('planted-'));
if (![inputs, guided, seed, atOnce, still].every((number) => Number.isSafeInteger(number) && number >= 1) || unknown.length > 0) {
  console.error(
    'usage: node dist/test/fuzz/run.js [--inputs N] [--guided N] [--seed S] [--keep] [--at-once N] [--still SECONDS] [--list] [DECODER…]',
  );
  console.error(`decoders: ${decoderNames.join(' ')}`);
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
await Promise.all(Array.from({ length: atOnce }, work));
rmSync(home, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

async function work(): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    try {
      report(name, await fuzzOne(name));
    } catch (error) {
      failed = true;
      console.error(`FINDING ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

function report(name: string, { done, seconds, branches, found, slowestMs, rssMib }: Outcome): void {
  const cells = [String(done).padStart(9), seconds.toFixed(1).padStart(8), String(Math.round(done / seconds)).padStart(11)];
  cells.push(
    String(branches).padStart(9),
    String(found.length).padStart(7),
    slowestMs.toFixed(1).padStart(11),
    rssMib.toFixed(0).padStart(11),
  );
  console.log(`${name.padEnd(18)} ${cells.join(' ')}`);
  if (!values.keep || found.length === 0) return;
  const kept = [...readCorpus(name), ...found.map((input) => Buffer.from(input, 'base64'))];
  console.log(`${' '.repeat(18)} ${keepCorpus(name, kept)} in the corpus`);
}

/** Guided first, then the rest. @throws Error with what was found */
async function fuzzOne(name: string): Promise<Outcome> {
  const first = Math.min(inputs, guided);
  const task: Task = { name, inputs: first, seed, guided: true, currentFile: join(home, name), corpus: [] };
  const led = await inProcess(task);
  if (led.done >= inputs) return led;
  const rest = await inProcess({ ...task, inputs: inputs - led.done, seed: seed + 1, guided: false, corpus: led.found });
  return {
    done: led.done + rest.done,
    seconds: led.seconds + rest.seconds,
    slowestMs: Math.max(led.slowestMs, rest.slowestMs),
    branches: led.branches,
    found: led.found,
    rssMib: Math.max(led.rssMib, rest.rssMib),
  };
}

function inProcess(task: Task): Promise<Outcome> {
  const file = `${task.currentFile}.task`;
  writeFileSync(file, JSON.stringify(task));
  const child = fork(join(import.meta.dirname, 'one.js'), [file], {
    execArgv: ['--max-old-space-size=512'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let words = '';
  child.stderr?.on('data', (chunk) => {
    words = `${words}${chunk}`.slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined;
    let done = 0;
    let isStill = false;
    const tooStill = (): void => {
      isStill = true;
      child.kill('SIGKILL');
    };
    let watch = setTimeout(tooStill, LOAD_MS);
    child.on('message', (message: { done?: number; outcome?: Outcome }) => {
      clearTimeout(watch);
      watch = setTimeout(tooStill, still * 1000);
      done = message.done ?? done;
      outcome = message.outcome ?? outcome;
    });
    child.on('close', (code, signal) => {
      clearTimeout(watch);
      const input = underWay(task.currentFile);
      if (isStill) reject(new Error(`stands still after ${done} inputs${input}`));
      else if (code === 77) reject(new Error(`after ${done} inputs: ${words}`));
      else if (code !== 0 || outcome === undefined)
        reject(new Error(`the process ended with ${signal ?? code} after ${done} inputs: ${words}${input}`));
      else if (outcome.rssMib > MAX_RSS_MIB) reject(new Error(`the process grew to ${outcome.rssMib.toFixed(0)} MiB`));
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
