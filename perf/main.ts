// `npm run perf -- NAME`: runs one benchmark, or all, keeps the JSON and prints tables (or the JSON). `report` makes a page of what was kept.
import { Command, InvalidArgumentError, Option } from 'commander';
import { onInterruption } from '../src/cli/interruption.js';
import { perfAcks } from './benches/acks.js';
import type { BenchRun } from './benches/bench.js';
import { BENCHES } from './benches/index.js';
import { goalsText, verdicts } from './goals.js';
import { writeReport } from './report.js';
import { keepResult, keptResults, type PerfResult } from './results.js';
import { text } from './tables.js';

/** Of one benchmark; of all of them each gets less, so that they are done within the hour. */
const MINUTES = 9;
const MINUTES_OF_ALL = 5;

interface Flags {
  repeat: number;
  minutes: number;
  scale: number;
  only?: string;
  json?: boolean;
}

const program = new Command('perf').description('benchmarks; every run is kept in perf/results').showHelpAfterError();
// Wrong usage is exit 2 here as in the product; commander's own code is 1.
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

for (const [name, words, bench] of BENCHES) {
  addFlags(program.command(name).description(words)).action((flags: Flags) => measure(flags, [bench]));
}
addFlags(program.command('all').description('every benchmark, one after the other; within an hour'), MINUTES_OF_ALL).action(
  (flags: Flags) =>
    measure(
      flags,
      BENCHES.map(([, , bench]) => bench),
    ),
);

program
  .command('acks')
  .description('our burst with acknowledgements and credit, and without, in turns')
  .addOption(new Option('--count <frames>', 'frames of 1.6 MiB per transfer').argParser(wholeNumber).default(300))
  .addOption(new Option('--repeat <n>', 'pairs').argParser(wholeNumber).default(6))
  .addOption(new Option('--minutes <n>', 'begins no pair that would end later').argParser(positive).default(MINUTES))
  .option('--sha256', 'the applications hash both ends as well')
  .option('--json', 'the result as one JSON value')
  .action((flags: { count: number; repeat: number; minutes: number; sha256?: boolean; json?: boolean }) => {
    const options = { frameCount: flags.count, repeat: flags.repeat, sha256: flags.sha256 === true };
    return measure({ ...flags, scale: 1 }, [({ budgetMs, signal, talk }) => perfAcks({ ...options, budgetMs, signal, talk })]);
  });

program
  .command('goals')
  .description('what was to be reached, and what the newest results say of it; measures nothing')
  .option('--json', 'the lines as one JSON array')
  .action(async ({ json }: { json?: boolean }) => {
    const found = verdicts(await keptResults());
    process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${goalsText(found)}\n`);
  });

program
  .command('report')
  .description('one page, self-contained, of the newest result of each benchmark')
  .option('--out <file>', 'where to', 'perf/results/report.html')
  .action(async ({ out }: { out: string }) => {
    await writeReport(out);
    process.stdout.write(`${out}\n`);
  });

await program.parseAsync();

function addFlags(command: Command, minutes = MINUTES): Command {
  return command
    .addOption(new Option('--repeat <n>', 'interleaved repetitions, if there is time').argParser(wholeNumber).default(5))
    .addOption(new Option('--minutes <n>', 'begins no repetition that would end later').argParser(positive).default(minutes))
    .addOption(new Option('--scale <factor>', 'multiplies what is carried; 0.05 for a look').argParser(positive).default(1))
    .option('--only <text>', 'of those we are compared with (wan: of the links), only what has this in its name')
    .option('--json', 'the result as one JSON value (all: an array)');
}

async function measure(flags: Flags, benches: readonly ((run: BenchRun) => Promise<PerfResult>)[]): Promise<void> {
  using interruption = onInterruption();
  const talk = (line: string): void => void process.stderr.write(`${line}\n`);
  const results: PerfResult[] = [];
  try {
    for (const bench of benches) {
      const { repeat, minutes, scale, only } = flags;
      const budgetMs = minutes * 60_000;
      const result = await bench({ repeat, budgetMs, scale, signal: interruption.signal, talk, ...(only === undefined ? {} : { only }) });
      results.push(result);
      talk(`kept in ${await keepResult(result)}`);
      if (!flags.json) process.stdout.write(`${text(result)}\n\n`);
    }
    if (flags.json) process.stdout.write(`${JSON.stringify(benches.length === 1 ? results[0] : results)}\n`);
  } catch (error) {
    process.stderr.write(`perf: ${(error as Error).message}\n`);
    process.exitCode = interruption.exitCode ?? 1;
  }
}

function wholeNumber(words: string): number {
  const value = Number(words);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 is expected.');
  return value;
}

function positive(words: string): number {
  const value = Number(words);
  if (!(value > 0 && value <= 100)) throw new InvalidArgumentError('A factor above 0, up to 100, is expected.');
  return value;
}
