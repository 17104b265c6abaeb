// The reference in docs/api is what the published declarations say, every name in them is documented, nothing that is spoken of is kept back, and it
// can be read in ten minutes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ApiDoc, type ApiItem, type ApiMember, readApi } from '../support/api-model.js';
import { apiPage, type Entry, overviewPage, placesOf, wordsOf } from '../support/api-page.js';

const root = join(import.meta.dirname, '../../..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Readonly<Record<string, string | { readonly types: string }>>;
};
/** What stands at the head of each page. */
const INTROS: Readonly<Record<string, string>> = {
  hotlink: 'A data plane inside a program; in prose: [library](../library.md).',
  'hotlink/relay': 'The relay server inside a program; in prose: [relay in a program](../relay-in-a-program.md).',
  'hotlink/native-free': 'The protocol as data in, data out. No Node, no I/O, no clock: runs in a browser.',
  'hotlink/native-free/machines':
    'What makes a program a whole peer where hotlink itself does not run: state machines without I/O, as [a page](../../examples/browser-peer/README.md) drives them. [How a machine is driven](../../native-free/README.md#how-a-machine-is-driven).',
};
const OVERVIEW =
  "Every name that can be imported. A name leads to its signature and members. Types of arguments and results without a name of their own are reached from those that have one, as `Parameters<Hotlink['connect']>[0]`.";

/** What people who read to learn take in of technical text (200 to 250), so that a page of this many times ten is read in ten minutes. */
const WORDS_PER_MINUTE = 250;
const TEN_MINUTES = 10 * WORDS_PER_MINUTE;
/** A sentence that is longer than this belongs into a page in prose, or behind `@remarks`. */
const MAX_SUMMARY_WORDS = 45;
/** All pages together: each entry has readers of its own, so nobody needs them all; half an hour is for whoever reviews the whole surface. */
const HALF_AN_HOUR = 30 * WORDS_PER_MINUTE;
/** What can be imported from an entry. Somebody who looks for a name goes through them all. */
const MAX_NAMES = 25;

const entries: readonly Entry[] = Object.entries(exports).flatMap(([path, entry]) => {
  if (typeof entry === 'string') return [];
  const name = path.replace(/^\./, 'hotlink');
  const file = `${name.replace('hotlink/', '').replace('/', '-')}.md`;
  return [{ name, file, intro: INTROS[name] ?? '', api: readApi(entry.types) }];
});
/** As they are read: who uses machines has read about messages. */
const reading = entries.toSorted((a, b) => Object.keys(INTROS).indexOf(a.name) - Object.keys(INTROS).indexOf(b.name));
const places = placesOf(reading);

/** The page as it is, written first when asked for. */
function pageOnDisk(file: string, page: string): string {
  const path = join(root, 'docs/api', file);
  if (process.env['HOTLINK_DOCS'] === 'write') {
    mkdirSync(join(root, 'docs/api'), { recursive: true });
    writeFileSync(path, page);
  }
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

type Documented = readonly [name: string, doc: ApiDoc];
const documentedOf = (items: readonly ApiItem[]): Documented[] =>
  items.flatMap(({ name, doc, members }): Documented[] => [
    [name, doc],
    ...members.filter((member) => !speaksForItself(member)).map((member): Documented => [`${name}.${member.name}`, member.doc]),
  ]);

const isSilent = ({ summary, params, returns }: ApiDoc): boolean => summary === '' && params.length === 0 && returns === '';

/** A constructor without arguments, what the language calls by a symbol, and a property that has but one value, to tell it from its kin. */
function speaksForItself({ kind, name, signature }: ApiMember): boolean {
  return (kind === 'constructor' && signature.endsWith('()')) || name.startsWith('[') || /: (?:true|false|-?\d+|'[^']*')$/.test(signature);
}

describe.each(reading)('the API of $name', (entry) => {
  const { name, file, api } = entry;

  it('is documented, every name of it, in a sentence or two', () => {
    expect(api.items.length).toBeGreaterThan(5);
    const documented = documentedOf(api.items);
    expect(documented.filter(([, doc]) => isSilent(doc)).map(([words]) => words)).toEqual([]);
    expect(documented.filter(([, { summary }]) => wordsOf(summary) > MAX_SUMMARY_WORDS).map(([words]) => words)).toEqual([]);
  });

  it('exports every type that it speaks of, or another entry does', () => {
    const named = api.forgotten.map((sentence) => ({ sentence, type: /"(\w+)"/.exec(sentence)?.[1] ?? '' }));
    expect(named.filter(({ type }) => !places.has(type)).map(({ sentence }) => sentence)).toEqual([]);
  });

  it('is what docs/api says', () => {
    const page = apiPage(entry, places);
    expect(pageOnDisk(file, page) === page, `docs/api/${file} is out of date: npm run api`).toBe(true);
  });

  it('is read in ten minutes', () => {
    expect(INTROS[name]).toBeDefined();
    expect(api.items.length).toBeLessThanOrEqual(MAX_NAMES);
    expect(wordsOf(apiPage(entry, places))).toBeLessThanOrEqual(TEN_MINUTES);
  });
});

describe('the overview of all entries', () => {
  const page = overviewPage(OVERVIEW, reading, places);

  it('is what docs/api says', () => {
    expect(pageOnDisk('README.md', page) === page, 'docs/api/README.md is out of date: npm run api').toBe(true);
  });

  it('is read in five minutes, and everything with it in half an hour', () => {
    expect(wordsOf(page)).toBeLessThanOrEqual(5 * WORDS_PER_MINUTE);
    const pages = [page, ...reading.map((entry) => apiPage(entry, places))];
    expect(pages.reduce((words, one) => words + wordsOf(one), 0)).toBeLessThanOrEqual(HALF_AN_HOUR);
  });

  it('has no two things of one name', () => {
    const all = reading.flatMap(({ api }) => api.items.map(({ name, kind, signature }) => [name, `${kind} ${signature}`] as const));
    expect(all.filter(([name, is]) => all.some(([other, what]) => other === name && what !== is))).toEqual([]);
    // Headings are told apart by their letters alone, not by how they are written.
    const headings = reading.map(({ api }) => api.items.map(({ name }) => name.toLowerCase()));
    expect(headings.flatMap((names) => names.filter((name, index) => names.indexOf(name) !== index))).toEqual([]);
  });
});
