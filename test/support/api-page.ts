// The reference of one entry point as Markdown, and the overview of all of them: a line for each name and member, made of its signature and what the
// summary of its TSDoc says. Longer explanations (`@remarks`, examples) are left to the pages in prose.
import type { Api, ApiDoc, ApiItem, ApiMember } from './api-model.js';

/** One entry point with what stands at the head of its page. */
export interface Entry {
  readonly name: string;
  /** Name of its page in docs/api. */
  readonly file: string;
  readonly intro: string;
  readonly api: Api;
}

/** Kinds in the order of the page. */
const ORDER: readonly ApiItem['kind'][] = ['function', 'class', 'variable', 'interface', 'type'];

/** What a page shows beside a margin without scrolling. */
const LINE_CHARS = 140;

/** Where each name is described: the page of the first entry that exports it. */
type Places = ReadonlyMap<string, string>;

/** What stands between blanks and has a letter or a digit: a bullet or an arrow takes no time to read. */
export const wordsOf = (page: string): number => page.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

/** How pages write objects: most fields are strings. */
const CONVENTION = 'In `{ … }` a field without a type is a string.';

/** @param entries in the order in which they are read: a name that several export is described with the first */
export function placesOf(entries: readonly Entry[]): Places {
  const places = new Map<string, string>();
  for (const { file, api } of entries) for (const { name } of api.items) if (!places.has(name)) places.set(name, file);
  return places;
}

export function apiPage({ name, file, intro, api }: Entry, places: Places): string {
  const here = (target: ApiItem): boolean => places.get(target.name) === file;
  const elsewhere = ordered(api).filter((item) => !here(item));
  const lines = [`# \`${name}\``, '', `${intro} ${CONVENTION}`];
  if (elsewhere.length > 0) lines.push('', `Described elsewhere: ${elsewhere.map((item) => link(item.name, file, places)).join(', ')}.`);
  for (const item of ordered(api).filter(here)) lines.push('', ...section(item, file, places));
  return `${lines.join('\n')}\n`;
}

/** Every name that can be imported, a line each. */
export function overviewPage(intro: string, entries: readonly Entry[], places: Places): string {
  const lines = ['# API', '', intro];
  for (const { name, file, intro: words, api } of entries) {
    lines.push('', `## [\`${name}\`](${file})`, '', words, '');
    for (const item of ordered(api)) {
      const known = places.get(item.name) !== file;
      lines.push(
        `- ${link(item.name, 'README.md', places)}${known ? '' : `: ${firstSentence(linked(item.doc.summary, 'README.md', places))}`}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

const ordered = ({ items }: Api): ApiItem[] =>
  items.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));

const firstSentence = (text: string): string => /^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text;

function link(name: string, from: string, places: Places): string {
  const place = places.get(name);
  return `[\`${name}\`](${place === from ? '' : place}#${name.toLowerCase()})`;
}

function section(item: ApiItem, file: string, places: Places): string[] {
  const { kind, name, doc, bases, members } = item;
  const signature = compact(item.signature);
  const words = described(doc, file, places);
  if (kind !== 'class' && kind !== 'interface') {
    const short = /^(?:type|function|const) /.test(signature) ? signature : `const ${signature}`;
    return [`## ${name}`, '', ...(short.includes('\n') ? ['```ts', short, '```'] : [`\`${short}\``]), '', words];
  }
  const extending = bases.length === 0 ? '' : `Extends ${bases.map((base) => `\`${flat(base)}\``).join(', ')}.`;
  const lines = [`## ${name}`, '', [words, extending].filter(Boolean).join(' '), ''];
  for (const member of members) lines.push(line(member, file, places));
  return lines;
}

function line({ signature, doc }: ApiMember, file: string, places: Places): string {
  const forms = signature.split('\n').length > 1 && /\n\w+[(<]/.test(signature) ? signature.split(/\n(?=\w+[(<])/) : [signature];
  const shown = forms.map((form) => `\`${flat(form).replace(/^(?:readonly )?(?:get (\w+)\(\))?/, '$1')}\``).join(', ');
  return `- ${shown} ${described(doc, file, places)}`.trim();
}

/** On one line, without what only a compiler wants. */
const flat = (signature: string): string =>
  signature
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/([{;|(]) (?:readonly|\|) /g, '$1 ')
    .replaceAll(/([{;|]) readonly /g, '$1 ')
    .replaceAll(/: readonly (?=[\w({'])/g, ': ')
    .replaceAll('; }', ' }')
    .replaceAll(/: string(?=;| \})/g, '')
    .trim();

/** As a person would break it: on one line what fits there, or is a list of words; otherwise a choice, a part or a field on each. */
function compact(signature: string): string {
  if (!signature.startsWith('type '))
    return signature
      .split(/\n(?=function )/)
      .map(flat)
      .join('\n');
  const oneLine = flat(signature);
  const [, head = '', body = ''] = /^(type [^=]*?) = (?:\| )?([\s\S]*)$/.exec(oneLine) ?? [];
  const choices = split(body, '|');
  if (oneLine.length <= LINE_CHARS || choices.every((choice) => /^'[^']*'$/.test(choice))) return `${head} = ${choices.join(' | ')}`;
  if (choices.length > 1) return `${head} =\n  | ${choices.join('\n  | ')}`;
  const [first = '', ...parts] = split(body, '&');
  return [`${head} = ${fields(first)}`, ...parts].join('\n  & ');
}

/** Where the separator stands outside of all brackets. */
function split(body: string, separator: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const part of body.split(/(=>|[{}()[\]<>|&])/)) {
    if (/^[{([<]$/.test(part)) depth += 1;
    if (/^[})\]>]$/.test(part)) depth -= 1;
    if (part === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += part;
  }
  return parts.map((part) => part.trim());
}

/** An object: a field on each line. */
const fields = (body: string): string =>
  body.startsWith('{ ') && body.endsWith(' }') ? `{\n  ${splitFields(body.slice(2, -2)).join('\n  ')}\n}` : body;

function splitFields(inside: string): string[] {
  const all: string[] = [''];
  let depth = 0;
  for (const part of inside.split(/([{}]|; )/)) {
    if (part === '{') depth += 1;
    if (part === '}') depth -= 1;
    if (part === '; ' && depth === 0) all.push('');
    else all[all.length - 1] += part;
  }
  return all;
}

/** The summary, then what a caller has to know of arguments, result and errors, in one paragraph. */
function described({ summary, params, returns, throws }: ApiDoc, file: string, places: Places): string {
  const about = params.map(([name, text]) => `\`${name}\`: ${text}`).join('; ');
  const parts = [
    summary,
    about === '' ? '' : `${sentence(about)}`,
    returns === '' ? '' : sentence(summary === '' ? returns[0]?.toUpperCase() + returns.slice(1) : `Returns ${returns}`),
    throws.length === 0 ? '' : sentence(`Throws ${throws.join('; ')}`),
  ];
  return linked(parts.filter(Boolean).join(' ').replaceAll(/\s+/g, ' '), file, places);
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** `{@link X}` as code, with a link where X can be imported. */
function linked(text: string, file: string, places: Places): string {
  return text.replaceAll(/\{@link ([\w.]+)(?:\s*\|\s*([^}]*))?\}/g, (_, target: string, words?: string) => {
    const [first = ''] = target.split('.');
    const shown = words === undefined ? `\`${target}\`` : words.trim();
    const place = places.get(first);
    return place === undefined ? shown : `[${shown}](${place === file ? '' : place}#${first.toLowerCase()})`;
  });
}
