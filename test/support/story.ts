// Stories in documents: commands that a reader is told to type, taken from the Markdown itself, run in a temporary directory, and held against the
// output shown below them.
//
//   <!-- story: NAME PORT PORT … -->   begins one; the ports it shows are replaced by free ones
//   <!-- stays -->                     the next command runs on, as in a terminal of its own
//   <!-- again -->                     the next commands are repeated until they say what is shown, as a person would look again
//   <!-- exit: N -->                   the next commands end with N instead of 0
//   <!-- end: WORDS -->                first, the command with these words in it that stays is ended, as by Ctrl-C
//   <!-- story ends -->
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, until } from './sandbox.js';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
/** For one step, ms: machines that run tests are busy. */
const STEP_MS = 60_000;

export interface Step {
  language: 'sh' | 'js';
  code: string;
  /** Lines of the output shown, in any order among others. */
  shown: string[];
  stays: boolean;
  again: boolean;
  exitCode: number;
  /** Words of the command to end before this one. */
  ends?: string;
}

export interface Story {
  name: string;
  ports: number[];
  steps: Step[];
}

export function storiesIn(markdown: string): Story[] {
  return [...markdown.matchAll(/^<!-- story: (\S+)((?: \d+)*) -->\n(.*?)^<!-- story ends -->$/gms)].map(([, name, ports, text]) => ({
    name: name as string,
    ports: (ports as string).split(' ').filter(Boolean).map(Number),
    steps: stepsIn(text as string),
  }));
}

function stepsIn(text: string): Step[] {
  const steps: Step[] = [];
  let notes: string[] = [];
  for (const [, note, language, code] of text.matchAll(/^<!-- (.*?) -->$|^```(\w*)\n(.*?)^```$/gms)) {
    if (note !== undefined) notes.push(note);
    else if (language === 'sh' || language === 'js') {
      const ends = after(notes, 'end: ');
      const exit = after(notes, 'exit: ');
      steps.push({
        language,
        code: code as string,
        shown: [],
        stays: notes.includes('stays'),
        again: notes.includes('again'),
        exitCode: exit === undefined ? 0 : Number(exit),
        ...(ends === undefined ? {} : { ends }),
      });
      notes = [];
    } else steps.at(-1)?.shown.push(...(code as string).split('\n').filter((line) => line.trim() !== ''));
  }
  return steps;
}

const after = (notes: readonly string[], word: string): string | undefined =>
  notes.find((note) => note.startsWith(word))?.slice(word.length);

/** Figures belong to the hour: each becomes `#`, with its unit, and so does the dash of none. Columns are as wide as their figures. */
function plain(line: string): string {
  return line
    .replaceAll(/\d+(?:\.\d+)?(?: (?:ms|s|min|h|B|KiB|MiB|GiB)\b(?:\/s)?)?|–/g, '#')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/#(?: #)+/g, '#')
    .trim();
}

/** Lines that were shown and not said. */
export function missing(shown: readonly string[], said: string): string[] {
  const lines = new Set(said.split('\n').map(plain));
  return shown.filter((line) => !lines.has(plain(line)));
}

interface Staying {
  code: string;
  child: ChildProcess;
  said: () => string;
}

/** Runs a story to its end; whatever was started is gone then. @throws Error that says which step did not do what is shown */
export async function runStory({ ports, steps }: Story): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'hotlink-story-'));
  const staying: Staying[] = [];
  const free = new Map<number, number>();
  for (const port of ports) free.set(port, await freePort());
  const env = prepare(home);
  const begin = ({ code, language }: Step): Staying => {
    const text = ports.reduce((words, port) => words.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(free.get(port))), code);
    if (language === 'js') writeFileSync(join(home, 'program.mjs'), text);
    const [file, args] = language === 'js' ? [process.execPath, ['program.mjs']] : ['bash', ['-ec', text]];
    // A group of its own, so that what a shell started ends with it.
    const child = spawn(file as string, args as string[], { cwd: home, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data) => {
        said += data;
      });
    return { code, child, said: () => said };
  };
  try {
    for (const step of steps) {
      if (step.ends !== undefined) await end(staying, step.ends);
      if (step.stays) {
        const one = begin(step);
        staying.push(one);
        await until(
          `it says what is shown below: ${step.code}`,
          () => one.child.exitCode !== null || missing(step.shown, one.said()).length === 0,
          STEP_MS,
        );
        if (one.child.exitCode !== null) throw new Error(`left with ${one.child.exitCode}: ${step.code}\n${one.said()}`);
      } else await perform(step, begin);
    }
  } finally {
    await Promise.all(staying.map(({ child }) => leave(child)));
    rmSync(home, { recursive: true, force: true });
  }
}

async function perform(step: Step, begin: (step: Step) => Staying): Promise<void> {
  const deadline = performance.now() + STEP_MS;
  for (;;) {
    const { child, said } = begin(step);
    const [code] = (await once(child, 'close')) as [number | null];
    const lacks = missing(step.shown, said());
    if (code === step.exitCode && lacks.length === 0) return;
    if (!step.again || performance.now() > deadline)
      throw new Error(`exit ${code}: ${step.code}\nnot said: ${JSON.stringify(lacks)}\nsaid: ${said()}`);
  }
}

/** The command on the path, the package to import, and no settings or daemons of anybody else. */
function prepare(home: string): NodeJS.ProcessEnv {
  mkdirSync(join(home, '.bin'));
  writeFileSync(join(home, '.bin/hotlink'), `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`, { mode: 0o755 });
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(root, join(home, 'node_modules/hotlink'));
  return { PATH: `${join(home, '.bin')}:${process.env['PATH']}`, HOME: home, XDG_RUNTIME_DIR: home };
}

async function end(staying: readonly Staying[], words: string): Promise<void> {
  const one = staying.find(({ code }) => code.startsWith(words));
  if (one === undefined) throw new Error(`no command begins with: ${words}`);
  await leave(one.child);
}

async function leave(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'close');
  process.kill(-child.pid, 'SIGINT');
  await gone;
}
