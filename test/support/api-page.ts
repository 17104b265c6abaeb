// The reference of one entry point as Markdown: functions and classes first, then interfaces, types and constants, by name.
import type { Api, ApiDoc, ApiItem, ApiMember } from './api-model.js';

/** Kinds in the order of the page, with what stands above each. */
const SECTIONS: readonly (readonly [words: string, kinds: readonly ApiItem['kind'][]])[] = [
  ['functions and classes', ['function', 'class']],
  ['interfaces', ['interface']],
  ['types and constants', ['type', 'variable']],
];

/** What a page shows beside a margin without scrolling. */
const LINE_CHARS = 120;

/** @param name the entry point @param intro what it is for, a paragraph */
export function apiPage(name: string, intro: string, { items }: Api): string {
  const names = new Set(items.map((item) => item.name));
  const lines = [`# API of \`${name}\``, '', intro, ''];
  for (const [words, kinds] of SECTIONS) {
    const some = of(items, kinds);
    if (some.length > 0) lines.push(`- ${words}: ${some.map((item) => `[\`${item.name}\`](#${anchor(item.name)})`).join(', ')}`);
  }
  for (const [, kinds] of SECTIONS) for (const item of of(items, kinds)) lines.push('', ...section(item, names));
  return `${lines.join('\n')}\n`;
}

const of = (items: readonly ApiItem[], kinds: readonly ApiItem['kind'][]): ApiItem[] =>
  items.filter(({ kind }) => kinds.includes(kind)).toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));

const anchor = (name: string): string => name.toLowerCase();

function section(item: ApiItem, names: ReadonlySet<string>): string[] {
  const { kind, name, signature, doc, bases, members } = item;
  const lines = [`## ${name}`, ''];
  if (kind === 'class' || kind === 'interface') {
    const extending = bases.map((base) => typeWords(base, names)).join(', ');
    lines.push(`${kind}${extending === '' ? '' : `, extends ${extending}`}. ${described(doc, names)}`.trim());
  } else lines.push('```ts', compact(signature), '```', '', described(doc, names));
  lines.push(...notes(doc, names));
  const called = members.filter((member) => member.kind !== 'property');
  const read = members.filter((member) => member.kind === 'property');
  if (read.length > 0) lines.push('', '| property | type | meaning |', '|---|---|---|', ...read.map((member) => row(member, names)));
  for (const member of called) lines.push('', ...method(member, names));
  return lines;
}

function row({ signature, doc }: ApiMember, names: ReadonlySet<string>): string {
  const [, name = signature, optional = '', type = ''] =
    /^(?:static |readonly |get )*([\w$]+|\[[^\]]+\])(?:\(\))?(\??):\s*([\s\S]*)$/.exec(signature) ?? [];
  const words = [described(doc, names), ...notes(doc, names)].join(' ').replaceAll(/\s+/g, ' ').trim();
  return `| \`${name}${optional}\` | ${cell(typeWords(type, names))} | ${cell(words)} |`;
}

function method({ signature, doc }: ApiMember, names: ReadonlySet<string>): string[] {
  return ['```ts', compact(signature), '```', '', described(doc, names), ...notes(doc, names)];
}

/** As a person would break it: short objects and parameters on one line, long choices on many. */
function compact(signature: string): string {
  let text = signature;
  // From the inside out: each round closes what has nothing open in it.
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replaceAll(/\{\n\s*([^{}]*?);\n\s*\}/g, (whole, inside: string) => {
      const flat = `{ ${inside.replaceAll(/;\s*\n\s*/g, '; ')} }`;
      return flat.length <= LINE_CHARS ? flat : whole;
    });
  }
  text = manyLines(text);
  return text.replaceAll(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
}

/** A type that is a choice, too long for a line: one possibility on each. */
function manyLines(signature: string): string {
  const [, head, body] = /^(type [^=]*?) = ([\s\S]*)$/.exec(signature) ?? [];
  if (head === undefined || body === undefined || !signature.split('\n').some((line) => line.length > LINE_CHARS)) return signature;
  const choices: string[] = [''];
  let depth = 0;
  for (const part of body.replaceAll(/\/\*\*.*?\*\//g, '').split(/([{}()<>|])/)) {
    if (/^[{(<]$/.test(part)) depth += 1;
    if (/^[})>]$/.test(part)) depth -= 1;
    if (part === '|' && depth === 0) choices.push('');
    else choices[choices.length - 1] += part;
  }
  return choices.length === 1 ? signature : `${head} =${choices.map((choice) => `\n  | ${choice.trim()}`).join('')}`;
}

/** A type in a table: one line, with links where it is only a name. */
function typeWords(type: string, names: ReadonlySet<string>): string {
  const flat = type.replaceAll(/\s+/g, ' ').trim();
  const [, name, rest = ''] = /^(\w+)(\[\]| \| undefined)?$/.exec(flat) ?? [];
  return name !== undefined && names.has(name) ? `[\`${name}${rest}\`](#${anchor(name)})` : `\`${flat}\``;
}

/** A pipe ends a cell, in code as well. */
const cell = (text: string): string => text.replaceAll(/(?<!\\)\|/g, '\\|');

const described = (doc: ApiDoc, names: ReadonlySet<string>): string =>
  [linked(doc.summary, names), doc.example === '' ? '' : doc.example].filter(Boolean).join('\n\n');

function notes({ params, returns, throws }: ApiDoc, names: ReadonlySet<string>): string[] {
  const lines = [
    ...params.map(([name, text]) => `- \`${name}\`: ${linked(text, names)}`),
    ...(returns === '' ? [] : [`- returns ${linked(returns, names)}`]),
    ...throws.map((text) => `- throws ${linked(text, names)}`),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

/** `{@link X}` as code, with a link where X is on this page. */
function linked(text: string, names: ReadonlySet<string>): string {
  return text.replaceAll(/\{@link ([\w.]+)(?:\s*\|\s*([^}]*))?\}/g, (_, target: string, words?: string) => {
    const [first = ''] = target.split('.');
    const shown = words === undefined ? `\`${target}\`` : words.trim();
    return names.has(first) ? `[${shown}](#${anchor(first)})` : shown;
  });
}
