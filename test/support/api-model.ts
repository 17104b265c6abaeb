// The public surface of each entry point, as api-extractor reads it from the declarations that are published: names, signatures, and what their TSDoc says.
// api-extractor brings its own TypeScript, since TypeScript 7 has no programming interface yet.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, type ExtractorMessage } from '@microsoft/api-extractor';

const root = join(import.meta.dirname, '../../..');

/** The part of an `.api.json` file that is read here. */
interface ModelItem {
  readonly kind: string;
  readonly name: string;
  readonly docComment?: string;
  readonly releaseTag?: string;
  readonly excerptTokens?: readonly { readonly text: string }[];
  readonly fileUrlPath?: string;
  readonly members?: readonly ModelItem[];
  readonly extendsTokenRanges?: readonly { readonly startIndex: number; readonly endIndex: number }[];
}

export interface ApiDoc {
  /** Without remarks and examples. */
  readonly summary: string;
  readonly params: readonly (readonly [name: string, text: string])[];
  readonly returns: string;
  readonly throws: readonly string[];
}

export interface ApiItem {
  readonly kind: 'class' | 'function' | 'interface' | 'type' | 'variable';
  readonly name: string;
  readonly signature: string;
  readonly doc: ApiDoc;
  /** Names it extends. */
  readonly bases: readonly string[];
  /** In the order in which they are declared. */
  readonly members: readonly ApiMember[];
}

export interface ApiMember {
  readonly kind: 'constructor' | 'method' | 'property';
  readonly name: string;
  readonly signature: string;
  readonly doc: ApiDoc;
}

export interface Api {
  readonly items: readonly ApiItem[];
  /** Types that the surface speaks of and does not export, a sentence each. */
  readonly forgotten: readonly string[];
}

const KINDS: Readonly<Record<string, ApiItem['kind']>> = {
  Class: 'class',
  Function: 'function',
  Interface: 'interface',
  TypeAlias: 'type',
  Variable: 'variable',
};
const MEMBER_KINDS: Readonly<Record<string, ApiMember['kind']>> = {
  Constructor: 'constructor',
  Method: 'method',
  MethodSignature: 'method',
  Property: 'property',
  PropertySignature: 'property',
};

/** @param entry path of the declarations of an entry point, from the repository's root */
export function readApi(entry: string): Api {
  const home = mkdtempSync(join(tmpdir(), 'hotlink-api-'));
  try {
    const apiJsonFilePath = join(home, 'model.api.json');
    const forgotten = extract(join(root, entry), apiJsonFilePath);
    const [entryPoint] = (JSON.parse(readFileSync(apiJsonFilePath, 'utf8')) as ModelItem).members ?? [];
    return {
      items: joinMakers(joinOverloads((entryPoint?.members ?? []).filter(({ releaseTag }) => releaseTag !== 'Internal').map(readItem))),
      forgotten,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The forms of one function are one item, described by the first. */
function joinOverloads<T extends ApiItem | ApiMember>(all: readonly T[]): T[] {
  const joined: T[] = [];
  for (const one of all) {
    const at = joined.findIndex(({ kind, name }) => kind === one.kind && name === one.name && (kind === 'function' || kind === 'method'));
    const before = joined[at];
    if (before === undefined) joined.push(one);
    else joined[at] = { ...before, signature: `${before.signature}\n${one.signature}` };
  }
  return joined;
}

/** An interface and the constant of the same name that makes it are one class. */
function joinMakers(all: readonly ApiItem[]): ApiItem[] {
  const makers = new Map(all.filter(({ kind }) => kind === 'variable').map((item) => [item.name, item]));
  const made = new Set(all.filter(({ kind, name }) => kind === 'interface' && makers.has(name)).map(({ name }) => name));
  return all
    .filter(({ kind, name }) => kind !== 'variable' || !made.has(name))
    .map((item) => {
      const maker = makers.get(item.name);
      if (maker === undefined || !made.has(item.name)) return item;
      return {
        ...item,
        kind: 'class',
        members: [{ kind: 'constructor', name: 'constructor', signature: 'constructor()', doc: maker.doc }, ...item.members],
      };
    });
}

/** @returns what is spoken of and not exported */
function extract(entry: string, apiJsonFilePath: string): string[] {
  const lib = ['ES2023', 'ESNext.Disposable'];
  const compilerOptions = { target: 'ES2023', lib, module: 'NodeNext', strict: true, skipLibCheck: true, types: ['node'] };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
      apiReport: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      docModel: { enabled: true, apiJsonFilePath },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const forgotten: string[] = [];
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message: ExtractorMessage) => {
      message.handled = true;
      if (message.messageId === 'ae-forgotten-export') forgotten.push(message.text);
      if (message.messageId.startsWith('TS')) throw new Error(`${message.sourceFilePath}: ${message.text}`);
    },
  });
  if (!succeeded) throw new Error(`api-extractor could not read ${entry}`);
  return forgotten;
}

function readItem(item: ModelItem): ApiItem {
  const kind = KINDS[item.kind];
  if (kind === undefined) throw new Error(`${item.name} is a ${item.kind}, for which there is no word here`);
  const place = declarationOf(item);
  // `@internal`: there for the rooms of this repository.
  const members = joinOverloads((item.members ?? []).filter(({ releaseTag }) => releaseTag !== 'Internal').map(readMember)).toSorted(
    (a, b) => placeOf(a, place) - placeOf(b, place),
  );
  const text = item.excerptTokens ?? [];
  const bases = (item.extendsTokenRanges ?? []).map(({ startIndex, endIndex }) => textOf(text.slice(startIndex, endIndex)));
  return { kind, name: item.name, signature: signatureOf(item), doc: readDoc(item.docComment ?? ''), bases, members };
}

function readMember(item: ModelItem): ApiMember {
  const kind = MEMBER_KINDS[item.kind];
  if (kind === undefined) throw new Error(`${item.name} is a ${item.kind}, for which there is no word here`);
  // What api-extractor says of constructors without a comment.
  const comment = (item.docComment ?? '').replace(/Constructs a new instance of the `\w+` class/, '');
  // A constructor has no name in the model.
  return { kind, name: item.name ?? 'constructor', signature: signatureOf(item), doc: readDoc(comment) };
}

/** The file from where the item is declared on. */
function declarationOf({ fileUrlPath, name }: ModelItem): string {
  if (fileUrlPath === undefined) return '';
  const text = readFileSync(join(root, fileUrlPath), 'utf8');
  return text.slice(Math.max(0, text.search(new RegExp(`\\b(?:class|interface) ${name}\\b`))));
}

/** The model has members by name; a reader wants them as they were written. */
function placeOf({ kind, name }: ApiMember, declaration: string): number {
  const escaped = (kind === 'constructor' ? 'constructor' : name).replace(/[$[\].]/g, '\\$&');
  return declaration.search(new RegExp(`^ {4}(?:static |readonly |get |set |\\*)*${escaped}[?(<:;]`, 'm'));
}

const textOf = (tokens: readonly { readonly text: string }[]): string =>
  tokens
    .map(({ text }) => text)
    .join('')
    .trim();

function signatureOf({ excerptTokens = [] }: ModelItem): string {
  return textOf(excerptTokens)
    .replace(/^export (?:declare )?/, '')
    .replace(/;$/, '');
}

/** A comment as api-extractor writes it: a summary, then blocks that begin with a tag at the start of a line. */
function readDoc(comment: string): ApiDoc {
  const text = comment
    .replace(/^\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .trim();
  const [summary = '', ...blocks] = text.split(/^(?=@(?:param|returns|throws|example|remarks|deprecated)\b)/m);
  const of = (tag: string): string[] =>
    blocks.filter((block) => block.startsWith(`@${tag}`)).map((block) => block.slice(tag.length + 1).trim());
  return {
    summary: oneLine(summary),
    params: of('param').map((block) => {
      const [, name = '', words = ''] = /^(\S+)\s+(?:-\s+)?([\s\S]*)$/.exec(block) ?? [];
      return [name, oneLine(words)] as const;
    }),
    returns: oneLine(of('returns').join(' ')),
    throws: of('throws').map((words) => oneLine(words).replace(/^HotlinkError /, '')),
  };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
