// What the documents tell a reader to type, typed: stories are run as they stand in the file and held against the output shown there; every other
// command is held against what the program says of itself. Numbers of the code that documents repeat are the code's.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examplesText } from '../../src/cli/examples.js';
import * as exits from '../../src/cli/exit-code.js';
import { settings } from '../../src/config/index.js';
import { absent, have } from '../support/absent.js';
import { hotlink } from '../support/command.js';
import { commandsIn, mistakesIn, verbsOf } from '../support/shown-commands.js';
import { runStory, storiesIn } from '../support/story.js';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const DOCUMENTS = ['.', 'docs', 'deploy', 'examples', 'native-free', 'workers', 'src', 'perf', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

describe('the story', () => {
  const needs: Readonly<Record<string, string>> = { redis: 'redis-server' };
  for (const file of DOCUMENTS)
    for (const story of storiesIn(read(file))) {
      const need = needs[story.name] ?? 'bash';
      it.skipIf(absent(`the story ${story.name}`, have(need) ? undefined : `${need} is not installed`))(
        `${story.name} of ${file} goes as it is told`,
        { timeout: 240_000 },
        () => runStory(story),
      );
    }

  it('is told where it should be', () => {
    const told = DOCUMENTS.flatMap((file) => storiesIn(read(file)).map(({ name, steps }) => `${file}: ${name} ${steps.length > 0}`));
    expect(told).toEqual([
      'README.md: redis true',
      'README.md: program true',
      'docs/embedding.md: signaling true',
      'docs/errors.md: errors true',
      'docs/markers.md: markers true',
      'docs/relay-in-a-program.md: relay true',
      'docs/streams.md: streams true',
    ]);
  });
});

describe('what is shown', () => {
  it('are commands that exist, with flags that they have', { timeout: 120_000 }, async () => {
    const shown = DOCUMENTS.flatMap((file) => {
      const spans = [...read(file).matchAll(/`((?:[^`\n]*\| )?hotlink [a-z][^`\n]*)`/g)].map(([, code]) =>
        (code as string).replace('\\|', '|'),
      );
      return [...commandsIn(file, read(file)), ...commandsIn('in a line', spans.join('\n')).map((one) => ({ ...one, file }))];
    });
    expect(shown.filter(({ file }) => file === 'README.md').length).toBeGreaterThan(20);
    expect(await mistakesIn(shown)).toEqual([]);
  });

  it('stands under the help of every verb, as commands that exist', { timeout: 120_000 }, async () => {
    const verbs = (await verbsOf([])).filter((verb) => verb !== 'help');
    const of = async (verb: string): Promise<string[]> =>
      /^(bench|config)$/.test(verb) ? (await verbsOf([verb])).filter((one) => one !== 'help').map((one) => `${verb} ${one}`) : [verb];
    const paths = (await Promise.all(verbs.map(of))).flat();
    expect(paths.filter((path) => examplesText(path) === '')).toEqual([]);
    const lines = paths.map(examplesText).join('\n');
    expect(await mistakesIn(commandsIn('help', lines))).toEqual([]);
  });

  it('is a configuration file that can be used', async () => {
    const home = mkdtempSync(join(tmpdir(), 'hotlink-shown-'));
    try {
      const [, yaml] = /^```yaml\n(.*?)^```/ms.exec(read('docs/configuration.md')) ?? [];
      writeFileSync(join(home, 'hotlink.yaml'), yaml as string);
      expect(await hotlink(['config', 'check', '--config', join(home, 'hotlink.yaml')])).toMatchObject({ code: 0, stderr: '' });
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('are scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = DOCUMENTS.flatMap((file) =>
      [...read(file).matchAll(/npm run (?:--silent )?([a-z]+)/g)].map(([, name]) => ({ file, name: name as string })),
    );
    expect(run.length).toBeGreaterThan(10);
    expect(run.filter(({ name }) => !(name in scripts))).toEqual([]);
  });

  it('is every verb, in the table of the README', async () => {
    const rows = [...read('README.md').matchAll(/^\| `([a-z]+)` \| .* \| `(?:.*\| )?hotlink ([a-z]+).*` \|$/gm)];
    expect(rows.map(([, verb]) => verb).sort()).toEqual((await verbsOf([])).filter((verb) => verb !== 'help').sort());
    for (const [, verb, example] of rows) expect(example).toBe(verb);
  });

  it.each(['README.md', 'docs/operating.md'])('are in %s the exit codes that there are', (file) => {
    const table = /^\| code \| meaning.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(read(file))?.[1] ?? '';
    const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell]) => (cell as string).split(',').map(Number));
    const known = Object.values(exits).filter((value) => typeof value === 'number');
    expect(codes).toEqual([...known.toSorted((a, b) => a - b), 130, 143]);
  });
});

describe('docs/tuning.md', () => {
  const tuning = read('docs/tuning.md');

  it('has a symptom for each setting that has a size or a time, or chooses a way', () => {
    const sized = settings.filter(
      ({ unit, meaning }) => /^(bytes|ms|threads)$/.test(unit) && !meaning.startsWith('Accepted, changes nothing'),
    );
    const keys = [
      ...sized.map(({ key }) => key),
      'lanes',
      'direct',
      'iceServers',
      'iceFilter',
      'sctpCongestion',
      'quickAck',
      'batchScheduling',
      'datagrams',
      'p2pOnly',
    ];
    expect(keys.length).toBeGreaterThan(15);
    expect(keys.filter((key) => !tuning.includes(`\`${key}\``))).toEqual([]);
  });

  it('names flags that there are', () => {
    const flags = settings.flatMap(({ flag }) => (flag === undefined ? [] : [(flag.split(' ')[0] as string).slice(2)]));
    const named = [...tuning.matchAll(/--(?:no-)?([a-z][a-z0-9-]*)/g)].map(([, name]) => name as string);
    const others = ['lane', 'heap-growing-percent']; // of bench, of Node
    expect(named.filter((name) => !flags.includes(name) && !others.includes(name))).toEqual([]);
  });
});
