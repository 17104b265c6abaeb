// The hotlink commands that documents, units and images show, and what the program says of itself, to hold one against the other.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const entry = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const run = promisify(execFile);

export interface ShownCommand {
  file: string;
  verb: string;
  flags: string[];
}

/**
 * Commands in code: of Markdown only fenced blocks count, of anything else every line. `docker run … hotlink up --email E` is one, too.
 * Lists of words as in `["hotlink", "status"]` are read as lines.
 */
export function commandsIn(file: string, text: string): ShownCommand[] {
  const code = file.endsWith('.md') ? [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block).join('\n') : text;
  return code
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').replaceAll(/[[\]",]+/g, ' '))
    .flatMap((line) => [...line.matchAll(/(?:^|[\s$(])(?:hotlink|node \$hotlink|CMD(?=\s+(?:up|relay)\s)) +([a-z]+)([^|;&]*)/g)])
    .map(([, verb, rest]) => ({
      file,
      verb: verb as string,
      flags: [...(rest as string).matchAll(/(?:^|\s)(--[a-z][a-z-]*)/g)].map(([, flag]) => flag as string),
    }));
}

async function help(words: readonly string[]): Promise<string> {
  return (await run(process.execPath, [entry, ...words, '--help'])).stdout;
}

export async function verbsOf(words: readonly string[]): Promise<string[]> {
  return [...(await help(words)).matchAll(/^ {2}([a-z]+)(?: \[|\s)/gm)].map(([, verb]) => verb as string);
}

export async function flagsOf(verb: string): Promise<string[]> {
  const words = [verb];
  const subcommands = (await help(words)).includes('\nCommands:') ? (await verbsOf(words)).filter((one) => one !== 'help') : [];
  const all = await Promise.all([help(words), ...subcommands.map((one) => help([verb, one]))]);
  return all.flatMap((text) => [...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag));
}

/** What is wrong with them, a sentence each: verbs and flags that there are not. */
export async function mistakesIn(shown: readonly ShownCommand[]): Promise<string[]> {
  const verbs = await verbsOf([]);
  const wrong: string[] = [];
  for (const verb of new Set(shown.map((one) => one.verb))) {
    const using = shown.filter((one) => one.verb === verb);
    const flags = verbs.includes(verb) ? await flagsOf(verb) : undefined;
    if (flags === undefined) wrong.push(...using.map(({ file }) => `${file}: there is no hotlink ${verb}`));
    else
      for (const one of using)
        for (const flag of one.flags) if (!flags.includes(flag)) wrong.push(`${one.file}: hotlink ${verb} has no ${flag}`);
  }
  return wrong;
}
