// `npm run perf -- NAME`: dispatches to one benchmark, keeps its JSON, prints a table (or the JSON).
import { Command, InvalidArgumentError, Option } from 'commander';
import { table } from '../src/bench/text-table.js';
import { onInterruption } from '../src/cli/interruption.js';
import { perfAcks } from './acks.js';
import { perfBurst } from './burst.js';
import { type IpcPerfOptions, perfIpc } from './ipc.js';
import { keepResult, type PerfResult } from './results.js';

interface Flags {
  json?: boolean;
  count: number;
  repeat: number;
  mtu?: number;
  links: 1 | 3;
  sha256?: boolean;
}

const program = new Command('perf').description('benchmarks; every run is kept in perf/results').showHelpAfterError();
// Wrong usage is exit 2 here as in the product; commander's own code is 1.
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

for (const [name, description] of [
  ['burst', 'our burst, a bare data channel and plain TCP in turns'],
  ['all', 'every benchmark'],
] as const) {
  program
    .command(name)
    .description(description)
    .addOption(new Option('--count <frames>', 'frames of 1.6 MiB per transfer').argParser(wholeNumber).default(150))
    .addOption(new Option('--repeat <n>', 'rounds').argParser(wholeNumber).default(5))
    .addOption(new Option('--mtu <bytes>', 'packet size of ours and of the bare pair').argParser(wholeNumber))
    .addOption(new Option('--links <n>', 'one link or all three, one after the other').argParser(oneOrThree).default(1))
    .option('--sha256', 'the applications hash both ends as well')
    .option('--json', 'the result as one JSON value')
    .action(burst);
}

program
  .command('acks')
  .description('our burst with acknowledgements and credit, and without, in turns')
  .addOption(new Option('--count <frames>', 'frames of 1.6 MiB per transfer').argParser(wholeNumber).default(300))
  .addOption(new Option('--repeat <n>', 'pairs').argParser(wholeNumber).default(6))
  .option('--sha256', 'the applications hash both ends as well')
  .option('--json', 'the result as one JSON value')
  .action((flags: Flags) => measure(flags, (common) => perfAcks({ frameCount: flags.count, repeat: flags.repeat, ...common })));

program
  .command('ipc')
  .description('how long a frame of local IPC is under way, against a bare unix socket')
  .addOption(new Option('--frames <n>', 'frames per size and round').argParser(wholeNumber).default(1000))
  .addOption(new Option('--repeat <n>', 'rounds').argParser(wholeNumber).default(3))
  .addOption(new Option('--lane <lane>', 'what carries').choices(['relay', 'webrtc', 'direct', 'auto']).default('relay'))
  .option('--json', 'the result as one JSON value')
  .action((flags: Flags & Pick<IpcPerfOptions, 'frames' | 'lane'>) =>
    measure(flags, (common) => perfIpc({ frames: flags.frames, repeat: flags.repeat, lane: flags.lane, ...common })),
  );

await program.parseAsync();

function burst(flags: Flags): Promise<void> {
  const { count, repeat, links, mtu } = flags;
  return measure(flags, (common) => perfBurst({ frameCount: count, repeat, links, ...common, ...(mtu === undefined ? {} : { mtu }) }));
}

interface Common {
  sha256: boolean;
  signal: AbortSignal;
  talk: (text: string) => void;
}

async function measure(flags: Flags, run: (common: Common) => Promise<PerfResult>): Promise<void> {
  using interruption = onInterruption();
  try {
    const talk = (text: string): void => void process.stderr.write(`${text}\n`);
    const result = await run({ sha256: flags.sha256 === true, signal: interruption.signal, talk });
    process.stderr.write(`kept in ${await keepResult(result)}\n`);
    process.stdout.write(`${flags.json ? JSON.stringify(result) : text(result)}\n`);
  } catch (error) {
    process.stderr.write(`perf: ${(error as Error).message}\n`);
    process.exitCode = interruption.exitCode ?? 1;
  }
}

function text(result: PerfResult): string {
  const { cores, model, node, platform } = result.machine;
  const rows = result.series.map((one) => [one.name, ...[one.median, one.min, one.max].map((value) => value.toFixed(1)), one.unit]);
  const ratios = Object.entries(result.ratios).map(([name, value]) => `${name}: ${value.toFixed(2)}`);
  return [
    table(['', 'median', 'min', 'max', ''], rows, [1, 2, 3]),
    ratios.join('\n'),
    `${cores} cores of ${model}, Node ${node}, ${platform}`,
  ].join('\n\n');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 is expected.');
  return value;
}

function oneOrThree(text: string): 1 | 3 {
  if (text !== '1' && text !== '3') throw new InvalidArgumentError('1 or 3 is expected.');
  return text === '1' ? 1 : 3;
}
